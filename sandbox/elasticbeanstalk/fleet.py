"""What an environment consists of: security groups, load balancer, Auto Scaling group and instances, address, queue.

They are moto's own resources, so that they stand in the way of deleting a network as they do on AWS, and are seen by its services.
"""

from __future__ import annotations

from typing import Any

from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk import options
from sandbox.elasticbeanstalk.models import Beanstalk, Environment, random_suffix

ENVIRONMENT, PROCESS = options.ENVIRONMENT, f"{options.ENVIRONMENT}:process:default"
LAUNCH, VPC, GROUP = "aws:autoscaling:launchconfiguration", "aws:ec2:vpc", "aws:autoscaling:asg"
ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


class Fleet:
    """The resources of one environment."""

    def __init__(self, beanstalk: Beanstalk, environment: Environment) -> None:
        self.beanstalk, self.environment, self.parts = beanstalk, environment, environment.parts

    def option(self, namespace: str, name: str) -> str | None:
        return options.value(self.environment.settings, namespace, name)

    def listed(self, namespace: str, name: str) -> list[str]:
        return options.listed(self.environment.settings, namespace, name)

    def name(self, kind: str) -> str:
        return f"awseb-{self.environment.id}-stack-{kind}-{random_suffix()}"

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return self.beanstalk.invoke(service, operation, **params)

    @property
    def tags(self) -> dict[str, str]:
        own = {"elasticbeanstalk:environment-name": self.environment.name, "elasticbeanstalk:environment-id": self.environment.id}
        return {**self.environment.tags, **own, "Name": self.environment.name}

    @property
    def balanced(self) -> bool:
        return "application" in options.shape(self.environment.settings, self.environment.tier)

    @property
    def single(self) -> bool:
        return self.option(ENVIRONMENT, "EnvironmentType") == "SingleInstance"

    @property
    def bounds(self) -> tuple[int, int]:
        return (1, 1) if self.single else (int(self.option(GROUP, "MinSize")), int(self.option(GROUP, "MaxSize")))

    def network(self) -> tuple[str, list[str], list[str]]:
        """The VPC, the instances' subnets and the load balancer's; without options, those of the default VPC."""
        vpc, subnets = self.option(VPC, "VPCId"), self.listed(VPC, "Subnets")
        if not vpc:
            found = self.call("ec2", "DescribeSubnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
            vpc, subnets = found[0]["VpcId"], [subnet["SubnetId"] for subnet in found]
        return vpc, subnets, self.listed(VPC, "ELBSubnets") or subnets

    def security_group(self, part: str, kind: str, vpc: str, source: dict[str, Any]) -> str:
        """Make a security group that lets in HTTP from a source."""
        made = self.call(
            "ec2",
            "CreateSecurityGroup",
            GroupName=self.name(kind),
            Description="SecurityGroup for ElasticBeanstalk environment.",
            VpcId=vpc,
        )
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **source}
        self.call("ec2", "AuthorizeSecurityGroupIngress", GroupId=made["GroupId"], IpPermissions=[rule])
        self.parts[part] = made["GroupId"]
        return made["GroupId"]

    def create_load_balancer(self) -> None:
        vpc, _, subnets = self.network()
        groups = self.listed("aws:elbv2:loadbalancer", "SecurityGroups")
        groups = groups or [
            self.security_group("load balancer's security group", "AWSEBLoadBalancerSecurityGroup", vpc, {"IpRanges": ANYWHERE})
        ]
        scheme = "internal" if self.option(VPC, "ELBScheme") == "internal" else "internet-facing"
        name = f"awseb--AWSEB-{random_suffix()}"
        target = self.call(
            "elbv2",
            "CreateTargetGroup",
            Name=f"awseb-AWSEB-{random_suffix()}",
            Protocol=self.option(PROCESS, "Protocol"),
            Port=int(self.option(PROCESS, "Port")),
            VpcId=vpc,
            HealthCheckPath=self.option(PROCESS, "HealthCheckPath"),
            HealthCheckIntervalSeconds=int(self.option(PROCESS, "HealthCheckInterval")),
            Matcher={"HttpCode": self.option(PROCESS, "MatcherHTTPCode")},
        )["TargetGroups"][0]["TargetGroupArn"]
        balancer = self.call("elbv2", "CreateLoadBalancer", Name=name, Subnets=subnets, SecurityGroups=groups, Scheme=scheme)
        self.parts |= {"target group": target, "load balancer": balancer["LoadBalancers"][0]}
        self.set_listeners()

    def set_listeners(self) -> None:
        """One listener for each enabled ``aws:elbv2:listener:<port>`` and, unless disabled, the default one on port 80."""
        balancer, target = self.parts["load balancer"]["LoadBalancerArn"], self.parts["target group"]
        for listener in self.call("elbv2", "DescribeListeners", LoadBalancerArn=balancer)["Listeners"]:
            self.call("elbv2", "DeleteListener", ListenerArn=listener["ListenerArn"])
        prefix = "aws:elbv2:listener:"
        for namespace in sorted({prefix + "default"} | {n.namespace for n in self.environment.settings if n.namespace.startswith(prefix)}):
            if self.option(namespace, "ListenerEnabled") != "true":
                continue
            port = namespace.removeprefix(prefix).replace("default", "80")
            certificates = [{"CertificateArn": arn} for arn in self.listed(namespace, "SSLCertificateArns")]
            policy = self.option(namespace, "SSLPolicy")
            self.call(
                "elbv2",
                "CreateListener",
                LoadBalancerArn=balancer,
                Port=int(port),
                Protocol=self.option(namespace, "Protocol"),
                DefaultActions=[{"Type": "forward", "TargetGroupArn": target}],
                **({"Certificates": certificates} if certificates else {}),
                **({"SslPolicy": policy} if policy else {}),
            )

    def create_group(self) -> None:
        """The launch template and the Auto Scaling group, which launches the instances."""
        vpc, subnets, _ = self.network()
        groups = self.listed(LAUNCH, "SecurityGroups")
        if self.option(LAUNCH, "DisableDefaultEC2SecurityGroup") != "true":
            above = self.parts.get("load balancer's security group")
            source = {"UserIdGroupPairs": [{"GroupId": above}]} if above else {"IpRanges": ANYWHERE}
            groups = [*groups, self.security_group("instances' security group", "AWSEBSecurityGroup", vpc, source)]
        kind = (self.listed("aws:ec2:instances", "InstanceTypes") or [self.option(LAUNCH, "InstanceType") or "t3.micro"])[0]
        data = {"ImageId": "ami-12c6146b", "InstanceType": kind, "SecurityGroupIds": groups}
        template = self.call("ec2", "CreateLaunchTemplate", LaunchTemplateName=self.name("AWSEBEC2LaunchTemplate"), LaunchTemplateData=data)
        self.parts["launch template"] = template["LaunchTemplate"]["LaunchTemplateId"]
        self.parts["group"] = self.name("AWSEBAutoScalingGroup")
        smallest, largest = self.bounds
        self.call(
            "autoscaling",
            "CreateAutoScalingGroup",
            AutoScalingGroupName=self.parts["group"],
            LaunchTemplate={"LaunchTemplateId": self.parts["launch template"]},
            MinSize=smallest,
            MaxSize=largest,
            VPCZoneIdentifier=",".join(subnets),
            Tags=[{"Key": key, "Value": text, "PropagateAtLaunch": True} for key, text in self.tags.items()],
            **({"TargetGroupARNs": [self.parts["target group"]]} if "target group" in self.parts else {}),
        )
        if self.single and self.environment.tier == "WebServer":
            self.parts["address"] = self.call("ec2", "AllocateAddress", Domain="vpc")

    def create_queue(self) -> None:
        """A worker environment's queue, with its dead-letter queue, unless it is given one."""
        given = self.option("aws:elasticbeanstalk:sqsd", "WorkerQueueURL")
        if not given:
            for part, kind in (("dead letters", "AWSEBWorkerDeadLetterQueue"), ("queue", "AWSEBWorkerQueue")):
                self.parts[part] = self.call("sqs", "CreateQueue", QueueName=self.name(kind))["QueueUrl"]

    def instances(self) -> list[dict[str, Any]]:
        """The instances that serve, as the Auto Scaling group has them: also what somebody scaled."""
        if "group" not in self.parts:
            return []
        groups = self.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[self.parts["group"]])["AutoScalingGroups"]
        return [instance for group in groups for instance in group["Instances"]]

    def ids(self) -> list[str]:
        return [instance["InstanceId"] for instance in self.instances()]

    def resize(self) -> None:
        smallest, largest = self.bounds
        self.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=self.parts["group"], MinSize=smallest, MaxSize=largest)

    def change_type(self) -> None:
        """Put a load balancer before the instances, or take it away, as the settings now say.

        https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-types.html
        """
        group = {"AutoScalingGroupName": self.parts["group"]}
        if self.balanced and "load balancer" not in self.parts:
            self.create_load_balancer()
            self.call("autoscaling", "AttachLoadBalancerTargetGroups", **group, TargetGroupARNs=[self.parts["target group"]])
            self.remove("address")
        elif not self.balanced and "load balancer" in self.parts:
            self.call("autoscaling", "DetachLoadBalancerTargetGroups", **group, TargetGroupARNs=[self.parts["target group"]])
            self.remove("load balancer", "target group", "load balancer's security group")
            self.parts["address"] = self.call("ec2", "AllocateAddress", Domain="vpc")

    def replace(self) -> tuple[list[str], list[str]]:
        """Launch as many new instances as there are, then end the old ones; both by their ids."""
        old = self.ids()
        new = self.grow()
        self.shrink(old)
        return new, old

    def grow(self) -> list[str]:
        """Launch as many new instances as there are, beside them."""
        old, (smallest, largest) = self.ids(), self.bounds
        group = {"AutoScalingGroupName": self.parts["group"]}
        count = min(max(len(old), smallest), largest)
        self.call("autoscaling", "UpdateAutoScalingGroup", **group, MinSize=0, MaxSize=count + len(old), DesiredCapacity=count + len(old))
        return [instance for instance in self.ids() if instance not in old]

    def shrink(self, instances: list[str]) -> None:
        """End these instances."""
        for instance in instances:
            self.call("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=instance, ShouldDecrementDesiredCapacity=True)
        self.resize()

    def remove(self, *only: str) -> list[str]:
        """Delete these parts, or all, in their order, and say which. One that others name stays, and its error is raised."""
        gone: list[str] = []
        for part, service, operation, parameter in REMOVAL:
            if part not in self.parts or part not in (only or self.parts):
                continue
            found = self.parts[part]
            identifier = found.get(IDENTIFIERS.get(part)) if isinstance(found, dict) else found
            force = {"ForceDelete": True} if part == "group" else {}
            self.call(service, operation, **{parameter: identifier}, **force)
            del self.parts[part]
            gone.append(f"{DELETED.get(part, '')}{identifier}" if part in DELETED else "")
        return [line for line in gone if line]

    def reachable(self) -> str | None:
        """Where it answers: the load balancer's name, or the instance's address."""
        if "load balancer" in self.parts:
            return self.parts["load balancer"]["DNSName"]
        return self.parts["address"]["PublicIp"] if "address" in self.parts else None


REMOVAL = [
    ("load balancer", "elbv2", "DeleteLoadBalancer", "LoadBalancerArn"),
    ("group", "autoscaling", "DeleteAutoScalingGroup", "AutoScalingGroupName"),
    ("target group", "elbv2", "DeleteTargetGroup", "TargetGroupArn"),
    ("launch template", "ec2", "DeleteLaunchTemplate", "LaunchTemplateId"),
    ("address", "ec2", "ReleaseAddress", "AllocationId"),
    ("queue", "sqs", "DeleteQueue", "QueueUrl"),
    ("dead letters", "sqs", "DeleteQueue", "QueueUrl"),
    ("instances' security group", "ec2", "DeleteSecurityGroup", "GroupId"),
    ("load balancer's security group", "ec2", "DeleteSecurityGroup", "GroupId"),
]
IDENTIFIERS = {"load balancer": "LoadBalancerArn", "address": "AllocationId"}
# Beanstalk's own words, as in `eb terminate`'s example (awsdocs/aws-elastic-beanstalk-developer-guide doc_source/eb3-terminate.md).
DELETED = {
    "load balancer": "Deleted load balancer named: ",
    "group": "Deleted Auto Scaling group named: ",
    "target group": "Deleted target group named: ",
    "address": "Deleted EIP: ",
    "queue": "Deleted SQS queue named: ",
    "instances' security group": "Deleted security group named: ",
    "load balancer's security group": "Deleted security group named: ",
}


def missing(beanstalk: Beanstalk, environment: Environment) -> str | None:
    """What the settings name and nobody made, in the words of the event that tells of it."""
    profile = options.value(environment.settings, LAUNCH, "IamInstanceProfile")
    role = options.value(environment.settings, ENVIRONMENT, "ServiceRole")
    wanted = [("instance profile", profile, "GetInstanceProfile", "InstanceProfileName")]
    wanted += [("service role", role, "GetRole", "RoleName")] if role else []
    for kind, name, operation, parameter in wanted:
        try:
            beanstalk.invoke("iam", operation, **{parameter: (name or "").rpartition("/")[2] or "-"})
        except AwsError:
            return f"The {kind} {name} associated with the environment does not exist."
    return None
