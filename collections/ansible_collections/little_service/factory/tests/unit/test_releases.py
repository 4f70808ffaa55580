"""Which execution brings a commit out, how far one is, and what stands in its way."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import releases

MINE, OTHER = "a" * 40, "b" * 40
NOW = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)


def execution(identifier: str, status: str, commit: str = "") -> dict:
    known = [{"actionName": "Source", "revisionId": commit}] if commit else []
    return {"pipelineExecutionId": identifier, "status": status, "sourceRevisions": known}


def action(name: str, status: str, begun: int, ended: int, stage: str = "Deploy") -> dict:
    times = {"startTime": NOW + datetime.timedelta(seconds=begun), "lastUpdateTime": NOW + datetime.timedelta(seconds=ended)}
    return {"stageName": stage, "actionName": name, "status": status, **times}


@pytest.mark.parametrize(
    ("executions", "given", "kind", "identifier"),
    [
        ([], {}, "start", ""),
        ([execution("1", "InProgress", MINE)], {}, "follow", "1"),
        ([execution("2", "InProgress", OTHER), execution("1", "InProgress", MINE)], {}, "follow", "1"),
        ([execution("2", "InProgress", OTHER)], {}, "start", ""),
        ([execution("2", "InProgress")], {}, "look", ""),
        ([execution("1", "Succeeded", MINE)], {}, "done", "1"),
        ([execution("1", "Succeeded", MINE)], {"again": True}, "start", ""),
        ([execution("1", "Succeeded", MINE)], {"closed": True}, "start", ""),
        ([execution("1", "Failed", MINE)], {}, "start", ""),
        ([execution("2", "Succeeded", OTHER), execution("1", "Succeeded", MINE)], {}, "start", ""),
    ],
)
def test_a_commit_is_followed_where_it_is_under_way_and_started_where_it_is_not(executions, given, kind, identifier):
    choice = releases.chosen(executions, MINE, **given)
    assert (choice.kind, choice.execution) == (kind, identifier)


def test_others_that_run_are_told_and_one_of_unknown_commit_by_its_number():
    running = [execution("3", "InProgress"), execution("2", "InProgress", OTHER), execution("1", "Succeeded", MINE)]
    assert releases.chosen(running, "").others == ("3", OTHER)


def test_a_stage_lasts_from_its_first_action_to_its_last_and_is_as_its_worst_is():
    actions = [action("Worker", "Failed", 20, 90), action("Web", "Succeeded", 20, 80), action("Source", "Succeeded", 0, 5, "Source")]
    assert releases.stages_of(actions, NOW) == [
        {"stage": "Source", "status": "Succeeded", "seconds": 5},
        {"stage": "Deploy", "status": "Failed", "seconds": 70},
    ]


def test_of_an_action_that_was_tried_again_the_last_counts():
    actions = [action("Web", "InProgress", 20, 21), action("Web", "Failed", 0, 10)]
    (stage,) = releases.stages_of(actions, NOW + datetime.timedelta(seconds=60))
    assert (stage["status"], stage["seconds"]) == ("InProgress", 60)
    assert releases.failed(actions) == []
    assert [one["actionName"] for one in releases.failed(actions[1:])] == ["Web"]


def test_who_closed_the_way_is_known():
    closed = {"enabled": False, "disabledReason": f"{releases.CLOSED} to v1"}
    state = {"stageStates": [{"stageName": "Deploy", "inboundTransitionState": closed, "inboundExecution": {"pipelineExecutionId": "1"}}]}
    assert releases.is_closed(state)
    assert releases.waits_before(state, "1") == ("Deploy", closed, "")
    assert releases.waits_before(state, "2")[0] == ""
    assert not releases.is_closed_by_us({"enabled": False, "disabledReason": "Black Friday"})
    assert not releases.is_closed_by_us({"enabled": True})
