"""What a pipeline may look like (https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html)."""

from __future__ import annotations

from typing import Any

from sandbox.core.wire import AwsError

Pipeline = dict[str, Any]
# Required and optional configuration (https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html).
CONFIGURATION: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("Source", "CodeStarSourceConnection"): (
        {"ConnectionArn", "FullRepositoryId", "BranchName"},
        {"OutputArtifactFormat", "DetectChanges"},
    ),
    ("Source", "S3"): ({"S3Bucket", "S3ObjectKey"}, {"PollForSourceChanges", "AllowOverrideForS3ObjectKey"}),
    ("Source", "ECR"): ({"RepositoryName"}, {"ImageTag"}),
    ("Build", "CodeBuild"): ({"ProjectName"}, {"PrimarySource", "BatchEnabled", "CombineArtifacts", "EnvironmentVariables"}),
    ("Test", "CodeBuild"): ({"ProjectName"}, {"PrimarySource", "BatchEnabled", "CombineArtifacts", "EnvironmentVariables"}),
    ("Approval", "Manual"): (set(), {"NotificationArn", "CustomData", "ExternalEntityLink"}),
    ("Deploy", "ElasticBeanstalk"): ({"ApplicationName", "EnvironmentName"}, set()),
    ("Deploy", "S3"): ({"BucketName", "Extract"}, {"ObjectKey", "KMSEncryptionKeyARN", "CannedACL", "CacheControl"}),
    ("Invoke", "Lambda"): ({"FunctionName"}, {"UserParameters"}),
}


def completed(pipeline: Pipeline, version: int) -> Pipeline:
    """A pipeline with the defaults that GetPipeline shows."""
    stages = [{**stage, "actions": [with_defaults(action) for action in stage["actions"]]} for stage in pipeline["stages"]]
    kind = pipeline.get("pipelineType", "V1")
    return {
        **pipeline,
        "stages": stages,
        "version": version,
        "pipelineType": kind,
        "executionMode": pipeline.get("executionMode", "SUPERSEDED"),
    }


def with_defaults(action: dict[str, Any]) -> dict[str, Any]:
    return {"runOrder": 1, "configuration": {}, "outputArtifacts": [], "inputArtifacts": [], **action}


def check(pipeline: Pipeline) -> None:
    """Refuse what CodePipeline refuses."""
    stages = pipeline["stages"]
    if len(stages) < 2:
        noun = f"Pipeline has only {len(stages)} stage(s)."
        raise AwsError("InvalidStructureException", f"{noun} There should be a minimum of 2 stages in a pipeline")
    names = [stage["name"] for stage in stages]
    if len(set(names)) < len(names):
        raise AwsError("InvalidStructureException", f"Stage names must be unique: {names}")
    if pipeline.get("pipelineType") != "V2" and (pipeline.get("executionMode", "SUPERSEDED") != "SUPERSEDED" or pipeline.get("variables")):
        raise AwsError("InvalidStructureException", "Execution modes other than SUPERSEDED, and variables, need a pipeline of type V2")
    made: set[str] = set()
    for number, stage in enumerate(stages):
        for action in stage["actions"]:
            category = action["actionTypeId"]["category"]
            if (category == "Source") != (number == 0):
                message = f"Pipeline stage '{stage['name']}' has action '{action['name']}' of category {category}"
                raise AwsError("InvalidStructureException", f"{message}: source actions are in the first stage, and only they")
            check_configuration(action)
            check_artifacts(action, made)
        made |= {artifact["name"] for action in stage["actions"] for artifact in action.get("outputArtifacts", [])}


def check_configuration(action: dict[str, Any]) -> None:
    kind = action["actionTypeId"]
    known = CONFIGURATION.get((kind["category"], kind["provider"]))
    if known is None or kind["owner"] != "AWS":
        found = f"{kind['category']} {kind['owner']} {kind['provider']} {kind['version']}"
        raise AwsError(
            "InvalidActionDeclarationException", f"ActionType ({found}) in action '{action['name']}' is not available in the sandbox"
        )
    required, optional = known
    given = set(action.get("configuration", {}))
    where = f"Action configuration for action '{action['name']}'"
    if required - given:
        raise AwsError("InvalidActionDeclarationException", f"{where} is missing required configuration '{sorted(required - given)[0]}'")
    if given - required - optional:
        unknown = sorted(given - required - optional)[0]
        raise AwsError("InvalidActionDeclarationException", f"{where} contains unknown configuration '{unknown}'")


def check_artifacts(action: dict[str, Any], made: set[str]) -> None:
    for artifact in action.get("inputArtifacts", []):
        if artifact["name"] not in made:
            message = f"Input Artifact Bundle {artifact['name']} in action {action['name']} is not declared as Output Artifact Bundle"
            raise AwsError("InvalidStructureException", f"{message} in any of the preceding actions")
