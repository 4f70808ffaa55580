"""Which IAM actions an operation needs, and on which resources.

From the service authorization reference (https://docs.aws.amazon.com/service-authorization/latest/reference/), for the services that our
roles may use. An operation that is not here needs the action of its own name, on the resource whose ARN it names, or else on ``*``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from sandbox.core import policies

if TYPE_CHECKING:
    from sandbox.core.gateway import Call

PREFIXES = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
ACTIONS = {
    ("s3", "HeadObject"): ["GetObject"],
    ("s3", "HeadBucket"): ["ListBucket"],
    ("s3", "ListObjects"): ["ListBucket"],
    ("s3", "ListObjectsV2"): ["ListBucket"],
    ("s3", "ListBuckets"): ["ListAllMyBuckets"],
    ("s3", "ListObjectVersions"): ["ListBucketVersions"],
    ("s3", "CreateMultipartUpload"): ["PutObject"],
    ("s3", "UploadPart"): ["PutObject"],
    ("s3", "CompleteMultipartUpload"): ["PutObject"],
    ("s3", "CopyObject"): ["PutObject"],
    ("s3", "DeleteObjects"): ["DeleteObject"],
    ("s3", "GetBucketEncryption"): ["GetEncryptionConfiguration"],
    ("s3", "GetBucketLifecycleConfiguration"): ["GetLifecycleConfiguration"],
    ("s3", "GetPublicAccessBlock"): ["GetBucketPublicAccessBlock"],
}
# The parameter that names a resource, and the resource's part of its ARN; the first that is given counts.
RESOURCES: dict[str, list[tuple[str, str]]] = {
    "codebuild": [(key, "project/{}") for key in ("projectName", "name", "names", "ids", "id")],
    "codepipeline": [("pipelineName", "{}"), ("name", "{}")],
    "ecr": [("repositoryName", "repository/{}"), ("repositoryNames", "repository/{}")],
    "elasticache": [("ReplicationGroupId", "replicationgroup:{}"), ("CacheClusterId", "cluster:{}")],
    "elasticbeanstalk": [
        ("EnvironmentName", "environment/{ApplicationName}/{}"),
        ("EnvironmentNames", "environment/{ApplicationName}/{}"),
        ("VersionLabel", "applicationversion/{ApplicationName}/{}"),
        ("ApplicationName", "application/{}"),
    ],
    "iam": [("RoleName", "role/{}")],
    "rds": [("DBInstanceIdentifier", "db:{}"), ("DBSnapshotIdentifier", "snapshot:{}"), ("DBParameterGroupName", "pg:{}")],
    "sqs": [("QueueName", "{}"), ("QueueUrl", "{}")],
    "ssm": [("Name", "parameter/{}"), ("Names", "parameter/{}")],
}


def needed(call: Call) -> list[tuple[str, list[str]]]:
    """What a call needs: each action with each resource, in all spellings of its ARN, of which one must be allowed."""
    prefix = PREFIXES.get(call.service, call.service)
    names = ACTIONS.get((call.service, call.operation), [call.operation])
    return [(f"{prefix}:{name}", spellings) for name in names for spellings in resources(call)]


def resources(call: Call) -> list[list[str]]:
    """The ARNs of what a call is about."""
    params = call.params
    if call.service in SPECIAL:
        return [SPECIAL[call.service](call)]
    named = [value for key, value in params.items() if key.lower().endswith("arn") and isinstance(value, str)]
    if named:
        return [[named[0]]]
    key, template = next(((key, template) for key, template in RESOURCES.get(call.service, []) if params.get(key)), ("", ""))
    if not key:
        return [["*"]]
    region, owner = "" if call.service == "iam" else call.region, params.get("registryId", call.account)
    values = params[key] if isinstance(params[key], list) else [params[key]]
    names = [value.rpartition("/")[2] if key == "QueueUrl" else value.partition(":")[0] for value in values]
    if call.service == "elasticbeanstalk":
        parts = [template.format(name, ApplicationName=params.get("ApplicationName") or application_of(call, name)) for name in names]
    else:
        parts = [template.format(name) for name in names]
    return [[f"arn:aws:{call.service}:{region}:{owner}:{part}"] for part in parts]


def application_of(call: Call, environment: str) -> str:
    """An environment's ARN names its application also where the request does not."""
    from sandbox.elasticbeanstalk.models import Beanstalk  # noqa: PLC0415 it imports the gateway, which imports this module

    return next((found.application for found in call.state(Beanstalk).living() if found.name == environment), "*")


def logs(call: Call) -> list[str]:
    """Policies name a log group with and without ``:*``; a stream is ``log-group:GROUP:log-stream:STREAM``."""
    group = call.params.get("logGroupName")
    if not group:
        return ["*"]
    arn = f"arn:aws:logs:{call.region}:{call.account}:log-group:{group}"
    return [arn, f"{arn}:log-stream:{call.params.get('logStreamName', '')}"]


def secret(call: Call) -> list[str]:
    """A secret's ARN ends in six random letters, and a policy is held against it also where the request gave the name."""
    wanted = call.params.get("SecretId") or call.params.get("Name", "")
    if not wanted or wanted.startswith("arn:"):
        return [wanted or "*"]
    found = get_backend("secretsmanager")[call.owner][call.region].secrets.get(wanted)
    return [found.arn if found else f"arn:aws:secretsmanager:{call.region}:{call.account}:secret:{wanted}-??????"]


def bucket(call: Call) -> list[str]:
    path = "/".join(call.params[part] for part in ("Bucket", "Key") if call.params.get(part))
    return [f"arn:aws:s3:::{path}" if path else "*"]


def owner(call: Call) -> str:
    """The account of what a call is about, which may be another one: a bucket's, a registry's, that in a secret's ARN."""
    params = call.params
    if call.service == "s3" and call.operation != "CreateBucket":
        return get_backend("s3").bucket_accounts.get(params.get("Bucket"), ("aws", call.account))[1]
    if call.service == "ecr":
        return params.get("registryId", call.account)
    named = params.get("SecretId", "") if call.service == "secretsmanager" else params.get("TopicArn", "") if call.service == "sns" else ""
    return named.split(":")[4] if named.startswith("arn:") else call.account


def resource_policy(call: Call) -> dict[str, Any] | None:
    """The policy of the bucket, repository or secret that a call is about."""
    name = {"s3": "Bucket", "ecr": "repositoryName", "secretsmanager": "SecretId"}.get(call.service)
    if name is None or not isinstance(call.params.get(name), str):
        return None
    name, held = call.params[name], None
    if call.service == "s3":
        held = get_backend("s3")[call.owner]["aws"].buckets.get(name)
    elif call.service == "ecr":
        held = get_backend("ecr")[call.owner][call.region].repositories.get(name)
    else:
        held = get_backend("secretsmanager")[call.owner][call.region].secrets.get(name)
    text = getattr(held, "policy", None)
    return policies.read(text.decode() if isinstance(text, bytes) else text) if text else None


SPECIAL = {"logs": logs, "secretsmanager": secret, "s3": bucket}
