"""What each kind of action does, under the pipeline's role; a generator that yields the seconds it takes.

Without containers nothing is cloned or built: a source is an empty bundle, and a build hands its input on. A live sandbox takes commits of
its own repositories, and hands on what was built.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from sandbox.codebuild import CodeBuild
from sandbox.codeconnections import Connections
from sandbox.core import access
from sandbox.core.clock import ASIDE
from sandbox.core.wire import AwsError

if TYPE_CHECKING:
    from sandbox.codepipeline.executions import Execution, Pipelines

DENIED = "The provided role does not have sufficient permissions: "
Doing = Generator[float, None, None]


class ActionFailed(Exception):
    """Why an action failed: a code of FailureDetails and a message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass
class Action:
    """One run of one action."""

    declared: dict[str, Any]
    stage: str
    execution: Execution
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    started: Any = None
    updated: Any = None
    summary: str = ""
    external: dict[str, str] = dataclasses.field(default_factory=dict)
    error: dict[str, str] | None = None
    revision: str | None = None
    token: str | None = None
    variables: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.declared["name"]

    @property
    def configuration(self) -> dict[str, str]:
        """The configuration with its variables resolved (https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html)."""
        return {key: self.execution.resolve(value) for key, value in self.declared["configuration"].items()}

    def artifact(self, name: str) -> dict[str, str]:
        """Where an artifact of this execution lies: pipeline and artifact name cut to twenty characters, as AWS does."""
        pipeline = self.execution.pipeline
        made_by = hashlib.sha256(f"{self.execution.rollback_of or self.execution.id}{name}".encode()).hexdigest()[:7]
        return {"Bucket": pipeline["artifactStore"]["location"], "Key": f"{pipeline['name'][:20]}/{name[:10]}/{made_by}"}


def bundle() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("docker-compose.yml", "services: {}\n")
        archive.writestr("migrations.txt", "[X]  accounts.0001_initial\n")
    return body.getvalue()


def source_connection(state: Pipelines, action: Action, role: access.Principal) -> Doing:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html"""
    arn = action.configuration["ConnectionArn"]
    yield 5
    if not access.allowed(role, "codeconnections:UseConnection", arn):
        raise ActionFailed("PermissionError", f"Unable to use Connection: {arn}. The provided role does not have sufficient permissions.")
    connection = state.sandbox.state(Connections, state.account, arn.split(":")[3]).connections.get(arn)
    is_local = action.configuration["FullRepositoryId"].startswith("local/")  # on this machine: no person has to let anybody in
    if connection is None or (connection["ConnectionStatus"] != "AVAILABLE" and not is_local):
        raise ActionFailed("ConfigurationError", f"[GitHub] Connection {arn} is not available")
    if state.sandbox.live:
        from sandbox.live import source  # noqa: PLC0415 who does not need it need not have it

        revision, body = yield from source.fetch(state, action)
    else:
        made_up = hashlib.sha256(action.execution.id.encode()).hexdigest()[:40]
        revision, body = action.execution.revision_override or made_up, bundle()
    deliver(state, action, role, body, revision)
    action.variables |= {"CommitId": action.revision or "", "BranchName": action.configuration["BranchName"]}
    action.variables |= {"FullRepositoryName": action.configuration["FullRepositoryId"], "ConnectionArn": arn}


def source_s3(state: Pipelines, action: Action, role: access.Principal) -> Doing:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html"""
    yield 5
    place = {"Bucket": action.configuration["S3Bucket"], "Key": action.configuration["S3ObjectKey"]}
    if state.invoke("s3", "GetBucketVersioning", role, Bucket=place["Bucket"]).get("Status") != "Enabled":
        raise ActionFailed("ConfigurationError", f"The bucket {place['Bucket']} must be versioned")
    found = state.invoke("s3", "GetObject", role, **place)
    deliver(state, action, role, found["Body"].read(), found.get("VersionId", found["ETag"]))


def deliver(state: Pipelines, action: Action, role: access.Principal, body: bytes, revision: str) -> None:
    action.revision, action.summary = revision, f"Revision {revision[:8]}"
    action.execution.revisions[action.name] = revision
    for artifact in action.declared["outputArtifacts"]:
        state.invoke("s3", "PutObject", role, **action.artifact(artifact["name"]), Body=body)


def build(state: Pipelines, action: Action, role: access.Principal) -> Doing:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html"""
    project, revision = action.configuration["ProjectName"], next(iter(action.execution.revisions.values()), "main")
    inputs = action.declared["inputArtifacts"]
    source = action.artifact(inputs[0]["name"])
    place = f"arn:aws:s3:::{source['Bucket']}/{source['Key']}"
    given = {"projectName": project, "sourceVersion": place if state.sandbox.live else revision}
    if action.configuration.get("EnvironmentVariables"):
        given["environmentVariablesOverride"] = json.loads(action.configuration["EnvironmentVariables"])
    started = state.invoke("codebuild", "StartBuild", role, **given)
    if state.sandbox.live:
        outputs = {artifact["name"]: action.artifact(artifact["name"]) for artifact in action.declared["outputArtifacts"]}
        state.sandbox.state(CodeBuild, state.account, state.region).hand(started["build"]["id"], revision, source, outputs)
    action.external = {
        "externalExecutionId": started["build"]["id"],
        "externalExecutionUrl": console(state, "codesuite/codebuild/projects/" + project),
    }
    done = started["build"]
    while not done["buildComplete"]:
        yield ASIDE if state.sandbox.live else 5
        done = state.invoke("codebuild", "BatchGetBuilds", role, ids=[done["id"]])["builds"][0]
    action.variables |= {variable["name"]: variable["value"] for variable in done.get("exportedEnvironmentVariables", [])}
    if done["buildStatus"] != "SUCCEEDED":
        failed = [phase["contexts"][0]["message"] for phase in done["phases"] if phase.get("contexts")]
        raise ActionFailed("JobFailed", f"Build terminated with state: {done['buildStatus']}. {' '.join(failed)}".rstrip())
    if state.sandbox.live:  # the build has written them
        return
    body = state.invoke("s3", "GetObject", access.role_session(done["serviceRole"], "codebuild"), **action.artifact(inputs[0]["name"]))[
        "Body"
    ].read()
    for artifact in action.declared["outputArtifacts"]:
        state.invoke(
            "s3", "PutObject", access.role_session(done["serviceRole"], "codebuild"), **action.artifact(artifact["name"]), Body=body
        )


def approve(state: Pipelines, action: Action, role: access.Principal) -> Doing:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-action-add.html: waits for PutApprovalResult, for seven days."""
    action.token = str(uuid.uuid4())
    topic = action.configuration.get("NotificationArn")
    if topic:
        state.invoke(
            "sns", "Publish", role, TopicArn=topic, Subject=f"APPROVAL NEEDED: {action.execution.pipeline['name']}", Message=action.name
        )
    while action.token:
        yield ASIDE
    if not action.summary.startswith("Approved"):
        raise ActionFailed("JobFailed", action.summary)


def deploy_s3(state: Pipelines, action: Action, role: access.Principal) -> Doing:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3Deploy.html: the artifact as it is."""
    yield 5
    if action.configuration["Extract"] != "false":
        raise ActionFailed("ConfigurationError", "The sandbox unpacks no artifact: set Extract to false")
    body = state.invoke("s3", "GetObject", role, **action.artifact(action.declared["inputArtifacts"][0]["name"]))["Body"].read()
    place = {"Bucket": action.configuration["BucketName"], "Key": action.configuration["ObjectKey"]}
    state.invoke("s3", "PutObject", role, **place, Body=body)
    action.summary = "Deployment Succeeded"


def deploy_beanstalk(state: Pipelines, action: Action, role: access.Principal) -> Doing:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ElasticBeanstalk.html: a version, then an update."""
    application, environment = action.configuration["ApplicationName"], action.configuration["EnvironmentName"]
    body = state.invoke("s3", "GetObject", role, **action.artifact(action.declared["inputArtifacts"][0]["name"]))["Body"].read()
    bucket, revision = f"elasticbeanstalk-{state.region}-{state.account}", next(iter(action.execution.revisions.values()), "")
    label = f"code-pipeline-{int(state.clock.now().timestamp() * 1000)}-{revision[:40] or action.id}"
    key = f"{application}/{label}.zip"
    state.invoke("s3", "PutObject", role, Bucket=bucket, Key=key, Body=body)
    source = {"S3Bucket": bucket, "S3Key": key}
    existing = state.invoke("elasticbeanstalk", "DescribeApplicationVersions", role, ApplicationName=application, VersionLabels=[label])
    if not existing["ApplicationVersions"]:
        state.invoke(
            "elasticbeanstalk", "CreateApplicationVersion", role, ApplicationName=application, VersionLabel=label, SourceBundle=source
        )
    state.invoke("elasticbeanstalk", "UpdateEnvironment", role, EnvironmentName=environment, VersionLabel=label)
    action.external = {"externalExecutionId": label}
    status = "Updating"
    while status == "Updating":
        yield ASIDE if state.sandbox.live else 10
        found = state.invoke("elasticbeanstalk", "DescribeEnvironments", role, EnvironmentNames=[environment], IncludeDeleted=False)
        status = found["Environments"][0]["Status"]
        state.invoke("elasticbeanstalk", "DescribeEvents", role, EnvironmentName=environment)
    if found["Environments"][0].get("VersionLabel") != label:
        raise ActionFailed("JobFailed", f"Deployment failed. The following deployment(s) failed: {label}. Failed to deploy application.")
    action.summary = "Deployment succeeded"


def console(state: Pipelines, path: str) -> str:
    return f"https://{state.region}.console.aws.amazon.com/{path}?region={state.region}"


DO: dict[tuple[str, str], Callable[..., Doing]] = {
    ("Source", "CodeStarSourceConnection"): source_connection,
    ("Source", "S3"): source_s3,
    ("Build", "CodeBuild"): build,
    ("Test", "CodeBuild"): build,
    ("Approval", "Manual"): approve,
    ("Deploy", "ElasticBeanstalk"): deploy_beanstalk,
    ("Deploy", "S3"): deploy_s3,
}


def failure(error: Exception) -> dict[str, str]:
    """An error as an action's details tell it."""
    if isinstance(error, ActionFailed):
        return {"code": error.kind, "message": str(error)}
    if isinstance(error, AwsError) and error.code.startswith("AccessDenied"):
        return {"code": "PermissionError", "message": DENIED + error.message}
    return {"code": "ConfigurationError", "message": getattr(error, "message", str(error))}
