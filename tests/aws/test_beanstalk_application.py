"""An application, its versions, and what is left of them."""

from __future__ import annotations

import pytest

from tests.aws.conftest import ACCOUNT, REGION, tags

ROLE = f"arn:aws:iam::{ACCOUNT}:role/little-service/orbit-staging-runtime"
APPLICATION = {"name": "orbit-staging", "service_role": ROLE, "versions_kept": 20, "tags": tags()}
BUCKET = "little-service-staging"


@pytest.fixture
def beanstalk(aws):
    return aws.client("elasticbeanstalk")


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text("services: {}\n")
    return folder


@pytest.fixture
def version(aws, bundle):
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.run("beanstalk_application", **APPLICATION)
    place = {"bucket": BUCKET, "key": "bundles/orbit/", "tags": tags()}
    return {"application": "orbit-staging", "prefix": "placeholder", "bundle": str(bundle), **place}


def keys(aws) -> list[str]:
    return [one["Key"] for one in aws.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_an_application_is_made_kept_and_removed(aws, beanstalk):
    assert aws.bring("beanstalk_application", **APPLICATION).steps == ["create application orbit-staging"]
    assert aws.bring("beanstalk_application", **APPLICATION, state="absent").steps == ["delete application orbit-staging"]
    assert beanstalk.describe_applications()["Applications"] == []


def test_what_was_changed_of_an_application_by_hand_is_mended(aws, beanstalk):
    made = aws.run("beanstalk_application", **APPLICATION)
    beanstalk.update_application(ApplicationName="orbit-staging", Description="somebody's")
    by_age = {"MaxAgeRule": {"Enabled": True, "MaxAgeInDays": 3}, "MaxCountRule": {"Enabled": False}}
    lifecycle = {"ServiceRole": "arn:aws:iam::123456789012:role/other", "VersionLifecycleConfig": by_age}
    beanstalk.update_application_resource_lifecycle(ApplicationName="orbit-staging", ResourceLifecycleConfig=lifecycle)
    beanstalk.update_tags_for_resource(
        ResourceArn=made["arn"], TagsToAdd=[{"Key": "team", "Value": "blue"}], TagsToRemove=["little-service:environment"]
    )

    mended = aws.bring("beanstalk_application", **APPLICATION)
    changed = "bundles_kept, description, service_role, tags, versions_expire_by_age, versions_kept"
    assert mended.steps == [f"update application orbit-staging ({changed})"]
    assert {"Key": "team", "Value": "blue"} in beanstalk.list_tags_for_resource(ResourceArn=made["arn"])["ResourceTags"]


def test_a_version_is_made_once_for_its_content(aws, version, bundle):
    first = aws.bring("beanstalk_version", **version)
    assert first.steps == [f"create application version {first['label']}"]
    assert keys(aws) == [f"bundles/orbit/{first['label']}.zip"]

    (bundle / "docker-compose.yml").write_text("services: {web: {}}\n")
    assert aws.bring("beanstalk_version", **version)["label"] != first["label"]
    assert len(keys(aws)) == 2


def test_a_bundle_that_is_there_is_not_uploaded_again(aws, version, beanstalk):
    label = aws.run("beanstalk_version", **version)["label"]
    beanstalk.delete_application_version(ApplicationName="orbit-staging", VersionLabel=label)
    assert aws.bring("beanstalk_version", **version).writes == ["elasticbeanstalk:CreateApplicationVersion"]


def test_a_bundle_that_was_lost_is_uploaded_again(aws, version):
    label = aws.run("beanstalk_version", **version)["label"]
    aws.client("s3").delete_object(Bucket=BUCKET, Key=f"bundles/orbit/{label}.zip")
    assert aws.bring("beanstalk_version", **version).steps == [f"update application version {label} (bundle_is_there)"]


def test_a_version_is_made_of_an_object_in_s3(aws, version):
    aws.client("s3").put_object(Bucket=BUCKET, Key="released/orbit.zip", Body=b"zip")
    made = aws.bring("beanstalk_version", **{**version, "bundle": None, "prefix": "released", "key": "released/orbit.zip"})
    assert made["label"].startswith("released-")
    assert keys(aws) == ["released/orbit.zip"]


def test_a_version_goes_with_its_bundle(aws, version):
    label = aws.run("beanstalk_version", **version)["label"]
    assert aws.bring("beanstalk_version", **version, state="absent").steps == [f"delete application version {label}"]
    assert keys(aws) == []


def test_an_application_goes_with_its_versions_and_their_bundles(aws, version):
    aws.run("beanstalk_version", **version)
    aws.bring("beanstalk_application", **APPLICATION, state="absent")
    assert keys(aws) == []


def test_in_check_mode_a_version_needs_no_application_yet(aws, bundle):
    foreseen = aws.run(
        "beanstalk_version", check=True, application="orbit", prefix="placeholder", bundle=str(bundle), bucket="none-yet", key="bundles/"
    )
    assert foreseen.steps == [f"create application version {foreseen['label']}"]


def test_a_bundle_that_does_not_exist_is_named(aws, version, tmp_path):
    said = aws.refused("beanstalk_version", **{**version, "bundle": str(tmp_path / "nowhere")})
    assert said.startswith(f"There is no bundle at {tmp_path / 'nowhere'}: give a zip archive, or a folder")


@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "lost"])
def test_a_fault_in_any_one_call_makes_no_difference(aws, version, kind):
    for service, operation in (
        ("elasticbeanstalk", "CreateApplication"),
        ("elasticbeanstalk", "CreateApplicationVersion"),
        ("s3", "PutObject"),
    ):
        aws.run("beanstalk_application", **APPLICATION, state="absent")
        aws.faults({"kind": kind, "service": service, "operation": operation, "times": 1})
        aws.run("beanstalk_application", **APPLICATION)
        aws.run("beanstalk_version", **version)
        aws.settled("beanstalk_application", **APPLICATION)
        aws.settled("beanstalk_version", **version)
