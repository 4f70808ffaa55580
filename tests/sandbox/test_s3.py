"""A bucket is its account's, and its policy counts with its conditions."""

from __future__ import annotations

import json

import botocore.exceptions
import pytest

from tests.sandbox.conftest import ACCOUNT, allow, policy

OTHER = "999999999999"
BUNDLE = {"Bucket": "artifacts", "Key": "bundles/orbit/1.zip"}


@pytest.fixture
def s3(cloud):
    client = cloud.client("s3")
    client.create_bucket(
        Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "us-west-2", "Tags": [{"Key": "whose", "Value": "ours"}]}
    )
    client.put_object(**BUNDLE, Body=b"1")
    return client


def refused(call, **params) -> bool:
    try:
        call(**params)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "403")
        return True
    return False


def test_a_bucket_is_made_with_its_tags(s3):
    assert s3.get_bucket_tagging(Bucket="artifacts")["TagSet"] == [{"Key": "whose", "Value": "ours"}]


def test_another_account_sees_only_what_the_policy_gives_it(cloud, s3):
    theirs = cloud.client("s3", key=OTHER)
    assert refused(theirs.get_object, **BUNDLE)
    assert refused(theirs.get_bucket_tagging, Bucket="artifacts")

    shared = {**allow("s3:GetObject", "arn:aws:s3:::artifacts/bundles/*"), "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}
    s3.put_bucket_policy(Bucket="artifacts", Policy=policy(shared))
    assert not refused(theirs.get_object, **BUNDLE)
    assert refused(theirs.put_object, **BUNDLE)
    with pytest.raises(botocore.exceptions.ClientError, match="BucketAlreadyExists"):
        theirs.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})


def test_a_deny_holds_for_everybody_where_its_condition_does(s3):
    deny = {**allow("s3:*", "arn:aws:s3:::artifacts/*"), "Effect": "Deny", "Principal": "*"}
    s3.put_bucket_policy(Bucket="artifacts", Policy=policy({**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}))
    assert not refused(s3.put_object, **BUNDLE)
    s3.put_bucket_policy(Bucket="artifacts", Policy=policy({**deny, "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}}))
    assert refused(s3.put_object, **BUNDLE)
    assert json.loads(s3.get_bucket_policy(Bucket="artifacts")["Policy"])["Statement"], "the policy itself can still be read and mended"


def test_a_role_is_allowed_by_its_policies_or_by_the_buckets_but_not_by_the_naming_of_its_account(cloud, s3):
    arn = cloud.role("build", "codebuild.amazonaws.com")
    role = cloud.as_role("s3", arn, "codebuild.amazonaws.com")
    assert refused(role.get_object, **BUNDLE)
    shared = allow("s3:GetObject", "arn:aws:s3:::artifacts/*")
    s3.put_bucket_policy(Bucket="artifacts", Policy=policy({**shared, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}))
    assert refused(role.get_object, **BUNDLE)
    s3.put_bucket_policy(Bucket="artifacts", Policy=policy({**shared, "Principal": {"AWS": arn}}))
    assert not refused(role.get_object, **BUNDLE)
