"""Amazon ElastiCache's groups and clusters, in place of moto's, which are available at once, and whose deletion never ends.

https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/Welcome.html
"""
