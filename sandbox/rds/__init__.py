"""Amazon RDS, where moto's is not enough: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/Welcome.html"""
