# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Executions of a pipeline, understood: which one brings a commit out, how far one is, and where it failed. Pure.

https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

RUNNING = ("InProgress", "Stopping")
# By which a stage that rollback.yml has closed is known. A reason takes letters, digits and !@ ().*?-, 300 of them.
CLOSED = "Rolled back by rollback.yml"

Told = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is to be done to have a commit out: ``start``, ``follow`` an execution, ``look`` again, or nothing, as it is ``done``."""

    kind: str
    execution: str = ""
    others: tuple[str, ...] = ()  # commits, or executions, of others that run


def commit_of(execution: Told) -> str:
    """The commit, or the version of an object, that an execution of ListPipelineExecutions is about; empty as long as it is not known."""
    return next((one["revisionId"] for one in execution.get("sourceRevisions", []) if one.get("revisionId")), "")


def chosen(executions: Sequence[Told], commit: str, *, closed: bool = False, again: bool = False) -> Choice:
    """Which execution brings a commit out.

    :param executions: as ListPipelineExecutions tells them, newest first.
    :param commit: empty where it is not known here; then only the pipeline's source knows what a new execution takes.
    :param closed: whether a rollback closed the way, so that what succeeded before does not serve any more.
    :param again: whether what is out already is to be released once more.
    """
    running = [one for one in executions if one["status"] in RUNNING and one.get("executionType", "STANDARD") == "STANDARD"]
    others = tuple(commit_of(one) or one["pipelineExecutionId"] for one in running if commit_of(one) != commit or not commit)
    if commit:
        for one in running:
            if commit_of(one) == commit:
                return Choice("follow", one["pipelineExecutionId"])
        if any(not commit_of(one) for one in running):
            return Choice("look", others=others)
        newest = executions[0] if executions else {}
        if newest.get("status") == "Succeeded" and commit_of(newest) == commit and not closed and not again:
            return Choice("done", newest["pipelineExecutionId"])
    return Choice("start", others=others)


def stages_of(actions: Iterable[Told], now: datetime.datetime) -> list[dict[str, Any]]:
    """Each stage that an execution came to, in its order, with its state and its seconds; of an action tried again the last counts.

    :param actions: as ListActionExecutions tells them.
    """
    stages: dict[str, list[Told]] = {}
    for one in _in_order(actions):
        stages.setdefault(one["stageName"], []).append(one)
    return [
        {
            "stage": name,
            "status": _worst({one["actionName"]: one["status"] for one in run}.values()),
            "seconds": round((max(_ended(one, now) for one in run) - min(one["startTime"] for one in run)).total_seconds()),
        }
        for name, run in stages.items()
    ]


def _in_order(actions: Iterable[Told]) -> list[Told]:
    """The oldest first. They are told newest first, which counts where two began in the same moment."""
    listed = list(actions)
    listed.reverse()
    return sorted(listed, key=lambda action: action["startTime"])


def _worst(statuses: Iterable[str]) -> str:
    order = ("Failed", "Abandoned", "InProgress", "Succeeded")
    return min(statuses, key=lambda status: order.index(status) if status in order else 1)


def _ended(action: Told, now: datetime.datetime) -> datetime.datetime:
    return now if action["status"] == "InProgress" else action["lastUpdateTime"]


def failed(actions: Iterable[Told]) -> list[Told]:
    """The actions that made an execution fail, each as it was last tried."""
    last = {(one["stageName"], one["actionName"]): one for one in _in_order(actions)}
    return [one for one in last.values() if one["status"] in ("Failed", "Abandoned")]


def waits_before(state: Told, execution: str) -> tuple[str, Told, str]:
    """The stage before which an execution waits, how its way in is, and the execution that holds it; empty where it waits for none.

    :param state: as GetPipelineState tells it.
    """
    for stage in state["stageStates"]:
        inbound = [one["pipelineExecutionId"] for one in stage.get("inboundExecutions") or [stage.get("inboundExecution")] if one]
        if execution in inbound:
            return stage["stageName"], stage.get("inboundTransitionState", {"enabled": True}), _holder(stage)
    return "", {"enabled": True}, ""


def _holder(stage: Told) -> str:
    latest = stage.get("latestExecution", {})
    return latest.get("pipelineExecutionId", "") if latest.get("status") == "InProgress" else ""


def is_closed(state: Told) -> bool:
    """Whether a rollback of ours closed the way to a stage."""
    return any(_reason(stage.get("inboundTransitionState", {})).startswith(CLOSED) for stage in state["stageStates"])


def _reason(transition: Told) -> str:
    return "" if transition.get("enabled", True) else transition.get("disabledReason", "")


def rolled_back_to(state: Told) -> str:
    """The version to which a rollback of ours went when it closed the way; empty where none did."""
    reasons = [_reason(stage.get("inboundTransitionState", {})) for stage in state["stageStates"]]
    return next((reason.removeprefix(f"{CLOSED} to ") for reason in reasons if reason.startswith(CLOSED)), "")


def is_closed_by_us(transition: Told) -> bool:
    """Whether this way in was closed by a rollback of ours, and not by a person."""
    return _reason(transition).startswith(CLOSED)


def awaits_approval(state: Told, execution: str) -> str:
    """The stage in which an execution waits until somebody approves."""
    return next(
        (
            stage["stageName"]
            for stage in state["stageStates"]
            if stage.get("latestExecution", {}).get("pipelineExecutionId") == execution
            and any(action.get("latestExecution", {}).get("token") for action in stage.get("actionStates", []))
        ),
        "",
    )


def in_words(stages: Iterable[Told]) -> str:
    """``Source 5 s, Build 2 min 30 s``"""
    return ", ".join(f"{one['stage']} {minutes(one['seconds'])}" for one in stages)


def minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
