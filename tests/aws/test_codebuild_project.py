"""The project that builds the service's image."""

from __future__ import annotations

import pytest
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

from tests.aws.conftest import ACCOUNT, tags

ROLE = f"arn:aws:iam::{ACCOUNT}:role/build"
VARIABLES = {"IMAGE_REPO_NAME": "orbit", "AWS_ACCOUNT_ID": ACCOUNT, "IMAGE_TAG": "latest", "AWS_DEFAULT_REGION": "us-west-2"}
PROJECT = {
    "name": "orbit-staging",
    "role": ROLE,
    "log_group": "/aws/codebuild/orbit-staging",
    "environment_variables": VARIABLES,
    "tags": tags(),
}


@pytest.fixture
def codebuild(aws):
    aws.cloud.role("build", "codebuild.amazonaws.com")
    return aws.client("codebuild")


def found(codebuild) -> dict:
    return codebuild.batch_get_projects(names=["orbit-staging"])["projects"][0]


def test_it_is_made_although_its_role_is_not_seen_at_once(aws, codebuild):
    made = aws.bring("codebuild_project", **PROJECT)
    assert made.steps == ["create build project orbit-staging"]
    # The first call was refused, as IAM had made the role a moment before.
    assert made.writes == ["codebuild:CreateProject"] * 2
    project = found(codebuild)
    assert project["environment"]["privilegedMode"] is True
    assert {one["name"]: one["value"] for one in project["environment"]["environmentVariables"]} == VARIABLES
    assert project["logsConfig"]["cloudWatchLogs"] == {"status": "ENABLED", "groupName": "/aws/codebuild/orbit-staging"}
    assert project["cache"] == {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]}


def test_it_is_removed(aws, codebuild):
    aws.run("codebuild_project", **PROJECT)
    assert aws.bring("codebuild_project", **PROJECT, state="absent").steps == ["delete build project orbit-staging"]
    assert codebuild.list_projects()["projects"] == []


def test_a_role_that_may_not_be_assumed_is_told_after_a_while(aws, codebuild, monkeypatch):
    monkeypatch.setitem(AwsModule.patiently.__kwdefaults__, "seconds", 0.1)
    said = aws.refused("codebuild_project", **{**PROJECT, "role": f"arn:aws:iam::{ACCOUNT}:role/missing"})
    assert said.startswith("The build project orbit-staging: ")
    assert "not authorized to perform: sts:AssumeRole on service role" in said


@pytest.mark.parametrize(
    ("by_hand", "told"),
    [
        (lambda one: {"environment": {**one["environment"], "privilegedMode": False}}, "environment"),
        (lambda one: {"environment": {**one["environment"], "image": "aws/codebuild/standard:7.0"}}, "environment"),
        (lambda one: {"environment": {**one["environment"], "environmentVariables": []}}, "environment_variables"),
        (lambda _: {"source": {"type": "CODEPIPELINE", "buildspec": "other.yml"}}, "source"),
        (lambda _: {"cache": {"type": "NO_CACHE"}}, "cache"),
        (lambda _: {"logsConfig": {"cloudWatchLogs": {"status": "DISABLED"}}}, "log_group"),
        (lambda _: {"description": "somebody's", "timeoutInMinutes": 5}, "description, timeout_minutes"),
    ],
)
def test_what_was_changed_by_hand_is_mended(aws, codebuild, by_hand, told):
    aws.run("codebuild_project", **PROJECT)
    before = found(codebuild)
    codebuild.update_project(name="orbit-staging", **by_hand(before))
    assert aws.bring("codebuild_project", **PROJECT).steps == [f"update build project orbit-staging ({told})"]
    after = found(codebuild)
    assert {**after, "lastModified": None} == {**before, "lastModified": None}


def test_a_variable_that_is_read_from_a_secret_is_not_one_with_a_value(aws, codebuild):
    aws.run("codebuild_project", **PROJECT)
    environment = found(codebuild)["environment"]
    environment["environmentVariables"][0]["type"] = "PARAMETER_STORE"
    codebuild.update_project(name="orbit-staging", environment=environment)
    assert aws.bring("codebuild_project", **PROJECT).steps == ["update build project orbit-staging (environment_variables)"]


def test_tags_of_others_survive_an_update(aws, codebuild):
    aws.run("codebuild_project", **PROJECT)
    kept = [*found(codebuild)["tags"], {"key": "team", "value": "blue"}]
    codebuild.update_project(name="orbit-staging", tags=kept, description="somebody's")
    aws.bring("codebuild_project", **PROJECT)
    assert {"key": "team", "value": "blue"} in found(codebuild)["tags"]


@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "lost"])
def test_a_fault_in_any_one_call_makes_no_difference(aws, codebuild, kind):
    operations = ("CreateProject", "UpdateProject", "DeleteProject", "BatchGetProjects")
    aws.faults(*({"kind": kind, "service": "codebuild", "operation": operation, "times": 1} for operation in operations))
    for change in ({}, {"timeout_minutes": 20}, {"state": "absent"}):
        aws.run("codebuild_project", **{**PROJECT, **change})
        aws.settled("codebuild_project", **{**PROJECT, **change})
