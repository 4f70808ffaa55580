"""Everything that stands in the sandbox, asked of the services' own list operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jmespath
from moto.core.utils import get_pagination_model

from sandbox.core import access

if TYPE_CHECKING:
    from sandbox.core.gateway import Sandbox

# Service, operation, and which of its answer is not there by itself in every account.
LISTS = [
    ("acm", "ListCertificates", "CertificateSummaryList[].CertificateArn"),
    ("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups[].AutoScalingGroupARN"),
    ("cloudwatch", "DescribeAlarms", "MetricAlarms[].AlarmArn"),
    ("cloudwatch", "ListDashboards", "DashboardEntries[].DashboardArn"),
    ("codebuild", "ListProjects", "projects"),
    ("codeconnections", "ListConnections", "Connections[].ConnectionArn"),
    ("codepipeline", "ListPipelines", "pipelines[].name"),
    ("ec2", "DescribeVpcs", "Vpcs[?!IsDefault].VpcId"),
    ("ec2", "DescribeSubnets", "Subnets[?!DefaultForAz].SubnetId"),
    ("ec2", "DescribeSecurityGroups", "SecurityGroups[?GroupName!='default'].GroupId"),
    ("ec2", "DescribeInternetGateways", "InternetGateways[].InternetGatewayId"),
    ("ec2", "DescribeNatGateways", "NatGateways[?State!='deleted'].NatGatewayId"),
    ("ec2", "DescribeRouteTables", "RouteTables[?!(Associations[?Main==`true`])].RouteTableId"),
    ("ec2", "DescribeVpcEndpoints", "VpcEndpoints[?State!='deleted'].VpcEndpointId"),
    ("ec2", "DescribeAddresses", "Addresses[].AllocationId"),
    ("ec2", "DescribeLaunchTemplates", "LaunchTemplates[].LaunchTemplateId"),
    ("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces[].NetworkInterfaceId"),
    ("ec2", "DescribeInstances", "Reservations[].Instances[?State.Name!='terminated'][].InstanceId"),
    ("ecr", "DescribeRepositories", "repositories[].repositoryArn"),
    ("elasticache", "DescribeCacheClusters", "CacheClusters[].ARN"),
    ("elasticache", "DescribeReplicationGroups", "ReplicationGroups[].ARN"),
    ("elasticache", "DescribeCacheParameterGroups", "CacheParameterGroups[?!starts_with(CacheParameterGroupName, 'default.')].ARN"),
    ("elasticache", "DescribeCacheSubnetGroups", "CacheSubnetGroups[?CacheSubnetGroupName!='default'].ARN"),
    ("elasticbeanstalk", "DescribeApplications", "Applications[].ApplicationArn"),
    ("elasticbeanstalk", "DescribeApplicationVersions", "ApplicationVersions[].ApplicationVersionArn"),
    ("elasticbeanstalk", "DescribeEnvironments", "Environments[?Status!='Terminated'].EnvironmentArn"),
    ("elbv2", "DescribeLoadBalancers", "LoadBalancers[].LoadBalancerArn"),
    ("elbv2", "DescribeTargetGroups", "TargetGroups[].TargetGroupArn"),
    ("events", "ListRules", "Rules[].Arn"),
    ("iam", "ListRoles", "Roles[?!starts_with(Path, '/aws-service-role/')].Arn"),
    ("iam", "ListInstanceProfiles", "InstanceProfiles[].Arn"),
    ("iam", "ListPolicies", "Policies[?!starts_with(Arn, 'arn:aws:iam::aws:')].Arn"),
    ("kms", "ListAliases", "Aliases[?!starts_with(AliasName, 'alias/aws/')].AliasArn"),
    ("logs", "DescribeLogGroups", "logGroups[].arn"),
    ("rds", "DescribeDBInstances", "DBInstances[].DBInstanceArn"),
    ("rds", "DescribeDBSubnetGroups", "DBSubnetGroups[].DBSubnetGroupArn"),
    ("rds", "DescribeDBParameterGroups", "DBParameterGroups[?!starts_with(DBParameterGroupName, 'default.')].DBParameterGroupArn"),
    ("rds", "DescribeDBSnapshots", "DBSnapshots[].DBSnapshotArn"),
    ("route53", "ListHostedZones", "HostedZones[].Id"),
    ("s3", "ListBuckets", "Buckets[].Name"),
    ("secretsmanager", "ListSecrets", "SecretList[].ARN"),
    ("sns", "ListTopics", "Topics[].TopicArn"),
    ("sqs", "ListQueues", "QueueUrls"),
    ("ssm", "DescribeParameters", "Parameters[].Name"),
]
EVERYWHERE = ("iam", "route53", "s3")


def standing(sandbox: Sandbox) -> list[dict[str, Any]]:
    """What stands in each account and region that was spoken to; what belongs to no region is listed once."""
    found = []
    for account, region in sorted(sandbox.places):
        who = access.administrator(account)
        for service, operation, expression in LISTS:
            if service not in sandbox.services:
                continue
            if service in EVERYWHERE and (account, region) != min(place for place in sandbox.places if place[0] == account):
                continue
            where = {"account": account, "region": "global" if service in EVERYWHERE else region}
            for page in pages(sandbox, service, operation, region, who):
                found += [{"service": service, "kind": operation, "id": name, **where} for name in jmespath.search(expression, page) or []]
    return found


def pages(sandbox: Sandbox, service: str, operation: str, region: str, who: access.Principal) -> Iterator[dict[str, Any]]:
    """A service's list, page by page; not in the log of calls: nobody called."""
    tokens = get_pagination_model(service).get(operation, {})
    params: dict[str, Any] = {}
    with sandbox.calls.paused():
        while True:
            page = sandbox.invoke(service, operation, params, region=region, principal=who)
            yield page
            token = page.get(tokens["output_token"]) if isinstance(tokens.get("output_token"), str) else None
            if not token:
                return
            params = {tokens["input_token"]: token}
