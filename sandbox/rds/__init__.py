"""Amazon RDS's instances, in place of moto's, which are available at once and never pending: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/Welcome.html"""
