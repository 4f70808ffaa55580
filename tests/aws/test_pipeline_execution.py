"""A release followed through the pipeline: started, taken up, queued, failed with the reason, and never twice."""

from __future__ import annotations

import json

import pytest

from tests.aws.beanstalk import WEB, Beanstalk, declared, setting
from tests.aws.conftest import REGION
from tests.aws.test_codepipeline import Delivery
from tests.sandbox.conftest import policy
from tests.sandbox.test_pipeline import BUILD

NAME = "orbit-staging"
COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


class Releases(Delivery):
    """A pipeline that has gone through once, as aws_up leaves it, and the environment that it deploys to."""

    def __init__(self, aws) -> None:
        super().__init__(aws)
        self.beanstalk = Beanstalk(aws)
        aws.run("beanstalk_environment", **declared(WEB, wait=True))
        role = aws.cloud.role("build", "codebuild.amazonaws.com", *BUILD)
        aws.run("codebuild_project", name="orbit", role=role, log_group="/aws/codebuild/orbit", environment_variables={"A": "1"})
        aws.run("codepipeline", **self.staging)
        self.await_state(NAME, Release="Succeeded")

    def start(self, commit: str) -> str:
        """As a push starts it."""
        revision = [{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": commit}]
        return self.client.start_pipeline_execution(name=NAME, sourceRevisions=revision)["pipelineExecutionId"]

    def executions(self) -> list[dict]:
        return self.client.list_pipeline_executions(pipelineName=NAME)["pipelineExecutionSummaries"]


@pytest.fixture
def ground(aws) -> Releases:
    return Releases(aws)


def test_a_commit_is_released_once_and_again_only_when_that_is_said(aws, ground):
    foreseen = aws.run("pipeline_execution", check=True, name=NAME, commit=COMMIT, pinned=True)
    assert (foreseen.changed, foreseen.writes, foreseen["execution"]) == (True, [], "")
    released = aws.run("pipeline_execution", name=NAME, commit=COMMIT, pinned=True)
    assert (released["kind"], released["commit"]) == ("start", COMMIT)
    assert released.writes == ["codepipeline:StartPipelineExecution"]
    assert [one["stage"] for one in released["stages"]] == ["Source", "Build", "Deploy", "Release"]
    assert {one["status"] for one in released["stages"]} == {"Succeeded"}
    assert ground.beanstalk.found()["VersionLabel"].endswith(COMMIT)
    settled = aws.settled("pipeline_execution", name=NAME, commit=COMMIT, pinned=True)
    assert (settled["kind"], settled["execution"]) == ("done", released["execution"])
    assert aws.run("pipeline_execution", name=NAME, commit=COMMIT, pinned=True, again=True)["kind"] == "start"


def test_what_a_push_has_started_is_followed_and_not_started_twice(ground, patient, aws):
    begun = ground.start(COMMIT)
    followed = aws.run("pipeline_execution", name=NAME, commit=COMMIT)
    assert (followed["kind"], followed["execution"], followed.writes) == ("follow", begun, [])
    assert len(ground.executions()) == 2


def test_where_another_commit_is_under_way_a_new_one_has_its_turn(ground, patient, aws):
    ground.start("f" * 40)
    aws.cloud.control("PUT", "clock", {"skip": 10})  # its source is through
    mine = aws.run("pipeline_execution", name=NAME, commit=COMMIT, pinned=True)
    assert (mine["kind"], mine["others"]) == ("start", ["f" * 40])
    assert {one["status"] for one in ground.executions()} == {"Succeeded"}


def test_a_failed_build_tells_its_own_last_words(aws, ground):
    project = {"role": "arn:aws:iam::123456789012:role/build", "log_group": "/aws/codebuild/orbit"}
    aws.run("codebuild_project", name="orbit", environment_variables={"IMAGE_REPO_NAME": "orbit"}, **project)
    aws.client("iam").put_role_policy(RoleName="build", PolicyName="inline", PolicyDocument=policy(*BUILD[:3]))  # it may not push
    said = aws.refused("pipeline_execution", name=NAME, commit=COMMIT, pinned=True)
    assert "[Container] Phase complete: BUILD State: SUCCEEDED [Container] denied: User: " in said
    assert "docker push. Reason: exit status 1" in said


def test_where_a_build_has_no_log_its_pipeline_tells(aws, ground):
    aws.client("iam").delete_role_policy(RoleName="build", PolicyName="inline")
    said = aws.refused("pipeline_execution", name=NAME, commit=COMMIT, pinned=True)
    assert f"{COMMIT[:12]} is not released, it has failed" in said
    assert "Build, Build: Build terminated with state: FAILED" in said
    assert "Time: Source" in said
    assert f"https://{REGION}.console.aws.amazon.com/" in said


def test_a_failed_deployment_tells_what_beanstalk_says(aws, ground):
    ground.beanstalk.allow_secrets()
    arn = aws.client("secretsmanager").create_secret(Name="orbit/key", SecretString="not read by anybody")["ARN"]
    ground.beanstalk.change(OptionSettings=[setting("aws:elasticbeanstalk:application:environmentsecrets", "KEY", arn)])
    aws.wait_for(lambda: ground.beanstalk.found()["Status"] == "Ready")
    aws.client("secretsmanager").delete_secret(SecretId="orbit/key", ForceDeleteWithoutRecovery=True)
    said = aws.refused("pipeline_execution", name=NAME, commit=COMMIT, pinned=True)
    assert "orbit-staging: " in said
    assert "The value of KEY cannot be read" in said
    assert "What served before goes on serving" in said


def test_a_stage_that_a_person_closed_stays_so_and_one_that_a_rollback_closed_is_opened(aws, ground):
    def close(reason: str) -> None:
        ground.client.disable_stage_transition(pipelineName=NAME, stageName="Deploy", transitionType="Inbound", reason=reason)

    close("Nothing goes out on Friday")
    said = aws.refused("pipeline_execution", name=NAME, commit=COMMIT, pinned=True)
    assert "user/administrator has closed: Nothing goes out on Friday" in said
    close("Rolled back by rollback.yml to v1")
    opened = aws.run("pipeline_execution", name=NAME, commit=COMMIT)
    assert opened["kind"] == "follow"
    assert opened.writes == ["codepipeline:EnableStageTransition"]
    assert opened.changed


def test_a_pipeline_that_is_not_there_is_told(aws):
    assert "There is no pipeline orbit-staging. It is made by aws_up.yml" in aws.refused("pipeline_execution", name=NAME)


def test_who_follows_sees_that_somebody_has_to_approve(aws, ground, tmp_path):
    aws.run("codepipeline", **ground.production)
    ground.await_state("orbit-production", Approve="InProgress")
    (begun,) = ground.client.list_pipeline_executions(pipelineName="orbit-production")["pipelineExecutionSummaries"]
    log = tmp_path / "log"
    follower = aws.start("pipeline_execution", name="orbit-production", log=str(log))
    aws.wait_for(lambda: log.exists() and "Approve waits for somebody's approval: https://" in log.read_text())
    stages = ground.client.get_pipeline_state(name="orbit-production")["stageStates"]
    token = next(one for one in stages if one["stageName"] == "Approve")["actionStates"][0]["latestExecution"]["token"]
    ground.client.put_approval_result(
        pipelineName="orbit-production", stageName="Approve", actionName="Approve", token=token,
        result={"status": "Approved", "summary": "go"},
    )  # fmt: skip
    followed = json.loads(follower.communicate(timeout=60)[0].splitlines()[-1])
    assert (followed["kind"], followed["changed"], followed["stages"][-1]["status"]) == ("follow", False, "Succeeded")
    assert followed["execution"] == begun["pipelineExecutionId"]
    assert aws.settled("pipeline_execution", name="orbit-production")["kind"] == "done"


def test_throttling_and_lost_answers_start_one_execution(aws, ground):
    aws.faults(
        {"kind": "throttle", "service": "codepipeline", "share": 0.2},
        {"kind": "lost", "operation": "StartPipelineExecution", "times": 1},
    )
    aws.run("pipeline_execution", name=NAME, commit=COMMIT, pinned=True)
    aws.faults()
    assert len(ground.executions()) == 2
