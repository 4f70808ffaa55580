"""AWS Elastic Beanstalk, in place of moto's stub: https://docs.aws.amazon.com/elasticbeanstalk/latest/api/Welcome.html"""
