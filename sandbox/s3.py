"""S3 where moto's is not AWS's of today: what a new bucket is, and which policies a bucket takes.

https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
"""

from __future__ import annotations

import xmltodict
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, PublicAccessBlock, s3_backends

from sandbox.core import policies
from sandbox.core.gateway import Answer, Call, operation
from sandbox.core.wire import AwsError

# moto judges bucket policies without their conditions: with "Deny unless TLS" nothing would get in. sandbox/core/access.py judges them.
FakeBucket.get_permission = lambda *_: PermissionResult.PERMITTED


@operation("s3")
def create_bucket(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html: encrypted, not public, without ACLs since 2023.

    With the tags that it is given (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html), which moto drops.
    """
    answered = call.forward()
    if answered.status_code == 200:
        given = xmltodict.parse(call.request.get_data() or b"<CreateBucketConfiguration/>", force_list=("Tag",))
        tags = (given["CreateBucketConfiguration"] or {}).get("Tags") or {}
        if tags:
            named = {tag["Key"]: tag["Value"] or "" for tag in tags["Tag"]}
            s3_backends[call.account]["aws"].put_bucket_tagging(call.params["Bucket"], named)
        bucket = s3_backends[call.account]["aws"].buckets[call.params["Bucket"]]
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}
        bucket.encryption = bucket.encryption or {"Rule": rule}
        bucket.public_access_block = bucket.public_access_block or PublicAccessBlock(True, True, True, True)
        bucket.ownership_rule = bucket.ownership_rule or "BucketOwnerEnforced"
    return answered


@operation("s3")
def put_bucket_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"""
    name = call.params["Bucket"]
    document = policies.read(call.request.get_data(as_text=True))
    if document is None:
        raise AwsError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'", 400)
    if policies.unknown_principal(document):
        raise AwsError("MalformedPolicy", "Invalid principal in policy", 400)
    for statement in policies.listed(document["Statement"]):
        for resource in policies.listed(statement.get("Resource", f"arn:aws:s3:::{name}")):
            if resource.partition("/")[0] not in (f"arn:aws:s3:::{name}", "*"):
                raise AwsError("MalformedPolicy", "Policy has invalid resource", 400)
    bucket = s3_backends[call.account]["aws"].buckets.get(name)
    block = bucket.public_access_block if bucket else None
    if block and str(block.block_public_policy).lower() == "true" and policies.public(document):
        why = "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access."
        message = f'User: {call.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::{name}" {why}'
        raise AwsError("AccessDenied", message, 403)
    return call.forward()


@operation("s3")
def put_object(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: only if there is none, or only over a certain one."""
    if call.request.headers.get("If-None-Match", "*") != "*":
        raise AwsError("NotImplemented", "A header you provided implies functionality that is not implemented", 501)
    return call.forward()
