# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The structure of a pipeline that brings a service to its environments, and two structures that mean the same. Pure.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SOURCE, BUNDLE = "Source", "Bundle"  # artifacts: what is built, and what is deployed
Structure = dict[str, Any]


def structure(declared: Mapping[str, Any]) -> Structure:
    """Source, build, approval, deployments and release, as far as they are declared.

    A source without a build is a bundle that another environment released.
    """
    source = declared["source"]
    stages = [_stage("Source", _from_bucket(source) if source.get("key") else _from_repository(source))]
    if declared.get("build"):
        stages.append(_stage("Build", _build(declared["build"])))
    if declared.get("approval"):
        stages.append(_stage("Approve", _action("Approve", "Approval", "Manual", {"NotificationArn": declared.get("approval_topic")})))
    stages.append(_stage("Deploy", *(_deploy(one) for one in declared["deployments"])))
    if declared.get("release"):
        stages.append(_stage("Release", _release(declared["release"])))
    return {
        "roleArn": declared["role"],
        "artifactStore": {"type": "S3", "location": declared["bucket"]},
        "pipelineType": "V2",
        # A newer commit takes the place of one that still waits: nobody wants the older one any more.
        "executionMode": "SUPERSEDED",
        "stages": stages,
    }


def _stage(name: str, *actions: Structure) -> Structure:
    return {"name": name, "actions": list(actions)}


def _action(name: str, category: str, provider: str, configuration: Mapping[str, Any], *, takes: str = "", gives: str = "") -> Structure:
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": {key: value for key, value in configuration.items() if value},
        "inputArtifacts": [{"name": takes}] if takes else [],
        "outputArtifacts": [{"name": gives}] if gives else [],
    }


def _from_repository(source: Mapping[str, str]) -> Structure:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html"""
    configuration = {
        "ConnectionArn": source["connection"],
        "FullRepositoryId": source["repository"],
        "BranchName": source["branch"],
        "OutputArtifactFormat": "CODE_ZIP",
    }
    return {**_action("Source", "Source", "CodeStarSourceConnection", configuration, gives=SOURCE), "namespace": "SourceVariables"}


def _from_bucket(source: Mapping[str, str]) -> Structure:
    """A release is asked for, not discovered. https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html"""
    configuration = {"S3Bucket": source["bucket"], "S3ObjectKey": source["key"], "PollForSourceChanges": "false"}
    return {**_action("Source", "Source", "S3", configuration, gives=BUNDLE), "namespace": "SourceVariables"}


def _build(project: str) -> Structure:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html"""
    tag = [{"name": "IMAGE_TAG", "value": "#{SourceVariables.CommitId}", "type": "PLAINTEXT"}]
    configuration = {"ProjectName": project, "EnvironmentVariables": json.dumps(tag)}
    return {**_action("Build", "Build", "CodeBuild", configuration, takes=SOURCE, gives=BUNDLE), "namespace": "BuildVariables"}


def _deploy(one: Mapping[str, str]) -> Structure:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ElasticBeanstalk.html"""
    configuration = {"ApplicationName": one["application"], "EnvironmentName": one["environment"]}
    return _action(one["name"], "Deploy", "ElasticBeanstalk", configuration, takes=BUNDLE)


def _release(place: Mapping[str, str]) -> Structure:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3Deploy.html"""
    configuration = {"BucketName": place["bucket"], "ObjectKey": place["key"], "Extract": "false"}
    return _action("Release", "Deploy", "S3", configuration, takes=BUNDLE)


def normal(pipeline: Mapping[str, Any], region: str) -> Structure:
    """A pipeline, declared or as GetPipeline gives it, with what AWS fills in filled in and what it leaves out left out."""
    kept = {key: value for key, value in pipeline.items() if key not in ("name", "version", "stages") and value}
    stages = [
        {
            **{key: value for key, value in stage.items() if value},
            "actions": [_normal_action(action, region) for action in stage["actions"]],
        }
        for stage in pipeline["stages"]
    ]
    return {"pipelineType": "V1", "executionMode": "SUPERSEDED", **kept, "stages": stages}


def _normal_action(action: Mapping[str, Any], region: str) -> Structure:
    filled = {"runOrder": 1, **action}
    kept = {key: value for key, value in filled.items() if value and (key, value) != ("region", region)}
    configuration = {key: _normal_value(value) for key, value in kept.get("configuration", {}).items()}
    # True is the default, and "the field doesn't display by default": action-reference-CodestarConnectionSource.html
    if configuration.get("DetectChanges") == "true":
        del configuration["DetectChanges"]
    return {**kept, "configuration": configuration}


def _normal_value(value: str) -> str:
    """JSON within, such as a build's variables, in one form."""
    try:
        return json.dumps(json.loads(value), sort_keys=True)
    except ValueError:
        return value
