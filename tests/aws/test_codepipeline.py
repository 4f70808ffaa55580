"""The pipeline from a commit to an environment, and from one environment to the next."""

from __future__ import annotations

import time

import pytest

from tests.aws.beanstalk import WEB, Beanstalk, declared
from tests.aws.conftest import ACCOUNT, REGION, tags
from tests.sandbox.conftest import allow
from tests.sandbox.test_pipeline import BUILD, PIPELINE

ARTIFACTS = "artifacts"
RELEASED = {"bucket": ARTIFACTS, "key": "released/orbit/bundle.zip"}
WHERE = [{"name": "Web", "application": "orbit-staging", "environment": "orbit-staging"}]


class Delivery:
    """What a pipeline needs, and the pipeline as somebody at the console sees and changes it."""

    def __init__(self, aws) -> None:
        self.aws, self.client = aws, aws.client("codepipeline")
        aws.client("s3").create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
        aws.client("s3").put_bucket_versioning(Bucket=ARTIFACTS, VersioningConfiguration={"Status": "Enabled"})
        connection = aws.client("codeconnections").create_connection(ProviderType="GitHub", ConnectionName="github")["ConnectionArn"]
        aws.cloud.control("PUT", "connections", {"arn": connection})
        role = aws.cloud.role("pipeline", "codepipeline.amazonaws.com", *PIPELINE, allow(["s3:GetBucketVersioning", "s3:GetObject*"]))
        source = {"connection": connection, "repository": "example/orbit", "branch": "main"}
        common = {"role": role, "bucket": ARTIFACTS, "deployments": WHERE, "tags": tags()}
        self.staging = {"name": "orbit-staging", "source": source, "build": "orbit", "release": RELEASED, **common}
        self.production = {"name": "orbit-production", "source": RELEASED, "approval": True, **common}

    def structure(self, name: str = "orbit-staging") -> dict:
        return self.client.get_pipeline(name=name)["pipeline"]

    def state(self, name: str) -> dict[str, str]:
        """The status of each stage."""
        found = self.client.get_pipeline_state(name=name)["stageStates"]
        return {stage["stageName"]: stage.get("latestExecution", {}).get("status", "") for stage in found}

    def await_state(self, name: str, **wanted: str) -> None:
        for _ in range(100):
            if wanted.items() <= self.state(name).items():
                return
            time.sleep(0.05)
        raise AssertionError(self.client.get_pipeline_state(name=name)["stageStates"])


@pytest.fixture
def delivery(aws):
    return Delivery(aws)


def test_it_is_made_kept_and_removed(aws, delivery):
    made = aws.bring("codepipeline", **delivery.staging)
    assert made.steps == ["create pipeline orbit-staging"]
    assert made["arn"] == f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:orbit-staging"
    assert (delivery.structure()["version"], delivery.structure()["pipelineType"]) == (1, "V2")
    assert aws.bring("codepipeline", **delivery.staging, state="absent").steps == ["delete pipeline orbit-staging"]
    assert delivery.client.list_pipelines()["pipelines"] == []


def test_a_second_run_makes_no_new_version_of_its_structure(aws, delivery):
    aws.run("codepipeline", **delivery.staging)
    calls = [call["operation"] for call in aws.settled("codepipeline", **delivery.staging).calls]
    assert calls == ["GetPipeline", "ListTagsForResource"]
    assert delivery.structure()["version"] == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["stages"][0]["actions"][0]["configuration"].update(BranchName="somebodys"),
        lambda one: one["stages"][2]["actions"][0].update(runOrder=3),
        lambda one: one["stages"].pop(),
        lambda one: one.update(executionMode="QUEUED"),
        lambda one: one["stages"][1]["actions"][0]["configuration"].update(EnvironmentVariables="[]"),
    ],
)
def test_what_somebody_changed_in_the_console_is_mended(aws, delivery, change):
    aws.run("codepipeline", **delivery.staging)
    before, edited = delivery.structure(), delivery.structure()
    change(edited)
    delivery.client.update_pipeline(pipeline=edited)
    assert aws.bring("codepipeline", **delivery.staging).steps == ["update pipeline orbit-staging (structure)"]
    assert {**delivery.structure(), "version": 1} == before


def test_tags_are_mended_without_a_new_version(aws, delivery):
    made = aws.run("codepipeline", **delivery.staging)
    delivery.client.untag_resource(resourceArn=made["arn"], tagKeys=["little-service:environment"])
    delivery.client.tag_resource(resourceArn=made["arn"], tags=[{"key": "team", "value": "blue"}])
    assert aws.bring("codepipeline", **delivery.staging).steps == ["update pipeline orbit-staging (tags)"]
    assert delivery.structure()["version"] == 1


def test_one_bundle_goes_from_a_commit_through_staging_to_production_after_approval(aws, delivery):
    beanstalk = Beanstalk(aws)
    aws.run("beanstalk_environment", **declared(WEB))
    build_role = aws.cloud.role("build", "codebuild.amazonaws.com", *BUILD)
    aws.run("codebuild_project", name="orbit", role=build_role, log_group="/aws/codebuild/orbit", environment_variables={"A": "1"})
    aws.run("codepipeline", **delivery.staging)
    delivery.await_state("orbit-staging", Release="Succeeded")
    built = aws.client("s3").get_object(Bucket=ARTIFACTS, Key=RELEASED["key"])["Body"].read()

    aws.run("codepipeline", **delivery.production)
    delivery.await_state("orbit-production", Approve="InProgress")
    before = beanstalk.found()["VersionLabel"]
    stages = delivery.client.get_pipeline_state(name="orbit-production")["stageStates"]
    token = next(stage for stage in stages if stage["stageName"] == "Approve")["actionStates"][0]["latestExecution"]["token"]
    delivery.client.put_approval_result(
        pipelineName="orbit-production",
        stageName="Approve",
        actionName="Approve",
        token=token,
        result={"status": "Approved", "summary": "go"},
    )
    delivery.await_state("orbit-production", Deploy="Succeeded")
    label = beanstalk.found()["VersionLabel"]
    assert label != before
    (deployed,) = beanstalk.client.describe_application_versions(ApplicationName="orbit-staging", VersionLabels=[label])[
        "ApplicationVersions"
    ]
    bundle = deployed["SourceBundle"]
    assert aws.client("s3").get_object(Bucket=bundle["S3Bucket"], Key=bundle["S3Key"])["Body"].read() == built


def test_a_source_is_a_repository_or_a_bundle(aws, delivery):
    both = {**delivery.staging, "source": {**delivery.staging["source"], **RELEASED}}
    assert "mutually exclusive: repository|key" in aws.refused("codepipeline", **both)
    assert "one of the following is required: repository, key" in aws.refused("codepipeline", **{**delivery.staging, "source": {}})


@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "lost"])
def test_a_fault_in_any_one_call_makes_no_difference(aws, delivery, kind):
    operations = ("CreatePipeline", "UpdatePipeline", "DeletePipeline", "GetPipeline", "ListTagsForResource")
    aws.faults(*({"kind": kind, "service": "codepipeline", "operation": operation, "times": 1} for operation in operations))
    for change in ({}, {"approval": True}, {"state": "absent"}):
        aws.run("codepipeline", **{**delivery.staging, **change})
        aws.settled("codepipeline", **{**delivery.staging, **change})
