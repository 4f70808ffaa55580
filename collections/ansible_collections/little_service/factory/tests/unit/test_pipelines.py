"""A pipeline's structure: what is declared, and what AWS gives back of it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import pipelines
from hypothesis import given
from hypothesis import strategies as st

REGION = "us-west-2"
words = st.text("abcdefgh-", min_size=1, max_size=10)
repository = st.fixed_dictionaries({"connection": words, "repository": words, "branch": words})
bundle = st.fixed_dictionaries({"bucket": words, "key": words})
declarations = st.fixed_dictionaries(
    {
        "role": words,
        "bucket": words,
        "source": st.one_of(repository, bundle),
        "deployments": st.lists(st.fixed_dictionaries({"name": words, "application": words, "environment": words}), min_size=1, max_size=2),
        "build": st.one_of(st.just(""), words),
        "approval": st.booleans(),
        "approval_topic": st.one_of(st.just(""), words),
        "release": st.one_of(st.none(), bundle),
    }
)
STAGING = {
    "role": "role",
    "bucket": "artifacts",
    "source": {"connection": "connection", "repository": "example/orbit", "branch": "main"},
    "build": "orbit",
    "deployments": [{"name": "Web", "application": "orbit", "environment": "orbit"}],
    "release": {"bucket": "artifacts", "key": "released/orbit.zip"},
}


def as_aws_gives_it(structure: dict) -> dict:
    """With a version and the defaults that GetPipeline shows, and what an action that was saved in the console has besides."""
    stages = [
        {
            **stage,
            "blockers": [],
            "actions": [{**action, "runOrder": 1, "region": REGION, "outputVariables": []} for action in stage["actions"]],
        }
        for stage in structure["stages"]
    ]
    return {**structure, "name": "orbit", "version": 7, "variables": [], "triggers": [], "stages": stages}


@given(declarations)
def test_the_plan_of_what_was_just_applied_is_empty(declaration):
    structure = pipelines.structure(declaration)
    assert pipelines.normal(as_aws_gives_it(structure), REGION) == pipelines.normal(structure, REGION)


@given(declarations)
def test_every_artifact_that_is_taken_was_given_before(declaration):
    given_already: set[str] = set()
    stages = pipelines.structure({**declaration, "build": "" if "key" in declaration["source"] else "orbit"})["stages"]
    for actions in (stage["actions"] for stage in stages):
        assert all(one["name"] in given_already for action in actions for one in action["inputArtifacts"])
        given_already |= {one["name"] for action in actions for one in action["outputArtifacts"]}


def test_a_commit_is_built_deployed_and_released():
    structure = pipelines.structure(STAGING)
    assert [stage["name"] for stage in structure["stages"]] == ["Source", "Build", "Deploy", "Release"]
    variables = json.loads(structure["stages"][1]["actions"][0]["configuration"]["EnvironmentVariables"])
    assert variables == [{"name": "IMAGE_TAG", "value": "#{SourceVariables.CommitId}", "type": "PLAINTEXT"}]


def test_what_another_environment_released_is_approved_and_deployed():
    bundle = {"bucket": "artifacts", "key": "released/orbit.zip"}
    promoted = {**STAGING, "source": bundle, "build": "", "approval": True, "approval_topic": "topic", "release": None}
    structure = pipelines.structure(promoted)
    assert [stage["name"] for stage in structure["stages"]] == ["Source", "Approve", "Deploy"]
    assert structure["stages"][1]["actions"][0]["configuration"] == {"NotificationArn": "topic"}


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.update(executionMode="QUEUED"),
        lambda one: one.update(triggers=[{"providerType": "CodeStarSourceConnection"}]),
        lambda one: one["stages"].reverse(),
        lambda one: one["stages"][0].update(beforeEntry={"conditions": []}),
        lambda one: one["stages"][0]["actions"][0]["configuration"].update(BranchName="other"),
        lambda one: one["stages"][0]["actions"][0]["configuration"].update(DetectChanges="false"),
        lambda one: one["stages"][2]["actions"][0].update(runOrder=2),
        lambda one: one["stages"][2]["actions"][0].update(region="eu-west-1"),
        lambda one: one["stages"][2]["actions"].append(one["stages"][2]["actions"][0]),
    ],
)
def test_whatever_was_changed_by_hand_differs(change):
    found = as_aws_gives_it(pipelines.structure(STAGING))
    change(found)
    assert pipelines.normal(found, REGION) != pipelines.normal(pipelines.structure(STAGING), REGION)
