"""The operations of https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html; each names the page it follows."""

from __future__ import annotations

from typing import Any

from sandbox.codepipeline import structure
from sandbox.codepipeline.actions import Action
from sandbox.codepipeline.executions import Execution, Pipeline, Pipelines, Stage
from sandbox.core import access, tags
from sandbox.core.gateway import Call, operation
from sandbox.core.wire import AwsError

SERVICE = "codepipeline"
Params = dict[str, Any]


def given(**parts: Any) -> Params:
    return {key: part for key, part in parts.items() if part not in (None, "", {})}


def check_role(call: Call, arn: str) -> None:
    if not access.assumable(call, arn, "codepipeline.amazonaws.com"):
        raise AwsError("InvalidStructureException", f"CodePipeline is not authorized to perform AssumeRole on role {arn}")


@operation(SERVICE)
def create_pipeline(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_CreatePipeline.html: a new pipeline runs at once."""
    state, declared = call.state(Pipelines), call.params["pipeline"]
    if declared["name"] in state.pipelines:
        raise AwsError(
            "PipelineNameInUseException", f"A pipeline with the name '{declared['name']}' already exists in account '{call.account}'"
        )
    structure.check(declared)
    check_role(call, declared["roleArn"])
    made = Pipeline(structure.completed(declared, 1), call.clock.now(), tags.as_dict(call.params.get("tags")))
    state.pipelines[declared["name"]] = made
    state.start(made, "CreatePipeline", call.principal.arn, {})
    return {"pipeline": made.declared, "tags": call.params.get("tags", [])}


@operation(SERVICE)
def get_pipeline(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipeline.html"""
    state = call.state(Pipelines)
    found = state.get(call.params["name"])
    metadata = {"pipelineArn": state.arn(SERVICE, call.params["name"]), "created": found.created, "updated": found.updated}
    return {"pipeline": found.declared, "metadata": metadata}


@operation(SERVICE)
def update_pipeline(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_UpdatePipeline.html: a new version, changed or not."""
    declared = call.params["pipeline"]
    found = call.state(Pipelines).get(declared["name"])
    structure.check(declared)
    check_role(call, declared["roleArn"])
    found.declared, found.updated = structure.completed(declared, found.declared["version"] + 1), call.clock.now()
    return {"pipeline": found.declared}


@operation(SERVICE)
def delete_pipeline(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DeletePipeline.html: also one that is not there."""
    call.state(Pipelines).pipelines.pop(call.params["name"], None)
    return {}


@operation(SERVICE)
def list_pipelines(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListPipelines.html"""
    found = sorted(call.state(Pipelines).pipelines.items())
    keys = ("version", "pipelineType", "executionMode")
    return {
        "pipelines": [
            {"name": name, "created": p.created, "updated": p.updated, **{key: p.declared[key] for key in keys}} for name, p in found
        ]
    }


@operation(SERVICE)
def start_pipeline_execution(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html: with one token once."""
    found = call.state(Pipelines).get(call.params["name"])
    variables = {variable["name"]: variable["value"] for variable in call.params.get("variables", [])}
    unknown = set(variables) - {variable["name"] for variable in found.declared.get("variables", [])}
    if unknown:
        raise AwsError("ValidationException", f"Variables are not declared in the pipeline: {sorted(unknown)}")
    revision = next((source["revisionValue"] for source in call.params.get("sourceRevisions", [])), None)
    token = call.params.get("clientRequestToken")
    if token not in found.tokens:
        execution = call.state(Pipelines).start(found, "StartPipelineExecution", call.principal.arn, variables, revision)
        found.tokens[token or execution.id] = execution
        return {"pipelineExecutionId": execution.id}
    return {"pipelineExecutionId": found.tokens[token].id}


@operation(SERVICE)
def stop_pipeline_execution(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StopPipelineExecution.html"""
    state, params = call.state(Pipelines), call.params
    found = state.get(params["pipelineName"])
    execution = found.execution(params["pipelineExecutionId"])
    state.stop(found, execution, params.get("reason", ""), abandon=bool(params.get("abandon")))
    return {"pipelineExecutionId": execution.id}


@operation(SERVICE)
def retry_stage_execution(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RetryStageExecution.html"""
    state, params = call.state(Pipelines), call.params
    found = state.get(params["pipelineName"])
    stage, execution = found.stage(params["stageName"]), found.execution(params["pipelineExecutionId"])
    if stage.latest is not execution:
        raise AwsError("NotLatestPipelineExecutionException", "The stage has been run by a later execution")
    if stage.status not in ("Failed", "Stopped") or execution.pipeline["version"] != found.declared["version"]:
        message = (
            f"The stage named {params['stageName']} in the {params['pipelineName']} pipeline can't be retried now. Either it contains no "
        )
        message += f"failed actions, the execution '{execution.id}' is already superseded, or the pipeline definition has changed"
        raise AwsError("StageNotRetryableException", f"{message} since the action(s) failed.")  # aws/copilot-cli#1922
    execution.status = "InProgress"
    if params["retryMode"] == "ALL_ACTIONS":
        state.enter(found, execution, params["stageName"])
        return {"pipelineExecutionId": execution.id}
    stage.holder, stage.status = execution, "InProgress"
    failed = [action.declared["runOrder"] for action in stage.actions.values() if action.status != "Succeeded"]
    state.run_group(found, execution, params["stageName"], min(failed) - 1)
    return {"pipelineExecutionId": execution.id}


@operation(SERVICE)
def rollback_stage(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RollbackStage.html: within a structure version."""
    state, params = call.state(Pipelines), call.params
    found = state.get(params["pipelineName"])
    stage, target = found.stage(params["stageName"]), found.execution(params["targetPipelineExecutionId"])
    if target.pipeline["version"] != found.declared["version"]:
        raise AwsError("PipelineExecutionOutdatedException", "The target execution ran with another version of the pipeline's structure")
    if params["stageName"] not in target.succeeded or stage.holder or params["stageName"] == found.declared["stages"][0]["name"]:
        raise AwsError("UnableToRollbackStageException", f"Stage '{params['stageName']}' cannot be rolled back to execution '{target.id}'")
    trigger = {"triggerType": "ManualRollback", "triggerDetail": call.principal.arn}
    execution = Execution(found.declared, trigger, call.clock.now(), target.variables, updated=call.clock.now())
    execution.revisions, execution.rollback_of, execution.only_stage = dict(target.revisions), target.id, params["stageName"]
    execution.summaries = dict(target.summaries)
    execution.actions = [action for action in target.actions if action.stage != params["stageName"]]
    found.executions[execution.id] = execution
    state.enter(found, execution, params["stageName"])
    return {"pipelineExecutionId": execution.id}


@operation(SERVICE)
def disable_stage_transition(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DisableStageTransition.html"""
    params = call.params
    stage = call.state(Pipelines).get(params["pipelineName"]).stage(params["stageName"])
    if params["transitionType"] == "Inbound":
        stage.disabled = {"disabledReason": params["reason"], "lastChangedBy": call.principal.arn, "lastChangedAt": call.clock.now()}
    return {}


@operation(SERVICE)
def enable_stage_transition(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_EnableStageTransition.html: who waits goes on."""
    state, params = call.state(Pipelines), call.params
    found = state.get(params["pipelineName"])
    stage = found.stage(params["stageName"])
    if params["transitionType"] == "Inbound" and stage.disabled:
        stage.disabled = None
        if not stage.holder:
            state.let_in(found, params["stageName"])
    return {}


@operation(SERVICE)
def put_approval_result(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutApprovalResult.html: with GetPipelineState's token."""
    params = call.params
    stage = call.state(Pipelines).get(params["pipelineName"]).stage(params["stageName"])
    action = stage.actions.get(params["actionName"])
    if action is None:
        raise AwsError("ActionNotFoundException", f"Stage '{params['stageName']}' has no action named '{params['actionName']}'")
    if action.token is None:
        raise AwsError("ApprovalAlreadyCompletedException", "The approval action has already been approved or rejected")
    if action.token != params["token"]:
        raise AwsError("InvalidApprovalTokenException", "The approval request already received a response or has expired")
    action.token = None
    action.summary = f"{params['result']['status']} by {call.principal.arn}: {params['result']['summary']}"
    return {"approvedAt": call.clock.now()}


@operation(SERVICE)
def get_pipeline_state(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipelineState.html"""
    found = call.state(Pipelines).get(call.params["name"])
    return {
        "pipelineName": call.params["name"],
        "pipelineVersion": found.declared["version"],
        "created": found.created,
        "updated": found.updated,
        "stageStates": [stage_state(found, declared) for declared in found.declared["stages"]],
    }


def stage_state(pipeline: Pipeline, declared: Params) -> Params:
    stage = pipeline.stages.get(declared["name"], Stage())
    waiting = [{"pipelineExecutionId": execution.id, "status": "InProgress", "type": kind(execution)} for execution in stage.waiting]
    latest = stage.latest
    return given(
        stageName=declared["name"],
        inboundExecution=waiting[0] if waiting else None,
        inboundExecutions=waiting,
        inboundTransitionState={"enabled": stage.disabled is None, **(stage.disabled or {})},
        actionStates=[given(actionName=a["name"], latestExecution=action_state(stage.actions.get(a["name"]))) for a in declared["actions"]],
        latestExecution={"pipelineExecutionId": latest.id, "status": stage.status, "type": kind(latest)} if latest else None,
    )


def kind(execution: Execution) -> str:
    return "ROLLBACK" if execution.rollback_of else "STANDARD"


def action_state(action: Action | None) -> Params | None:
    if action is None:
        return None
    return given(
        actionExecutionId=action.id,
        status=action.status,
        summary=action.summary,
        lastStatusChange=action.updated,
        token=action.token,
        errorDetails=action.error,
        **action.external,
    )


def execution_summary(execution: Execution) -> Params:
    return given(
        pipelineExecutionId=execution.id,
        status=execution.status,
        statusSummary=execution.summary,
        startTime=execution.started,
        lastUpdateTime=execution.updated,
        sourceRevisions=[
            given(actionName=name, revisionId=revision, revisionSummary=execution.summaries.get(name))
            for name, revision in execution.revisions.items()
        ],
        trigger=execution.trigger,
        executionMode=execution.mode,
        executionType=kind(execution),
        rollbackMetadata={"rollbackTargetPipelineExecutionId": execution.rollback_of} if execution.rollback_of else None,
    )


@operation(SERVICE)
def get_pipeline_execution(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipelineExecution.html"""
    execution = call.state(Pipelines).get(call.params["pipelineName"]).execution(call.params["pipelineExecutionId"])
    summary = {
        key: text for key, text in execution_summary(execution).items() if key not in ("startTime", "lastUpdateTime", "sourceRevisions")
    }
    revisions = [
        given(name=name, revisionId=revision, revisionSummary=execution.summaries.get(name))
        for name, revision in execution.revisions.items()
    ]
    variables = [{"name": name, "resolvedValue": text} for name, text in execution.variables.items()]
    pipeline = {"pipelineName": call.params["pipelineName"], "pipelineVersion": execution.pipeline["version"]}
    return {"pipelineExecution": {**pipeline, **summary, "artifactRevisions": revisions, "variables": variables}}


@operation(SERVICE)
def list_pipeline_executions(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListPipelineExecutions.html: newest first."""
    found = list(call.state(Pipelines).get(call.params["pipelineName"]).executions.values())[::-1]
    stage = call.params.get("filter", {}).get("succeededInStage", {}).get("stageName")
    found = [execution for execution in found if stage is None or stage in execution.succeeded]
    return {"pipelineExecutionSummaries": [execution_summary(execution) for execution in found]}


@operation(SERVICE)
def list_action_executions(call: Call) -> Params:
    """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListActionExecutions.html: newest first."""
    found = call.state(Pipelines).get(call.params["pipelineName"])
    wanted = call.params.get("filter", {}).get("pipelineExecutionId")
    executions = [found.execution(wanted)] if wanted else list(found.executions.values())
    actions = [action for execution in executions for action in execution.actions if action.execution is execution]
    return {"actionExecutionDetails": [action_detail(action) for action in reversed(actions)]}


def action_detail(action: Action) -> Params:
    declared, result = action.declared, given(**action.external, externalExecutionSummary=action.summary, errorDetails=action.error)
    return given(
        pipelineExecutionId=action.execution.id,
        actionExecutionId=action.id,
        pipelineVersion=action.execution.pipeline["version"],
        stageName=action.stage,
        actionName=action.name,
        startTime=action.started,
        lastUpdateTime=action.updated,
        status=action.status,
        input=given(
            actionTypeId=declared["actionTypeId"],
            configuration=declared["configuration"],
            resolvedConfiguration=action.configuration,
            region=declared.get("region"),
            roleArn=declared.get("roleArn"),
            inputArtifacts=artifacts(action, "inputArtifacts"),
        ),
        output=given(outputArtifacts=artifacts(action, "outputArtifacts"), executionResult=result, outputVariables=action.variables),
    )


def artifacts(action: Action, key: str) -> list[Params]:
    places = {artifact["name"]: action.artifact(artifact["name"]) for artifact in action.declared[key]}
    return [{"name": name, "s3location": {"bucket": place["Bucket"], "key": place["Key"]}} for name, place in places.items()]


def tags_of(call: Call, arn: str) -> dict[str, str]:
    name = arn.rpartition(":")[2]
    if name not in call.state(Pipelines).pipelines:
        raise AwsError(
            "ResourceNotFoundException", f"The account with id '{call.account}' does not include a pipeline with the name '{name}'"
        )
    return call.state(Pipelines).pipelines[name].tags


# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_TagResource.html, and those beside it
TAGGING = ("ListTagsForResource", "TagResource", "UntagResource")
tags.register(SERVICE, tags_of, operations=TAGGING, members=("resourceArn", "tags", "tagKeys", "tags"))
