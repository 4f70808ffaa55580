# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why an action of a pipeline failed: what it says itself, and the last words of what it ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import beanstalk, declared

LINES = 25  # of a build's log


def told(module: Any, action: Mapping[str, Any]) -> str:
    """A failed action of ListActionExecutions in lines: where, why, its last words, and where there is more."""
    result = action.get("output", {}).get("executionResult", {})
    why = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary") or action["status"]
    lines = [f"{action['stageName']}, {action['actionName']}: {why}", *_last_words(module, action, result)]
    if link := result.get("externalExecutionUrl"):
        lines.append(f"More: {link}")
    return "\n".join(lines)


def _last_words(module: Any, action: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    provider = action.get("input", {}).get("actionTypeId", {}).get("provider")
    if provider == "CodeBuild" and (build := result.get("externalExecutionId")):
        return build_log(module, build)
    if provider == "ElasticBeanstalk":
        given = action["input"].get("resolvedConfiguration") or action["input"].get("configuration", {})
        return events(module, given.get("EnvironmentName", ""), action["startTime"])
    return []


def build_log(module: Any, build: str) -> list[str]:
    """The end of a build's log: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_LogsLocation.html"""
    found = module.client("codebuild").batch_get_builds(ids=[build])["builds"]
    place = found[0].get("logs", {}) if found else {}
    if not place.get("streamName"):
        return []
    asked = {"logGroupName": place["groupName"], "logStreamName": place["streamName"], "limit": LINES, "startFromHead": False}
    try:
        told_last = module.client("logs").get_log_events(**asked)["events"]
    except Exception as error:
        if declared.code_of(error) != "ResourceNotFoundException":
            raise
        return [f"Its log {place['groupName']} {place['streamName']} is not there any more."]
    return [f"  {one['message'].rstrip()}" for one in told_last[-LINES:]]


def events(module: Any, environment: str, since: Any) -> list[str]:
    """The errors of an environment since its deployment began."""
    asked = {"EnvironmentName": environment, "StartTime": since, "MaxRecords": 200}
    return [f"  {environment}: {cause}" for cause in beanstalk.causes(module.client("elasticbeanstalk").describe_events(**asked)["Events"])]
