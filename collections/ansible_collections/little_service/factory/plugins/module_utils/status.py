# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS's answers say of a service's parts, in one form. Pure functions: nothing here reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import beanstalk
from ansible_collections.little_service.factory.plugins.module_utils.releases import minutes

# What a part's condition can be. `waits`: for a person; it is no failure.
OK, CHANGING, WAITS, BAD, ABSENT = "ok", "changing", "waits", "bad", "absent"
ENVIRONMENT = {"good": OK, "busy": CHANGING, "settling": CHANGING}
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html: what is neither is on its way
DATABASE_OK = ("available", "backing-up", "storage-optimization")
DATABASE_BAD = (
    "failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable", "incompatible-network",
    "incompatible-option-group", "incompatible-parameters", "incompatible-restore", "insufficient-capacity", "restore-error",
    "stopped", "stopping", "storage-full",
)  # fmt: skip

EXECUTION_CHANGING, EXECUTION_BAD = ("InProgress", "Stopping"), ("Stopped", "Failed")

Part = dict[str, Any]


def part(role: str, kind: str, name: str, condition: str = ABSENT, state: str = "absent", *, words: str = "", **more: Any) -> Part:
    """A part of a service: what it is for, what it is on AWS, and how it is."""
    return {"part": role, "kind": kind, "name": name, "condition": condition, "state": state, "words": words, **more}


def environment(
    role: str, name: str, found: Mapping[str, Any] | None, events: Sequence[Mapping[str, Any]], causes: Iterable[str] = ()
) -> Part:
    """An environment of Elastic Beanstalk, as DescribeEnvironments gives it.

    :param events: what happened to it, newest first.
    :param causes: of its health, from DescribeEnvironmentHealth.
    """
    if not found or found["Status"] == "Terminated":
        return part(role, "Beanstalk environment", name)
    judged = beanstalk.judged(found, events)
    condition, health = ENVIRONMENT.get(judged.state, BAD), found.get("HealthStatus") or found.get("Health", "Unknown")
    words = "; ".join([*causes, *(judged.causes if condition == BAD else [])])
    more = {"version": found.get("VersionLabel", ""), "address": found.get("CNAME", ""), "health": health}
    return part(role, "Beanstalk environment", name, condition, f"{found['Status']}, health {health}", words=words, **more)


def database(name: str, found: Mapping[str, Any] | None) -> Part:
    """An instance of RDS, as DescribeDBInstances gives it."""
    if not found:
        return part("database", "RDS instance", name)
    state = found["DBInstanceStatus"]
    condition = OK if state in DATABASE_OK else BAD if state in DATABASE_BAD else CHANGING
    pending = ", ".join(sorted(found.get("PendingModifiedValues") or {}))
    words = f"waits for its maintenance window: {pending}" if pending else ""
    engine = f"{found['Engine']} {found['EngineVersion']}, {found['DBInstanceClass']}"
    return part("database", "RDS instance", name, condition, state, words=words, engine=engine)


def cache(name: str, found: Mapping[str, Any] | None) -> Part:
    """A replication group of ElastiCache, as DescribeReplicationGroups gives it."""
    if not found:
        return part("cache", "ElastiCache group", name)
    state = found["Status"]
    condition = OK if state in ("available", "snapshotting") else BAD if state.endswith("failed") else CHANGING
    return part("cache", "ElastiCache group", name, condition, state, engine=found.get("CacheNodeType", ""))


def pipeline(name: str, stages: list[Mapping[str, Any]] | None, executions: list[Mapping[str, Any]]) -> Part:
    """A pipeline, as GetPipelineState's stages and ListPipelineExecutions' summaries, newest first, give it."""
    if stages is None:
        return part("pipeline", "CodePipeline pipeline", name)
    newest = executions[0]["status"] if executions else "never run"
    condition = CHANGING if newest in EXECUTION_CHANGING else BAD if newest in EXECUTION_BAD else OK
    failed = [
        f"{stage['stageName']}: {action['actionName']}: {action['latestExecution'].get('errorDetails', {}).get('message', 'failed')}"
        for stage in stages
        for action in stage.get("actionStates", [])
        if action.get("latestExecution", {}).get("status") == "Failed"
    ]
    waiting = [
        f"{stage['stageName']} waits for approval"
        for stage in stages
        for action in stage.get("actionStates", [])
        if action.get("latestExecution", {}).get("token")
    ]
    closed = [
        f"{stage['stageName']} is closed: {stage['inboundTransitionState'].get('disabledReason', 'no reason is given')}"
        for stage in stages
        if not stage.get("inboundTransitionState", {"enabled": True})["enabled"]
    ]
    if (waiting or closed) and condition != BAD:
        condition = WAITS
    words = [*closed, *waiting, *(failed if condition == BAD else [])]
    return part("pipeline", "CodePipeline pipeline", name, condition, newest, words="; ".join(words))


def connection(name: str, found: Mapping[str, Any] | None, link: str) -> Part:
    """A connection to GitHub, as ListConnections gives it."""
    if not found:
        return part("connection", "connection to GitHub", name)
    state = found["ConnectionStatus"]
    if state == "PENDING":
        return part("connection", "connection to GitHub", name, WAITS, state, words=f"a person has to finish it: {link}", link=link)
    return part("connection", "connection to GitHub", name, OK if state == "AVAILABLE" else BAD, state)


def deployments(executions: Iterable[Mapping[str, Any]], current: str = "") -> list[dict[str, Any]]:
    """The executions of a pipeline as deployments: who, what, when, how long, with what outcome; and whether it is the one that serves.

    :param current: the execution that deployed what serves.
    """
    return [_deployment(one, one["pipelineExecutionId"] == current) for one in executions]


def _deployment(one: Mapping[str, Any], is_current: bool) -> dict[str, Any]:
    """One of them; ``short``, ``by``, ``took`` and ``now`` say in few letters what stands beside them."""
    source = next(iter(one.get("sourceRevisions", [])), {})
    commit, who = source.get("revisionId", ""), one.get("trigger", {}).get("triggerDetail", "")
    seconds = round((one["lastUpdateTime"] - one["startTime"]).total_seconds())
    return {
        "id": one["pipelineExecutionId"],
        "status": one["status"],
        "commit": commit,
        "short": commit[:12],
        "summary": source.get("revisionSummary", ""),
        "who": who,
        "by": who.rpartition("/")[2],
        "trigger": one.get("trigger", {}).get("triggerType", ""),
        "started": one["startTime"].isoformat(timespec="seconds"),
        "seconds": seconds,
        "took": minutes(seconds),
        "current": is_current,
        "now": "serves" if is_current else "",
    }


def firing(alarms: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The alarms that fire, as DescribeAlarms gives them."""
    return [{"name": one["AlarmName"], "reason": one.get("StateReason", "")} for one in alarms if one["StateValue"] == "ALARM"]


def verdict(parts: list[Part], alarms: list[Mapping[str, Any]], differences: list[Mapping[str, Any]]) -> str:
    """``as declared``, ``differs``, ``unhealthy`` or ``absent``: the worst that is true."""
    if all(one["condition"] == ABSENT for one in parts if one["part"] != "connection"):
        return "absent"
    if alarms or any(one["condition"] == BAD for one in parts):
        return "unhealthy"
    return "differs" if differences else "as declared"
