"""AWS CodePipeline, in place of moto's, whose executions run nothing: https://docs.aws.amazon.com/codepipeline/latest/APIReference/Welcome.html"""
