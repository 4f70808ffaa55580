"""Secrets Manager where moto's is laxer than AWS: https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html"""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from sandbox.core import policies
from sandbox.core.gateway import Answer, Call, operation
from sandbox.core.wire import AwsError

SERVICE = "secretsmanager"


def secret(call: Call, key: str = "SecretId") -> Any:
    return secretsmanager_backends[call.owner][call.region].secrets.get(call.params.get(key, ""))


@operation(SERVICE)
def create_secret(call: Call) -> Answer:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html: not while its name is being deleted."""
    existing = secret(call, "Name")
    if existing is not None and existing.is_deleted():
        message = "You can't create this secret because a secret with this name is already scheduled for deletion."
        raise AwsError("InvalidRequestException", message)
    return call.forward()


def living(call: Call) -> Answer:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html and its like: not of one that is to go."""
    existing = secret(call)
    if existing is not None and existing.is_deleted():
        message = "You can't perform this operation on the secret because it was marked for deletion."
        raise AwsError("InvalidRequestException", message)
    return call.forward()


# DeleteSecret again, too: moto refuses that in other words.
for name in ("DeleteSecret", "GetSecretValue", "PutResourcePolicy", "PutSecretValue", "TagResource", "UntagResource", "UpdateSecret"):
    operation(SERVICE, name)(living)


@operation(SERVICE)
def put_resource_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html"""
    document = policies.read(call.params["ResourcePolicy"])
    if document is None:
        raise AwsError("MalformedPolicyDocumentException", "This resource policy is not a valid JSON policy.")
    if policies.unknown_principal(document):
        raise AwsError("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal.")
    if call.params.get("BlockPublicPolicy") and policies.public(document):
        raise AwsError(
            "PublicPolicyException", "This resource policy grants broad access to the secret, and BlockPublicPolicy forbids that."
        )
    return living(call)


@operation(SERVICE)
def describe_secret(call: Call) -> Answer:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html: versions with a label only."""
    answered = call.ask()
    versions = {version: stages for version, stages in answered.get("VersionIdsToStages", {}).items() if stages}
    return {**answered, **({"VersionIdsToStages": versions} if versions else {})}
