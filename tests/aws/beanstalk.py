"""Environments as our module declares them, and as somebody at the console sees and changes them."""

from __future__ import annotations

import io
import zipfile

from tests.aws.conftest import ACCOUNT, REGION, tags
from tests.sandbox.conftest import allow, policy

BUCKET, PLACEHOLDER = "little-service-staging", "placeholder-1"
TYPE, COMMAND, GROUP = "aws:elasticbeanstalk:environment", "aws:elasticbeanstalk:command", "aws:autoscaling:asg"
COMMON = {
    "aws:autoscaling:launchconfiguration": {"IamInstanceProfile": "orbit-instances"},
    "aws:elasticbeanstalk:healthreporting:system": {"SystemType": "enhanced"},
    COMMAND: {"DeploymentPolicy": "Immutable"},
}
SINGLE = {**COMMON, TYPE: {"EnvironmentType": "SingleInstance"}}
BALANCED = {**COMMON, TYPE: {"EnvironmentType": "LoadBalanced", "LoadBalancerType": "application"}, GROUP: {"MinSize": 2, "MaxSize": 4}}
WEB = {"name": "orbit-staging", "cname_prefix": f"orbit-staging-{ACCOUNT}", "options": SINGLE}
WORKER = {"name": "orbit-staging-worker", "tier": "Worker", "options": {**COMMON, TYPE: {"EnvironmentType": "LoadBalanced"}}}


def declared(*environments: dict, **more) -> dict:
    return {"application": "orbit-staging", "environments": list(environments), "version_label": PLACEHOLDER, "tags": tags(), **more}


class Beanstalk:
    """The application's Elastic Beanstalk, as somebody at the console sees and changes it."""

    def __init__(self, aws) -> None:
        self.aws, self.client, self.s3 = aws, aws.client("elasticbeanstalk"), aws.client("s3")
        iam = aws.client("iam")
        aws.cloud.role("orbit-instances", "ec2.amazonaws.com")
        iam.create_instance_profile(InstanceProfileName="orbit-instances")
        iam.add_role_to_instance_profile(InstanceProfileName="orbit-instances", RoleName="orbit-instances")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.client.create_application(ApplicationName="orbit-staging")
        self.version(PLACEHOLDER)

    def version(self, label: str, file: str = "docker-compose.yml") -> None:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr(file, "services: {}\n")
        self.s3.put_object(Bucket=BUCKET, Key=label, Body=body.getvalue())
        source = {"S3Bucket": BUCKET, "S3Key": label}
        self.client.create_application_version(ApplicationName="orbit-staging", VersionLabel=label, SourceBundle=source)

    def change(self, name: str = "orbit-staging", **more) -> None:
        self.client.update_environment(EnvironmentName=name, **more)

    def found(self, name: str = "orbit-staging") -> dict:
        return self.client.describe_environments(EnvironmentNames=[name])["Environments"][-1]

    def settings(self, name: str = "orbit-staging") -> dict[tuple[str, str], str]:
        (found,) = self.client.describe_configuration_settings(ApplicationName="orbit-staging", EnvironmentName=name)[
            "ConfigurationSettings"
        ]
        return {(one["Namespace"], one["OptionName"]): one["Value"] for one in found["OptionSettings"]}

    def allow_secrets(self) -> None:
        document = policy(allow("secretsmanager:GetSecretValue"))
        self.aws.client("iam").put_role_policy(RoleName="orbit-instances", PolicyName="secrets", PolicyDocument=document)


def setting(namespace: str, option: str, value: str = "") -> dict[str, str]:
    return {"Namespace": namespace, "OptionName": option, "Value": value}
