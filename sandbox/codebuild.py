"""AWS CodeBuild in place of moto's, which keeps half of a project and has no UpdateProject.

https://docs.aws.amazon.com/codebuild/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Generator
from typing import Any

from sandbox.core import access
from sandbox.core.gateway import Call, State, operation
from sandbox.core.wire import AwsError

Project = dict[str, Any]
Build = dict[str, Any]
PHASES = ("PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING")
SECONDS = {"PROVISIONING": 15, "BUILD": 120, "POST_BUILD": 20}  # users' reports; docs/sandbox.md
# What pushing an image needs: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
PUSH = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage", "BatchCheckLayerAvailability")
DEFAULTS: Project = {
    "cache": {"type": "NO_CACHE"},
    "timeoutInMinutes": 60,
    "queuedTimeoutInMinutes": 480,
    "tags": [],
    "badge": {"badgeEnabled": False},
    "projectVisibility": "PRIVATE",
    "secondarySources": [],
    "secondaryArtifacts": [],
}
NEEDS_LOCATION = {"BITBUCKET", "CODECOMMIT", "GITHUB", "GITHUB_ENTERPRISE", "GITLAB", "GITLAB_SELF_MANAGED", "S3"}


@dataclasses.dataclass(frozen=True)
class Handed:
    """What a pipeline hands to a build, and where it wants what: places in S3."""

    source: dict[str, str]
    outputs: dict[str, dict[str, str]]


class CodeBuild(State):
    """Projects by name and builds by id, in the order in which they came; reports by their ARN."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.projects: dict[str, Project] = {}
        self.builds: dict[str, Build] = {}
        self.handed: dict[str, Handed] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.reports: dict[str, dict[str, Any]] = {}

    def project(self, name: str) -> Project:
        name = name.rpartition("/")[2]
        if name not in self.projects:
            raise AwsError("ResourceNotFoundException", f"Project cannot be found: {self.arn('codebuild', f'project/{name}')}")
        return self.projects[name]

    def hand(self, identifier: str, revision: str, source: dict[str, str], outputs: dict[str, dict[str, str]]) -> None:
        """What CodePipeline tells a build of its own beside StartBuild."""
        self.handed[identifier] = Handed(source, outputs)
        self.builds[identifier]["resolvedSourceVersion"] = revision

    def cache(self, build: Build) -> str | None:
        """Where a live build finds the layers of the one before; there is no room in it for two at once."""
        name, modes = build["projectName"], build["cache"].get("modes", [])
        busy = any(other["projectName"] == name and not other["buildComplete"] for other in self.builds.values() if other is not build)
        return None if busy or "LOCAL_DOCKER_LAYER_CACHE" not in modes else f"codebuild-{self.account}-{self.region}-{name}"

    def build(self, identifier: str) -> Build:
        if identifier not in self.builds:
            raise AwsError("ResourceNotFoundException", f"Build {identifier} does not exist")
        return self.builds[identifier]


def check(project: Project) -> None:
    """What CodeBuild asks of a project beyond its model (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html)."""
    source, artifacts = project["source"], project["artifacts"]
    if source["type"] in NEEDS_LOCATION and not source.get("location"):
        raise AwsError("InvalidInputException", "Project source location is required")
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        raise AwsError("InvalidInputException", "Invalid artifacts: artifacts and source must both be of type CODEPIPELINE")
    if source["type"] == "NO_SOURCE" and not source.get("buildspec"):
        raise AwsError("InvalidInputException", "Project source type NO_SOURCE requires an inline buildspec")
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise AwsError("InvalidInputException", "Project artifacts location is required")


def check_role(call: Call, role_arn: str) -> str:
    """A role by name or ARN that CodeBuild may assume; one that was made just now it does not see yet."""
    arn = role_arn if role_arn.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role_arn}"
    if not access.assumable(call, arn, "codebuild.amazonaws.com"):
        message = (
            "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role "
        )
        message += (
            "exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured."
        )
        raise AwsError("InvalidInputException", message)
    return arn


@operation("codebuild")
def create_project(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html"""
    state, name, now = call.state(CodeBuild), call.params["name"], call.clock.now()
    if name in state.projects:
        raise AwsError("ResourceAlreadyExistsException", f"Project already exists: {state.arn('codebuild', f'project/{name}')}")
    project = {**DEFAULTS, **given(call), "arn": state.arn("codebuild", f"project/{name}"), "created": now, "lastModified": now}
    project.setdefault("encryptionKey", f"arn:aws:kms:{call.region}:{call.account}:alias/aws/s3")
    check(project)
    project["serviceRole"] = check_role(call, project["serviceRole"])
    state.projects[name] = completed(project)
    return {"project": state.projects[name]}


def given(call: Call) -> Project:
    found = {key: value for key, value in call.params.items() if key != "badgeEnabled"}
    return {**found, **({"badge": {"badgeEnabled": call.params["badgeEnabled"]}} if "badgeEnabled" in call.params else {})}


def completed(project: Project) -> Project:
    """A project with what AWS adds to what it is given: see the example of
    https://docs.aws.amazon.com/cli/latest/reference/codebuild/batch-get-projects.html
    """
    environment, kind = project["environment"], project["artifacts"]["type"]
    variables = [{"type": "PLAINTEXT", **variable} for variable in environment.get("environmentVariables", [])]
    artifacts = {} if kind == "NO_ARTIFACTS" else {"name": project["name"], "packaging": "NONE", "encryptionDisabled": False}
    artifacts |= {"namespaceType": "NONE"} if kind == "S3" else {}
    logs = project.get("logsConfig", {})
    return {
        **project,
        "source": {"insecureSsl": False, **project["source"]},
        "artifacts": {**artifacts, **project["artifacts"]},
        "environment": {"privilegedMode": False, "imagePullCredentialsType": "CODEBUILD", **environment, "environmentVariables": variables},
        "logsConfig": {
            "cloudWatchLogs": {"status": "ENABLED", **logs.get("cloudWatchLogs", {})},
            "s3Logs": {"status": "DISABLED", "encryptionDisabled": False, **logs.get("s3Logs", {})},
        },
    }


@operation("codebuild")
def update_project(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_UpdateProject.html: what is not named stays."""
    state = call.state(CodeBuild)
    project = {**state.project(call.params["name"]), **given(call), "lastModified": call.clock.now()}
    check(project)
    if "serviceRole" in call.params:
        project["serviceRole"] = check_role(call, project["serviceRole"])
    state.projects[project["name"]] = completed(project)
    return {"project": state.projects[project["name"]]}


@operation("codebuild")
def batch_get_projects(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetProjects.html"""
    projects = call.state(CodeBuild).projects
    names = {name: name.rpartition("/")[2] for name in call.params["names"]}
    found = [projects[name] for name in names.values() if name in projects]
    return {"projects": found, "projectsNotFound": [given for given, name in names.items() if name not in projects]}


@operation("codebuild")
def list_projects(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListProjects.html"""
    return {"projects": sorted(call.state(CodeBuild).projects)}


@operation("codebuild")
def delete_project(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DeleteProject.html: also one that is not there."""
    call.state(CodeBuild).projects.pop(call.params["name"].rpartition("/")[2], None)
    return {}


@operation("codebuild")
def invalidate_project_cache(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_InvalidateProjectCache.html"""
    call.state(CodeBuild).project(call.params["projectName"])
    return {}


@operation("codebuild")
def start_build(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html"""
    state = call.state(CodeBuild)
    project = state.project(call.params["projectName"])
    return {"build": start(state, project, call.params, call.principal.arn.rpartition("/")[2])}


@operation("codebuild")
def retry_build(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_RetryBuild.html"""
    state = call.state(CodeBuild)
    before = state.build(call.params.get("id", ""))
    return {"build": start(state, state.project(before["projectName"]), {}, call.principal.arn.rpartition("/")[2])}


def start(state: CodeBuild, project: Project, params: dict[str, Any], initiator: str) -> Build:
    name, now = project["name"], state.clock.now()
    environment = dict(project["environment"])
    changed = {variable["name"]: variable for variable in params.get("environmentVariablesOverride", [])}
    known = {variable["name"]: variable for variable in environment.get("environmentVariables", [])}
    environment["environmentVariables"] = list({**known, **changed}.values())
    identifier = f"{name}:{uuid.uuid4()}"
    group = project.get("logsConfig", {}).get("cloudWatchLogs", {}).get("groupName", f"/aws/codebuild/{name}")
    build = {
        "id": identifier,
        "arn": state.arn("codebuild", f"build/{identifier}"),
        "buildNumber": 1 + sum(known["projectName"] == name for known in state.builds.values()),
        "projectName": name,
        "startTime": now,
        "currentPhase": "QUEUED",
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "phases": [{"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": now, "endTime": now, "durationInSeconds": 0}],
        "source": project["source"],
        "artifacts": {"location": project["artifacts"].get("location", "")},
        "cache": project["cache"],
        "environment": environment,
        "serviceRole": project["serviceRole"],
        "logs": {"groupName": group, "streamName": identifier.partition(":")[2]},
        "timeoutInMinutes": project["timeoutInMinutes"],
        "queuedTimeoutInMinutes": project["queuedTimeoutInMinutes"],
        "initiator": initiator,
        "encryptionKey": project["encryptionKey"],
        **{key: params[key] for key in ("sourceVersion",) if key in params},
    }
    state.builds[identifier] = build
    state.clock.play(run(state, build))
    return build


def run(state: CodeBuild, build: Build) -> Generator[float, None, None]:
    """A build's phases. Without containers nothing is built; what a build does under its role is tried: its log, its login, its push."""
    if state.sandbox.live:
        from sandbox.live import codebuild  # noqa: PLC0415 who does not need it need not have it

        yield from codebuild.run(state, build)
        return
    yield 5
    failure: AwsError | None = None
    for phase in PHASES:
        if build["buildComplete"] or failure:
            break
        started, build["currentPhase"] = state.clock.now(), phase
        try:
            work(state, build, phase)
        except AwsError as error:
            failure = error
        yield SECONDS.get(phase, 2)
        build["phases"].append(phase_done(phase, started, state.clock.now(), failure))
    if not build["buildComplete"]:
        finish(state, build, "FAILED" if failure else "SUCCEEDED")


def phase_done(phase: str, started: Any, ended: Any, failure: AwsError | None) -> dict[str, Any]:
    done = {"phaseType": phase, "startTime": started, "endTime": ended, "durationInSeconds": int((ended - started).total_seconds())}
    contexts = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": failure.message}] if failure else []
    return {**done, "phaseStatus": "FAILED" if failure else "SUCCEEDED", "contexts": contexts}


def work(state: CodeBuild, build: Build, phase: str) -> None:
    role = access.role_session(build["serviceRole"], "codebuild")
    place = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    variables = {variable["name"]: variable["value"] for variable in build["environment"]["environmentVariables"]}
    if phase == "PROVISIONING":
        for operation_name, parameters in (("CreateLogGroup", ["logGroupName"]), ("CreateLogStream", ["logGroupName", "logStreamName"])):
            try:
                state.invoke("logs", operation_name, role, **{key: place[key] for key in parameters})
            except AwsError as error:
                if error.code != "ResourceAlreadyExistsException":
                    raise
    if phase == "PRE_BUILD" and "IMAGE_REPO_NAME" in variables:
        try:
            state.invoke("ecr", "GetAuthorizationToken", role)
        except AwsError as error:
            command = "aws ecr get-login-password --region $AWS_DEFAULT_REGION"
            write_log(
                state,
                build,
                role,
                f"An error occurred (AccessDeniedException) when calling the GetAuthorizationToken operation: {error.message}",
            )
            raise AwsError("CommandFailed", f"Error while executing command: {command}. Reason: exit status 254") from error
    if phase == "POST_BUILD" and "IMAGE_REPO_NAME" in variables:
        arn = f"arn:aws:ecr:{state.region}:{state.account}:repository/{variables['IMAGE_REPO_NAME']}"
        for action in PUSH:
            if not access.allowed(role, f"ecr:{action}", arn):
                write_log(state, build, role, f"denied: {access.refusal(role, f'ecr:{action}', arn)}")
                raise AwsError("CommandFailed", "Error while executing command: docker push. Reason: exit status 1")
    write_log(state, build, role, f"Phase complete: {phase} State: SUCCEEDED")


def write_log(state: CodeBuild, build: Build, role: access.Principal, line: str) -> None:
    event = {"timestamp": int(state.clock.now().timestamp() * 1000), "message": f"[Container] {line}\n"}
    logs = build["logs"]
    state.invoke("logs", "PutLogEvents", role, logGroupName=logs["groupName"], logStreamName=logs["streamName"], logEvents=[event])


def finish(state: CodeBuild, build: Build, status: str) -> None:
    now = state.clock.now()
    build |= {"buildStatus": status, "buildComplete": True, "currentPhase": "COMPLETED", "endTime": now}
    build["phases"].append({"phaseType": "COMPLETED", "startTime": now})


@operation("codebuild")
def batch_get_builds(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html"""
    builds = call.state(CodeBuild).builds
    found = [builds[identifier] for identifier in call.params["ids"] if identifier in builds]
    return {"builds": found, "buildsNotFound": [identifier for identifier in call.params["ids"] if identifier not in builds]}


@operation("codebuild")
def list_builds_for_project(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html: newest first, unless asked otherwise."""
    name = call.state(CodeBuild).project(call.params["projectName"])["name"]
    found = [build["id"] for build in call.state(CodeBuild).builds.values() if build["projectName"] == name]
    return {"ids": found if call.params.get("sortOrder") == "ASCENDING" else found[::-1]}


@operation("codebuild")
def list_builds(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuilds.html"""
    return {"ids": list(call.state(CodeBuild).builds)[::-1]}


@operation("codebuild")
def stop_build(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StopBuild.html"""
    state = call.state(CodeBuild)
    build = state.build(call.params["id"])
    if not build["buildComplete"]:
        finish(state, build, "STOPPED")
    return {"build": build}


@operation("codebuild")
def list_report_groups(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListReportGroups.html"""
    return {"reportGroups": sorted(call.state(CodeBuild).groups)}


@operation("codebuild")
def batch_get_report_groups(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetReportGroups.html"""
    return found("reportGroups", call.state(CodeBuild).groups, call.params["reportGroupArns"])


@operation("codebuild")
def delete_report_group(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DeleteReportGroup.html: with its reports only if that is said."""
    state, arn = call.state(CodeBuild), call.params["arn"]
    there = [report["arn"] for report in state.reports.values() if report["reportGroupArn"] == arn]
    if there and not call.params.get("deleteReports"):
        raise AwsError("InvalidInputException", f"Report group {arn} has reports. Delete them, or set deleteReports.")
    for report in there:
        del state.reports[report]
    state.groups.pop(arn, None)
    return {}


@operation("codebuild")
def list_reports_for_report_group(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListReportsForReportGroup.html: newest first."""
    reports = call.state(CodeBuild).reports.values()
    return {"reports": [report["arn"] for report in reports if report["reportGroupArn"] == call.params["reportGroupArn"]][::-1]}


@operation("codebuild")
def batch_get_reports(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetReports.html"""
    reports = call.state(CodeBuild).reports
    told = {arn: {key: part for key, part in report.items() if key != "cases"} for arn, report in reports.items()}
    return found("reports", told, call.params["reportArns"])


@operation("codebuild")
def describe_test_cases(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DescribeTestCases.html"""
    cases = call.state(CodeBuild).reports.get(call.params["reportArn"], {}).get("cases", [])
    status = call.params.get("filter", {}).get("status")
    return {"testCases": [case for case in cases if status in (None, case["status"])]}


def found(key: str, there: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    return {key: [there[name] for name in wanted if name in there], f"{key}NotFound": [name for name in wanted if name not in there]}
