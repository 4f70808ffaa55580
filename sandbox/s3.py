"""What moto's S3 leaves out: the tags of a new bucket, conditions in a bucket's policy, and that a bucket is its account's."""

from __future__ import annotations

import json
from typing import Any

import xmltodict
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends

from sandbox.core import access
from sandbox.core.gateway import Answer, Call, operation


def owner_and_policy(call: Call) -> tuple[str, dict[str, Any] | None]:
    """Whose bucket a call is about. To make one of a name that is taken gets an answer of its own."""
    name = call.params.get("Bucket", "")
    _, owner = s3_backends.bucket_accounts.get(name, ("", call.account))
    if call.operation == "CreateBucket" or name not in s3_backends[owner]["aws"].buckets:
        return call.account, None
    policy = s3_backends[owner]["aws"].buckets[name].policy
    return owner, json.loads(policy) if policy else None


access.RESOURCE_POLICIES["s3"] = owner_and_policy
# moto reads a statement without its conditions and its principal; the gateway has decided by then.
FakeBucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL  # type: ignore[method-assign]


@operation("s3")
def create_bucket(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html: with the tags that it is given."""
    answered = call.forward()
    body = call.request.get_data()
    if answered.status_code == 200 and body:
        configuration = xmltodict.parse(body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
        tags = {tag["Key"]: tag["Value"] or "" for tag in (configuration.get("Tags") or {}).get("Tag", [])}
        if tags:
            s3_backends[call.account]["aws"].put_bucket_tagging(call.params["Bucket"], tags)
    return answered
