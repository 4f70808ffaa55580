"""Whether a version would start on an instance: what can be told without starting it, under the instance role's permissions.

The live sandbox starts it.
"""

from __future__ import annotations

import io
import re
import zipfile

from sandbox.core import access
from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk import options
from sandbox.elasticbeanstalk.fleet import LAUNCH
from sandbox.elasticbeanstalk.models import Beanstalk, Environment

SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"
REGISTRY = re.compile(r"(\d{12})\.dkr\.ecr\.([\w-]+)\.amazonaws\.com/([\w./-]+)")
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/docker-configuration.html
ACCEPTED = ("docker-compose.yml", "Dockerfile", "Dockerrun.aws.json")
MISSING = (
    "Instance deployment: Both 'Dockerfile' and 'Dockerrun.aws.json' are missing in your source bundle. "
    "Include at least one of them in your source bundle. The deployment failed."
)


class DeploymentFailed(Exception):
    """Why, and on which instances, where it is not on all."""

    def __init__(self, why: str, instances: list[str] | None = None) -> None:
        super().__init__(why)
        self.instances = instances


class Unhealthy(DeploymentFailed):
    """It runs, and does not pass its health check."""


def check(beanstalk: Beanstalk, environment: Environment, label: str | None) -> None:
    """Raise DeploymentFailed where an instance could not start this version with the environment's settings."""
    role = instance_role(beanstalk, environment)
    for name, value in environment.settings.items():
        if name.namespace == SECRETS:
            read_secret(beanstalk, role, name.option, value)
    if label is not None:
        check_bundle(beanstalk, role, beanstalk.version(environment.application, label).bundle)


def instance_role(beanstalk: Beanstalk, environment: Environment) -> access.Principal:
    profile = (options.value(environment.settings, LAUNCH, "IamInstanceProfile") or "").rpartition("/")[2]
    role = beanstalk.invoke("iam", "GetInstanceProfile", InstanceProfileName=profile)["InstanceProfile"]["Roles"][0]["RoleName"]
    arn = f"arn:aws:sts::{beanstalk.account}:assumed-role/{role}/{environment.name}"
    return access.Principal(arn, beanstalk.account, role)


def read_secret(beanstalk: Beanstalk, role: access.Principal, variable: str, arn: str) -> str:
    """Fetch a whole secret or a parameter as an instance does (https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html)."""
    secret = ":".join(arn.split(":")[:7])  # an eighth part names a key in the secret
    try:
        if ":ssm:" in arn:
            got = beanstalk.invoke("ssm", "GetParameter", role, Name=arn.partition(":parameter")[2], WithDecryption=True)
            return got["Parameter"]["Value"]
        return beanstalk.invoke("secretsmanager", "GetSecretValue", role, SecretId=secret).get("SecretString", "")
    except AwsError as error:
        raise DeploymentFailed(f"The value of {variable} cannot be read: {error.message}") from error


def check_bundle(beanstalk: Beanstalk, role: access.Principal, bundle: dict[str, str] | None) -> None:
    if bundle is None or bundle["S3Bucket"].startswith("elasticbeanstalk-samples"):
        return
    body = beanstalk.invoke("s3", "GetObject", Bucket=bundle["S3Bucket"], Key=bundle["S3Key"])["Body"].read()
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            present = [name for name in ACCEPTED if name in archive.namelist()]
            text = archive.read(present[0]).decode(errors="replace") if present else ""
    except zipfile.BadZipFile as error:
        raise DeploymentFailed(f"s3://{bundle['S3Bucket']}/{bundle['S3Key']} is not a zip file.") from error
    if not present:
        raise DeploymentFailed(MISSING)
    for _, _, repository in REGISTRY.findall(text):
        pull(beanstalk, role, repository)


def pull(beanstalk: Beanstalk, role: access.Principal, repository: str) -> None:
    """What pulling an image from ECR needs (https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html)."""
    try:
        beanstalk.invoke("ecr", "GetAuthorizationToken", role)
        beanstalk.invoke("ecr", "BatchGetImage", role, repositoryName=repository.partition(":")[0], imageIds=[{"imageTag": "any"}])
    except AwsError as error:
        raise DeploymentFailed(f"The image of {repository} cannot be pulled: {error.message}") from error
