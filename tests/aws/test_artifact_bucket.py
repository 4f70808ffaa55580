"""The bucket of artifacts: private, whatever was there before."""

from __future__ import annotations

import json

import pytest

from tests.aws.conftest import tags

NAME = "little-service-staging-123456789012-us-west-2"
TLS_ONLY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}
BUCKET = {"name": NAME, "policy": TLS_ONLY, "tags": tags("shared")}


@pytest.fixture
def s3(aws):
    return aws.client("s3")


def test_it_is_made_private_and_removed(aws, s3):
    assert aws.bring("artifact_bucket", **BUCKET).steps == [f"create bucket {NAME}"]
    encryption = s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_ownership_controls(Bucket=NAME)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_versioning(Bucket=NAME)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=NAME)["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert json.loads(s3.get_bucket_policy(Bucket=NAME)["Policy"])["Statement"][0]["Effect"] == "Deny"

    assert aws.bring("artifact_bucket", **BUCKET, state="absent").steps == [f"delete bucket {NAME}"]
    assert s3.list_buckets()["Buckets"] == []


def test_changes_by_hand_are_mended(aws, s3):
    aws.run("artifact_bucket", **BUCKET)
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    s3.put_bucket_encryption(Bucket=NAME, ServerSideEncryptionConfiguration={"Rules": rules})
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Suspended"})
    s3.put_public_access_block(Bucket=NAME, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    s3.put_bucket_ownership_controls(Bucket=NAME, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.delete_bucket_lifecycle(Bucket=NAME)
    s3.delete_bucket_policy(Bucket=NAME)
    s3.put_bucket_tagging(Bucket=NAME, Tagging={"TagSet": [{"Key": "little-service:service", "Value": "shared"}]})
    properties = "encryption, lifecycle, ownership, policy, public_access_block, tags, versioning"
    assert aws.bring("artifact_bucket", **BUCKET).steps == [f"update bucket {NAME} ({properties})"]

    s3.delete_public_access_block(Bucket=NAME)
    assert aws.bring("artifact_bucket", **BUCKET).steps == [f"update bucket {NAME} (public_access_block)"]


def test_tags_of_others_stay(aws, s3):
    aws.run("artifact_bucket", **BUCKET)
    s3.put_bucket_tagging(Bucket=NAME, Tagging={"TagSet": [{"Key": "cost-center", "Value": "42"}, *as_list(tags("shared"))]})
    aws.settled("artifact_bucket", **BUCKET)
    aws.bring("artifact_bucket", **{**BUCKET, "tags": {**tags("shared"), "more": "yes"}})
    assert {"Key": "cost-center", "Value": "42"} in s3.get_bucket_tagging(Bucket=NAME)["TagSet"]


def test_what_is_in_it_is_kept_unless_it_is_forced(aws, s3):
    aws.run("artifact_bucket", **BUCKET)
    for body in (b"1", b"2"):
        s3.put_object(Bucket=NAME, Key="bundles/orbit/1.zip", Body=body)
    s3.delete_object(Bucket=NAME, Key="bundles/orbit/1.zip")
    assert "force: true" in aws.refused("artifact_bucket", **BUCKET, state="absent")
    aws.bring("artifact_bucket", **BUCKET, state="absent", force=True)


def test_another_accounts_bucket_is_told_from_one_of_ours(aws):
    theirs = {"access_key": "999999999999", "secret_key": "not-checked-by-the-sandbox"}
    aws.run("artifact_bucket", **BUCKET, **theirs)
    assert "the whole world's" in aws.refused("artifact_bucket", check=True, **BUCKET)


def test_a_bucket_of_the_name_that_is_nobodys_is_not_touched(aws, s3):
    s3.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    assert "-e adopt=true" in aws.refused("artifact_bucket", **BUCKET)
    aws.settled("artifact_bucket", **BUCKET, state="absent")
    aws.bring("artifact_bucket", **BUCKET, adopt=True)


@pytest.mark.parametrize("lost", ["CreateBucket", "PutBucketPolicy", "PutBucketLifecycleConfiguration"])
def test_a_run_that_was_cut_off_after_any_call_is_taken_up(aws, s3, lost):
    # Every answer after the one call is lost, as when the run is killed there.
    aws.faults({"kind": "lost", "service": "s3", "operation": lost})
    aws.refused("artifact_bucket", **BUCKET, aws_config={"retries": {"total_max_attempts": 1}})
    aws.faults()
    aws.bring("artifact_bucket", **BUCKET)


def test_in_the_first_region_there_is_no_constraint_of_place(aws):
    aws.given(region="us-east-1").bring("artifact_bucket", **BUCKET)


def as_list(one):
    return [{"Key": key, "Value": value} for key, value in one.items()]
