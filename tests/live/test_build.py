"""From a push to a bundle: sources, builds and pipelines of a live sandbox, as git and boto3 see them."""

from __future__ import annotations

import io
import pathlib
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator

import pytest

from tests.sandbox.conftest import ACCOUNT, REGION, Cloud, allow, sandbox_at_free_port
from tests.sandbox.test_pipeline import action, retried

pytestmark = [pytest.mark.docker, pytest.mark.full]  # minutes each

BUCKET = "artifacts"
BUILD = [
    allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
    allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{BUCKET}/*"),
    allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:allowed-*"),
    allow("ecr:GetAuthorizationToken"),
    allow("ecr:*", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/orbit"),
    allow("codebuild:*", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:report-group/orbit-*"),
]
PIPELINE = [
    allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{BUCKET}/*"),
    allow("codeconnections:UseConnection"),
    allow(["codebuild:StartBuild", "codebuild:BatchGetBuilds"], f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/orbit"),
]
LABELS = ("ps --all --quiet", "volume ls --quiet", "network ls --quiet")


def until(found: Callable[[], object], seconds: float = 240) -> object:
    """What is found in the end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if got := found():
            return got
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s")


class Delivery:
    """A repository, a build and a pipeline that ends in a bucket."""

    def __init__(self, cloud: Cloud, folder: pathlib.Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.s3, self.logs, self.builds, self.pipelines = (cloud.client(s) for s in ("s3", "logs", "codebuild", "codepipeline"))
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.connection = cloud.client("codeconnections").create_connection(ProviderType="GitHub", ConnectionName="hub")["ConnectionArn"]
        self.remote = cloud.control("PUT", "repositories", {"repository": "local/orbit"})["path"]
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "sandbox", self.remote)
        environment = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"}
        variables = [{"name": "FROM_PROJECT", "value": "project"}, {"name": "BOTH", "value": "project"}]
        retried(
            self.builds.create_project,
            "CodeBuild is not authorized to perform: sts:AssumeRole",
            name="orbit",
            source={"type": "CODEPIPELINE"},
            artifacts={"type": "CODEPIPELINE"},
            environment={**environment, "privilegedMode": True, "environmentVariables": variables},
            serviceRole=cloud.role("build", "codebuild.amazonaws.com", *BUILD),
            cache={"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
            timeoutInMinutes=10,
        )
        tag = '[{"name": "IMAGE_TAG", "value": "#{SourceVariables.CommitId}", "type": "PLAINTEXT"}]'
        given = {"ConnectionArn": self.connection, "FullRepositoryId": "local/orbit", "BranchName": "main"}
        source = {**action("Source", "CodeStarSourceConnection", gives="Source", **given), "namespace": "SourceVariables"}
        build = action("Build", "CodeBuild", takes="Source", gives="Bundle", ProjectName="orbit", EnvironmentVariables=tag)
        build["namespace"] = "BuildVariables"
        deploy = action("Deploy", "S3", takes="Bundle", BucketName=BUCKET, Extract="false", ObjectKey="#{BuildVariables.WHERE}")
        declared = {
            "name": "orbit",
            "roleArn": cloud.role("pipeline", "codepipeline.amazonaws.com", *PIPELINE),
            "artifactStore": {"type": "S3", "location": BUCKET},
            "pipelineType": "V2",
            "stages": [{"name": one["name"], "actions": [one]} for one in (source, build, deploy)],
        }
        retried(self.pipelines.create_pipeline, "CodePipeline is not authorized to perform AssumeRole", pipeline=declared)

    def git(self, *words: str) -> str:
        named = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        done = subprocess.run(["git", *named, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def push(self, buildspec: str, message: str = "A change", **files: str) -> str:
        """Commit, push, and return the commit."""
        for name, text in {"buildspec.yml": buildspec, **files}.items():
            (self.folder / name).write_text(text)
        (self.folder / "run.sh").write_text("#!/bin/sh\necho run\n")
        (self.folder / "run.sh").chmod(0o755)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        assert "remote: The pipeline orbit starts." in self.git("push", "--quiet", "sandbox", "main")
        return self.git("rev-parse", "HEAD").strip()

    def executions(self) -> list[dict]:
        return self.pipelines.list_pipeline_executions(pipelineName="orbit")["pipelineExecutionSummaries"]

    def done(self, commit: str, seconds: float = 240) -> dict:
        """The execution of a commit, once it has ended."""

        def ended() -> dict | None:
            found = next((one for one in self.executions() if commit in str(one.get("sourceRevisions"))), None)
            found = found or self.executions()[0]  # which has not come so far as to know
            return found if found["status"] not in ("InProgress", "Stopping") else None

        return until(ended, seconds)

    def build(self, number: int = 0) -> dict:
        """The newest build, or one before it."""
        identifier = self.builds.list_builds_for_project(projectName="orbit")["ids"][number]
        return self.builds.batch_get_builds(ids=[identifier])["builds"][0]

    def log(self, number: int = 0) -> str:
        """What the newest build, or one before it, has written so far."""
        logs = self.build(number)["logs"]
        place = {"logGroupName": logs["groupName"], "logStreamName": logs["streamName"]}
        return "".join(event["message"] for event in self.logs.get_log_events(**place, startFromHead=True)["events"])

    def execution(self, identifier: str) -> dict | None:
        """One execution, once it has ended."""
        found = self.pipelines.get_pipeline_execution(pipelineName="orbit", pipelineExecutionId=identifier)["pipelineExecution"]
        return None if found["status"] == "InProgress" else found

    def phases(self) -> dict[str, str]:
        return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in self.build()["phases"]}

    def error(self) -> str:
        state = self.pipelines.get_pipeline_state(name="orbit")["stageStates"]
        return state[1]["actionStates"][0]["latestExecution"]["errorDetails"]["message"]

    def container(self) -> str:
        """That of the newest build, while it is there."""
        builds = self.builds.list_builds_for_project(projectName="orbit")["ids"]
        return docker("ps", "--quiet", "--filter", f"label=little-service.sandbox.part=codebuild/{builds[0]}").strip() if builds else ""


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Cloud]:
    with sandbox_at_free_port(tmp_path_factory.mktemp("state"), "live") as cloud:
        port = cloud.url.rpartition(":")[2]
        yield cloud
    for what in LABELS:  # it has removed all that it made
        assert docker(*what.split(), "--filter", f"label=little-service.sandbox={port}") == ""


@pytest.fixture
def delivery(live, tmp_path) -> Delivery:
    live.control("POST", "reset")
    live.client("ecr").create_repository(repositoryName="orbit", imageTagMutability="IMMUTABLE")
    return Delivery(live, tmp_path)


WHOLE = f"""
version: 0.2
env:
  shell: bash
  variables: {{BOTH: file, FROM_FILE: file}}
  secrets-manager: {{PASSWORD: "allowed-one:password"}}
  exported-variables: [IMAGE, WHERE]
phases:
  pre_build:
    commands:
      - REPOSITORY={ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/orbit
      - aws ecr get-login-password | docker login --username AWS --password-stdin "${{REPOSITORY%/*}}"
      - echo "$FROM_PROJECT $FROM_FILE $BOTH $IMAGE_TAG $CODEBUILD_RESOLVED_SOURCE_VERSION" >said
      - echo "password $PASSWORD"
      - test "$(pwd)" = "$CODEBUILD_SRC_DIR"
  build:
    commands:
      - docker build --tag "$REPOSITORY:$IMAGE_TAG" .
    finally:
      - echo finally
  post_build:
    commands:
      - docker push "$REPOSITORY:$IMAGE_TAG"
      - export IMAGE="$(docker image inspect --format '{{{{index .RepoDigests 0}}}}' "$REPOSITORY:$IMAGE_TAG")"
      - export WHERE=released/bundle.zip
      - mkdir -p out/.platform && cp said run.sh out && cp run.sh out/.platform/hook
reports:
  tests: {{files: [junit.xml]}}
artifacts:
  base-directory: out
  files: ["**/*"]
"""
JUNIT = '<testsuite><testcase classname="a" name="b" time="0.5"/><testcase name="c"><failure message="no"/></testcase></testsuite>'
IMAGE = {"Dockerfile": "FROM python:3.13-slim\nCOPY said /said\n", "junit.xml": JUNIT}


def test_a_push_becomes_an_image_a_report_and_a_bundle(delivery):
    delivery.cloud.client("secretsmanager").create_secret(Name="allowed-one", SecretString='{"password": "correct horse"}')
    commit = delivery.push(WHOLE, "Words of a commit", **IMAGE)
    ended = delivery.done(commit)
    assert ended["status"] == "Succeeded", delivery.log()
    assert ended["trigger"]["triggerType"] == "WebhookV2"
    assert "Words of a commit" in ended["sourceRevisions"][0]["revisionSummary"]

    (image,) = delivery.cloud.client("ecr").describe_images(repositoryName="orbit")["imageDetails"]
    assert image["imageTags"] == [commit]
    build = delivery.build()
    exported = {one["name"]: one["value"] for one in build["exportedEnvironmentVariables"]}
    assert exported["IMAGE"].endswith(f"/orbit@{image['imageDigest']}")
    # A later stage takes its configuration from what the build exported, and gets the build's own output.
    bundle = zipfile.ZipFile(io.BytesIO(delivery.s3.get_object(Bucket=BUCKET, Key=exported["WHERE"])["Body"].read()))
    assert sorted(bundle.namelist()) == [".platform/hook", "run.sh", "said"]
    assert bundle.getinfo(".platform/hook").external_attr >> 16 & 0o111
    assert bundle.read("said").decode().split() == ["project", "file", "project", commit, commit]

    log = delivery.log()
    assert "password ***" in log
    assert "correct horse" not in log
    assert "Running command docker build" in log
    assert "finally" in log
    (report,) = delivery.builds.batch_get_reports(reportArns=build["reportArns"])["reports"]
    assert (report["status"], report["testSummary"]["total"]) == ("FAILED", 2)
    assert delivery.container() == ""


def spec(*commands: str, env: str = "") -> str:
    return "version: 0.2\n" + env + "phases:\n  build:\n    commands:\n" + "".join(f"      - {command}\n" for command in commands) + LAST


LAST = """    finally: ["echo finally"]
  post_build:
    commands: ['echo "succeeding $CODEBUILD_BUILD_SUCCEEDING"', export WHERE=bundle.zip]
artifacts: {files: [buildspec.yml]}
"""
GOOD = spec("echo good", env="env: {exported-variables: [WHERE]}\n")


def test_a_command_that_fails_is_named_and_what_follows_it_is_as_on_aws(delivery):
    ended = delivery.done(delivery.push(spec("echo before", "'exit 3'", "echo after")))
    assert ended["status"] == "Failed"
    assert "Error while executing command: exit 3. Reason: exit status 3" in delivery.error()
    log = delivery.log().splitlines()
    assert [line for line in log if line in ("finally", "after", "succeeding 0")] == ["finally", "succeeding 0"]
    assert delivery.phases() | {"BUILD": "FAILED", "POST_BUILD": "SUCCEEDED", "UPLOAD_ARTIFACTS": "SUCCEEDED"} == delivery.phases()


def test_a_build_may_what_its_role_may(delivery):
    denied = {
        "secret": (spec("echo never", env='env: {secrets-manager: {PASSWORD: "other:password"}}\n'), "secretsmanager:GetSecretValue"),
        "bucket": (spec("aws s3 ls s3://artifacts"), "exit status"),
        "file": ("version: 0.2\nphasen: {}\n", "phasen is unknown"),
    }
    delivery.cloud.client("secretsmanager").create_secret(Name="other", SecretString="{}")
    for text, words in denied.values():
        assert delivery.done(delivery.push(text))["status"] == "Failed"
        assert words in delivery.error()
    assert any("AccessDenied" in delivery.log(number) for number in range(3))


def test_what_ends_a_build_before_its_time_is_told_and_it_can_be_tried_again(delivery):
    def waiting() -> bool:
        return delivery.container() != "" and "\nwaiting\n" in delivery.log()

    commit = delivery.push(spec("echo waiting && sleep 600"))
    until(waiting)
    docker("kill", delivery.container())
    assert delivery.done(commit)["status"] == "Failed"
    assert "Build container found dead before completing the build" in delivery.error()

    execution = delivery.executions()[0]["pipelineExecutionId"]
    retry = {"pipelineName": "orbit", "stageName": "Build", "pipelineExecutionId": execution, "retryMode": "FAILED_ACTIONS"}
    delivery.pipelines.retry_stage_execution(**retry)
    until(waiting)
    delivery.builds.stop_build(id=delivery.build()["id"])
    assert delivery.done(commit)["status"] == "Failed"
    assert "Build terminated with state: STOPPED" in delivery.error()
    until(lambda: delivery.container() == "")

    delivery.pipelines.retry_stage_execution(**retry)
    until(waiting)
    delivery.cloud.control("PUT", "clock", {"profile": "real", "speed": 1, "skip": 700})
    assert delivery.done(commit)["status"] == "Failed"
    assert "Build terminated with state: TIMED_OUT" in delivery.error()
    assert len(delivery.builds.list_builds_for_project(projectName="orbit")["ids"]) == 3


def test_of_what_waits_the_newest_goes_on(delivery):
    first = delivery.push(spec("sleep 15", env="env: {exported-variables: [WHERE]}\n"))
    until(lambda: delivery.container() != "")
    older, newest = delivery.push(GOOD + "# older\n"), delivery.push(GOOD + "# newest\n")
    assert [delivery.done(commit)["status"] for commit in (first, older, newest)] == ["Succeeded", "Superseded", "Succeeded"]
    with zipfile.ZipFile(io.BytesIO(delivery.s3.get_object(Bucket=BUCKET, Key="bundle.zip")["Body"].read())) as bundle:
        assert bundle.read("buildspec.yml").decode().endswith("# newest\n")


def test_a_start_takes_the_branchs_head_or_the_commit_that_it_is_told(delivery):
    first = delivery.push(GOOD + "# first\n")
    second = delivery.push(GOOD + "# second\n")
    delivery.done(second)
    for revision, given in ((second, {}), (first, {"sourceRevisions": [REVISION | {"revisionValue": first}]})):
        started = delivery.pipelines.start_pipeline_execution(name="orbit", **given)["pipelineExecutionId"]
        execution = until(lambda started=started: delivery.execution(started))
        assert execution["artifactRevisions"][0]["revisionId"] == revision
    started = delivery.pipelines.start_pipeline_execution(name="orbit", sourceRevisions=[REVISION | {"revisionValue": "0" * 40}])
    assert until(lambda: delivery.execution(started["pipelineExecutionId"]))["status"] == "Failed"


REVISION = {"actionName": "Source", "revisionType": "COMMIT_ID"}
