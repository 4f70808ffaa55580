"""From a connection to a deployment: CodeConnections, CodeBuild and CodePipeline on the sandbox."""

from __future__ import annotations

import time
import uuid

import botocore.exceptions
import pytest

from tests.sandbox.conftest import ACCOUNT, REGION, allow, policy
from tests.sandbox.test_elasticbeanstalk import SINGLE, Service

BUCKET = "artifacts"
FILES = [f"arn:aws:s3:::{BUCKET}/*", f"arn:aws:s3:::elasticbeanstalk-{REGION}-{ACCOUNT}/*"]
PUSH = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage", "ecr:BatchCheckLayerAvailability"]
BUILD = [
    allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
    allow(["s3:GetObject", "s3:PutObject"], FILES),
    allow("ecr:GetAuthorizationToken"),
    allow(PUSH, f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/orbit"),
]
PIPELINE = [
    allow(["s3:GetObject", "s3:PutObject"], FILES),
    allow("codeconnections:UseConnection"),
    allow(["codebuild:StartBuild", "codebuild:BatchGetBuilds"], f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/orbit"),
    allow("elasticbeanstalk:*"),
]


def action(category: str, provider: str, takes: str = "", gives: str = "", **configuration: str) -> dict:
    return {
        "name": category,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration,
        "inputArtifacts": [{"name": takes}] if takes else [],
        "outputArtifacts": [{"name": gives}] if gives else [],
    }


class Delivery(Service):
    """A pipeline to an application on Elastic Beanstalk, and what a test asks of it."""

    def __init__(self, cloud) -> None:
        super().__init__(cloud)
        self.pipelines, self.builds, self.connections = (cloud.client(s) for s in ("codepipeline", "codebuild", "codeconnections"))
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.connection = self.connections.create_connection(ProviderType="GitHub", ConnectionName="github")["ConnectionArn"]
        self.build_role = cloud.role("build", "codebuild.amazonaws.com", *BUILD)
        self.pipeline_role = cloud.role("pipeline", "codepipeline.amazonaws.com", *PIPELINE)

    def project(self, name: str = "orbit", **more) -> dict:
        variables = [{"name": "IMAGE_REPO_NAME", "value": "orbit"}]
        environment = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"}
        return {
            "name": name,
            "source": {"type": "CODEPIPELINE"},
            "artifacts": {"type": "CODEPIPELINE"},
            "environment": {**environment, "privilegedMode": True, "environmentVariables": variables},
            "serviceRole": self.build_role,
            **more,
        }

    def create_project(self, **more) -> dict:
        return retried(self.builds.create_project, "CodeBuild is not authorized to perform: sts:AssumeRole", **self.project(**more))[
            "project"
        ]

    def declared(self, *between: dict, **more) -> dict:
        source = action(
            "Source",
            "CodeStarSourceConnection",
            gives="source",
            ConnectionArn=self.connection,
            FullRepositoryId="owner/orbit",
            BranchName="main",
        )
        build = action("Build", "CodeBuild", takes="source", gives="bundle", ProjectName="orbit")
        deploy = action("Deploy", "ElasticBeanstalk", takes="bundle", ApplicationName="orbit", EnvironmentName="orbit-web")
        stages = [{"name": a["name"], "actions": [a]} for a in (source, build, *between, deploy)]
        store = {"type": "S3", "location": BUCKET}
        return {"name": "orbit", "roleArn": self.pipeline_role, "artifactStore": store, "stages": stages, "pipelineType": "V2", **more}

    def create_pipeline(self, declared: dict) -> dict:
        words = "CodePipeline is not authorized to perform AssumeRole"
        return retried(self.pipelines.create_pipeline, words, pipeline=declared)["pipeline"]

    def settled(self, execution: str) -> str:
        """The status in which an execution stays."""
        for _ in range(50):
            found = self.pipelines.get_pipeline_execution(pipelineName="orbit", pipelineExecutionId=execution)["pipelineExecution"]
            if found["status"] not in ("InProgress", "Stopping"):
                return found["status"]
        return found["status"]

    def release(self) -> str:
        return self.pipelines.start_pipeline_execution(name="orbit")["pipelineExecutionId"]

    def action_states(self) -> dict[str, dict]:
        found = self.pipelines.get_pipeline_state(name="orbit")["stageStates"]
        return {state["actionName"]: state.get("latestExecution", {}) for stage in found for state in stage["actionStates"]}


def retried(call, words: str, **params):
    """A call that meets one refusal, as a role that was made just now does."""
    with pytest.raises(botocore.exceptions.ClientError, match=words):
        call(**params)
    return call(**params)


@pytest.fixture
def delivery(cloud):
    """A connection, a project, an application with an environment, and no pipeline yet."""
    made = Delivery(cloud)
    made.create()
    made.wait("environment_exists")
    made.create_project()
    return made


@pytest.fixture
def running(delivery):
    """A pipeline whose connection somebody completed, and whose first execution is over."""
    delivery.cloud.control("PUT", "connections", {"arn": delivery.connection})
    delivery.create_pipeline(delivery.declared())
    delivery.action_states()
    return delivery


def test_a_connection_is_pending_until_a_person_completes_it(cloud):
    client = cloud.client("codeconnections")
    arn = client.create_connection(ProviderType="GitHub", ConnectionName="github", Tags=[{"Key": "a", "Value": "1"}])["ConnectionArn"]
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    cloud.control("PUT", "connections", {"arn": arn})
    assert client.list_connections()["Connections"][0]["ConnectionStatus"] == "AVAILABLE"
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    client.delete_connection(ConnectionArn=arn)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_connection(ConnectionArn=arn)


def test_a_project_keeps_what_it_is_given_and_is_updated_in_part(cloud):
    delivery = Delivery(cloud)
    made = delivery.create_project(description="first", timeoutInMinutes=30, tags=[{"key": "team", "value": "blue"}])
    assert made["source"] == {"type": "CODEPIPELINE", "insecureSsl": False}
    assert made["artifacts"] == {"type": "CODEPIPELINE", "name": "orbit", "packaging": "NONE", "encryptionDisabled": False}
    assert made["environment"]["environmentVariables"] == [{"name": "IMAGE_REPO_NAME", "value": "orbit", "type": "PLAINTEXT"}]
    assert (made["environment"]["imagePullCredentialsType"], made["logsConfig"]["cloudWatchLogs"]["status"]) == ("CODEBUILD", "ENABLED")
    updated = delivery.builds.update_project(name="orbit", description="second")["project"]
    assert {**updated, "lastModified": 0} == {**made, "description": "second", "lastModified": 0}
    assert delivery.builds.batch_get_projects(names=["orbit", "nova"])["projectsNotFound"] == ["nova"]
    delivery.builds.invalidate_project_cache(projectName="orbit")
    with pytest.raises(delivery.builds.exceptions.ResourceAlreadyExistsException):
        delivery.builds.create_project(**delivery.project())
    github = {**delivery.project(name="other"), "source": {"type": "GITHUB"}, "artifacts": {"type": "NO_ARTIFACTS"}}
    with pytest.raises(delivery.builds.exceptions.InvalidInputException, match="Project source location is required"):
        delivery.builds.create_project(**github)
    delivery.builds.delete_project(name="orbit")
    assert delivery.builds.list_projects()["projects"] == []


def test_a_build_without_ecr_permission_fails_at_its_login_as_the_seeds_did(delivery):
    document = policy(*BUILD[:2])
    delivery.cloud.client("iam").put_role_policy(RoleName="build", PolicyName="inline", PolicyDocument=document)
    identifier = delivery.builds.start_build(projectName="orbit")["build"]["id"]
    build = delivery.builds.batch_get_builds(ids=[identifier])["builds"][0]
    assert build["buildStatus"] == "FAILED"
    failed = next(phase for phase in build["phases"] if phase.get("phaseStatus") == "FAILED")
    assert failed["phaseType"] == "PRE_BUILD"
    assert failed["contexts"][0]["message"].startswith("Error while executing command: aws ecr get-login-password")
    place = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    lines = [event["message"] for event in delivery.cloud.client("logs").get_log_events(**place)["events"]]
    assert any("not authorized to perform: ecr:GetAuthorizationToken" in line for line in lines)


def test_a_release_goes_through_all_stages_and_is_deployed(running):
    execution = running.release()
    assert running.settled(execution) == "Succeeded"
    assert {name: state["status"] for name, state in running.action_states().items()} == dict.fromkeys(
        ("Source", "Build", "Deploy"), "Succeeded"
    )
    label = running.described()["VersionLabel"]
    assert label.startswith("code-pipeline-")
    details = running.pipelines.list_action_executions(pipelineName="orbit", filter={"pipelineExecutionId": execution})[
        "actionExecutionDetails"
    ]
    assert [detail["actionName"] for detail in details] == ["Deploy", "Build", "Source"]
    assert details[0]["output"]["executionResult"]["externalExecutionId"] == label
    assert (
        running.pipelines.list_pipeline_executions(pipelineName="orbit")["pipelineExecutionSummaries"][0]["pipelineExecutionId"]
        == execution
    )


def test_a_pending_connection_fails_the_source_with_the_reason(delivery):
    delivery.create_pipeline(delivery.declared())
    state = delivery.action_states()["Source"]
    assert state["status"] == "Failed"
    assert state["errorDetails"]["message"] == f"[GitHub] Connection {delivery.connection} is not available"


@pytest.mark.parametrize(
    ("lost", "failing"),
    [("codeconnections:UseConnection", "Source"), ("codebuild:StartBuild", "Build"), ("elasticbeanstalk:UpdateEnvironment", "Deploy")],
)
def test_a_permission_that_the_pipelines_role_lacks_fails_its_action(running, lost, failing):
    document = policy(*PIPELINE, {**allow(lost), "Effect": "Deny"})
    running.cloud.client("iam").put_role_policy(RoleName="pipeline", PolicyName="inline", PolicyDocument=document)
    assert running.settled(running.release()) == "Failed"
    state = running.action_states()[failing]
    assert state["status"] == "Failed"
    assert "The provided role does not have sufficient permissions" in state["errorDetails"]["message"]


def test_a_person_approves_or_rejects(delivery):
    delivery.cloud.control("PUT", "connections", {"arn": delivery.connection})
    delivery.create_pipeline(delivery.declared(action("Approval", "Manual")))
    execution = delivery.pipelines.list_pipeline_executions(pipelineName="orbit")["pipelineExecutionSummaries"][0]["pipelineExecutionId"]
    assert delivery.settled(execution) == "InProgress"
    place = {"pipelineName": "orbit", "stageName": "Approval", "actionName": "Approval"}
    token = delivery.action_states()["Approval"]["token"]
    with pytest.raises(delivery.pipelines.exceptions.InvalidApprovalTokenException):
        delivery.pipelines.put_approval_result(**place, token=str(uuid.uuid4()), result={"summary": "no", "status": "Rejected"})
    delivery.pipelines.put_approval_result(**place, token=token, result={"summary": "good", "status": "Approved"})
    assert delivery.settled(execution) == "Succeeded"
    second = delivery.release()
    assert delivery.settled(second) == "InProgress"
    token = delivery.action_states()["Approval"]["token"]
    delivery.pipelines.put_approval_result(**place, token=token, result={"summary": "bad", "status": "Rejected"})
    assert delivery.settled(second) == "Failed"


def test_a_failed_stage_is_retried_from_what_failed(running):
    deny = policy(*PIPELINE, {**allow("elasticbeanstalk:UpdateEnvironment"), "Effect": "Deny"})
    iam = running.cloud.client("iam")
    iam.put_role_policy(RoleName="pipeline", PolicyName="inline", PolicyDocument=deny)
    execution = running.release()
    assert running.settled(execution) == "Failed"
    iam.put_role_policy(RoleName="pipeline", PolicyName="inline", PolicyDocument=policy(*PIPELINE))
    place = {"pipelineName": "orbit", "stageName": "Deploy", "pipelineExecutionId": execution}
    running.pipelines.retry_stage_execution(**place, retryMode="FAILED_ACTIONS")
    assert running.settled(execution) == "Succeeded"
    with pytest.raises(running.pipelines.exceptions.StageNotRetryableException):
        running.pipelines.retry_stage_execution(**place, retryMode="FAILED_ACTIONS")


def test_a_stage_rolls_back_within_a_structure_version_only(running):
    first, second = running.release(), None
    assert running.settled(first) == "Succeeded"
    before = running.described()["VersionLabel"]
    second = running.release()
    assert running.settled(second) == "Succeeded"
    place = {"pipelineName": "orbit", "stageName": "Deploy", "targetPipelineExecutionId": first}
    rollback = running.pipelines.rollback_stage(**place)["pipelineExecutionId"]
    assert running.settled(rollback) == "Succeeded"
    assert running.described()["VersionLabel"].rpartition("-")[2] == before.rpartition("-")[2]
    running.pipelines.update_pipeline(pipeline=running.declared())
    with pytest.raises(running.pipelines.exceptions.PipelineExecutionOutdatedException):
        running.pipelines.rollback_stage(**place)


def test_a_closed_transition_holds_and_a_newer_execution_takes_the_place(running):
    place = {"pipelineName": "orbit", "stageName": "Deploy", "transitionType": "Inbound"}
    running.pipelines.disable_stage_transition(**place, reason="a freeze")
    older, newer = running.release(), running.release()
    assert (running.settled(older), running.settled(newer)) == ("Superseded", "InProgress")
    deploy = running.pipelines.get_pipeline_state(name="orbit")["stageStates"][2]
    assert deploy["inboundTransitionState"]["disabledReason"] == "a freeze"
    assert deploy["inboundExecution"]["pipelineExecutionId"] == newer
    running.pipelines.enable_stage_transition(**place)
    assert running.settled(newer) == "Succeeded"


def test_an_execution_is_stopped(running):
    running.cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    execution = running.release()
    running.pipelines.stop_pipeline_execution(pipelineName="orbit", pipelineExecutionId=execution, abandon=True, reason="enough")
    assert running.settled(execution) == "Stopped"
    with pytest.raises(running.pipelines.exceptions.PipelineExecutionNotStoppableException):
        running.pipelines.stop_pipeline_execution(pipelineName="orbit", pipelineExecutionId=execution)


def test_with_real_latencies_an_execution_takes_its_time(running):
    running.cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    execution = running.release()
    assert running.settled(execution) == "InProgress"
    running.cloud.control("PUT", "clock", {"profile": "real", "speed": 600})
    end = time.monotonic() + 20
    while running.settled(execution) == "InProgress" and time.monotonic() < end:
        time.sleep(0.1)
    assert running.settled(execution) == "Succeeded"


def test_a_pipeline_must_be_whole(delivery):
    def refused(declared: dict) -> str:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            delivery.pipelines.create_pipeline(pipeline=declared)
        return caught.value.response["Error"]["Message"]

    whole = delivery.declared()
    assert "minimum of 2 stages" in refused({**whole, "stages": whole["stages"][:1]})
    assert "only they" in refused({**whole, "stages": whole["stages"][1:]})
    lacking = [whole["stages"][0], {"name": "Build", "actions": [action("Build", "CodeBuild", takes="source")]}]
    assert "missing required configuration 'ProjectName'" in refused({**whole, "stages": lacking})
    unknown = [whole["stages"][0], {"name": "Build", "actions": [action("Build", "CodeBuild", takes="other", ProjectName="orbit")]}]
    assert "Input Artifact Bundle other" in refused({**whole, "stages": unknown})
    assert "CodePipeline is not authorized to perform AssumeRole" in refused({**whole, "roleArn": delivery.build_role})


def test_every_update_is_a_version_and_tags_stay(running):
    assert running.pipelines.update_pipeline(pipeline=running.declared())["pipeline"]["version"] == 2
    found = running.pipelines.get_pipeline(name="orbit")
    assert found["pipeline"]["executionMode"] == "SUPERSEDED"
    arn = found["metadata"]["pipelineArn"]
    running.pipelines.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "blue"}])
    assert running.pipelines.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "blue"}]
    running.pipelines.delete_pipeline(name="orbit")
    assert running.pipelines.list_pipelines()["pipelines"] == []


def test_settings_of_the_environment_stay_what_they_were(running):
    ask = {"ApplicationName": "orbit", "EnvironmentName": "orbit-web"}
    (found,) = running.client.describe_configuration_settings(**ask)["ConfigurationSettings"]
    values = {(s["Namespace"], s["OptionName"]): s["Value"] for s in found["OptionSettings"]}
    assert all(values[s["Namespace"], s["OptionName"]] == s["Value"] for s in SINGLE)
