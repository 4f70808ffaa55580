"""The repository of images: brought to what is declared, whatever was there before."""

from __future__ import annotations

import json

import pytest

from tests.aws.conftest import tags

KEEP = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 30},
            "action": {"type": "expire"},
        }
    ]
}
REPOSITORY = {"name": "orbit-staging", "lifecycle_policy": KEEP, "tags": tags()}


@pytest.fixture
def ecr(aws):
    return aws.client("ecr")


def test_it_is_made_kept_and_removed(aws, ecr):
    made = aws.bring("ecr_repository", **REPOSITORY)
    assert made.steps == ["create repository of images orbit-staging"]
    assert made["uri"] == ecr.describe_repositories()["repositories"][0]["repositoryUri"]

    removed = aws.bring("ecr_repository", **REPOSITORY, state="absent")
    assert removed.steps == ["delete repository of images orbit-staging"]
    assert ecr.describe_repositories()["repositories"] == []


def test_what_was_changed_by_hand_is_mended(aws, ecr):
    aws.bring("ecr_repository", **REPOSITORY)
    ecr.put_image_tag_mutability(repositoryName="orbit-staging", imageTagMutability="MUTABLE")
    ecr.put_image_scanning_configuration(repositoryName="orbit-staging", imageScanningConfiguration={"scanOnPush": False})
    ecr.put_lifecycle_policy(
        repositoryName="orbit-staging", lifecyclePolicyText=json.dumps({"rules": [{**KEEP["rules"][0], "description": "x"}]})
    )

    mended = aws.bring("ecr_repository", **REPOSITORY)
    assert mended.steps == ["update repository of images orbit-staging (image_tag_mutability, lifecycle_policy, scan_on_push)"]


def test_tags_of_others_stay(aws, ecr):
    made = aws.bring("ecr_repository", **REPOSITORY)
    ecr.tag_resource(resourceArn=made["arn"], tags=[{"Key": "cost-center", "Value": "42"}])
    aws.settled("ecr_repository", **REPOSITORY)


def test_what_belongs_to_another_service_is_refused_and_can_be_taken_over(aws):
    aws.bring("ecr_repository", **{**REPOSITORY, "tags": tags("ledger")})
    assert "is 'ledger' and not 'orbit'" in aws.refused("ecr_repository", **REPOSITORY)
    aws.settled("ecr_repository", **REPOSITORY, state="absent")

    assert aws.bring("ecr_repository", **REPOSITORY, adopt=True).steps == ["update repository of images orbit-staging (tags)"]


@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "lost"])
def test_a_fault_in_any_one_call_makes_no_difference(aws, ecr, kind):
    for operation in ("CreateRepository", "PutLifecyclePolicy", "DescribeRepositories"):
        aws.faults({"kind": kind, "service": "ecr", "operation": operation, "times": 1})
        aws.run("ecr_repository", **REPOSITORY)
        aws.settled("ecr_repository", **REPOSITORY)
        aws.run("ecr_repository", **REPOSITORY, state="absent")
