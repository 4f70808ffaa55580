"""What AWS's answers say of a service's parts."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import status

WELL = {"Status": "Ready", "HealthStatus": "Ok", "VersionLabel": "v1", "CNAME": "orbit.example"}


def told(error):
    """Events, newest first."""
    return [{"Message": error, "Severity": "ERROR"}] if error else []


@pytest.mark.parametrize(
    ("found", "error", "condition"),
    [
        (WELL, "", "ok"),
        ({**WELL, "HealthStatus": "Info"}, "", "ok"),
        ({**WELL, "HealthStatus": "Warning"}, "", "bad"),
        ({**WELL, "HealthStatus": "Severe"}, "", "bad"),
        ({**WELL, "HealthStatus": "Pending"}, "", "changing"),
        ({**WELL, "Status": "Updating"}, "", "changing"),
        # A deployment that failed leaves the environment Ready, with the old version serving.
        (WELL, "Failed to deploy application.", "bad"),
        ({**WELL, "Status": "Terminating"}, "Failed to launch environment.", "bad"),
        ({**WELL, "Status": "Terminated"}, "", "absent"),
        (None, "", "absent"),
    ],
)
def test_the_condition_of_an_environment(found, error, condition):
    assert status.environment("web", "orbit", found, told(error))["condition"] == condition


def test_the_causes_of_an_environments_health_are_told():
    part = status.environment("web", "orbit", {**WELL, "HealthStatus": "Severe"}, told("Command failed"), ["ELB health is failing."])
    assert part["words"] == "ELB health is failing.; Command failed"


DATABASE = {"Engine": "mysql", "EngineVersion": "8.4.3", "DBInstanceClass": "db.t4g.micro"}


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        ("available", "ok"),
        ("backing-up", "ok"),
        ("modifying", "changing"),
        ("creating", "changing"),
        ("stopped", "bad"),
        ("storage-full", "bad"),
    ],
)
def test_the_condition_of_a_database(state, condition):
    assert status.database("orbit", {**DATABASE, "DBInstanceStatus": state})["condition"] == condition


def test_a_change_that_waits_for_its_window_is_told_and_no_failure():
    part = status.database(
        "orbit", {**DATABASE, "DBInstanceStatus": "available", "PendingModifiedValues": {"DBInstanceClass": "db.m7g.large"}}
    )
    assert (part["condition"], part["words"]) == ("ok", "waits for its maintenance window: DBInstanceClass")


@pytest.mark.parametrize(("state", "condition"), [("available", "ok"), ("creating", "changing"), ("create-failed", "bad")])
def test_the_condition_of_a_cache(state, condition):
    assert status.cache("orbit", {"Status": state})["condition"] == condition


def stages(**execution):
    return [{"stageName": "Build", "actionStates": [{"actionName": "build", "latestExecution": execution}]}]


@pytest.mark.parametrize(
    ("execution", "newest", "condition", "words"),
    [
        ({"status": "Succeeded"}, "Succeeded", "ok", ""),
        ({"status": "InProgress"}, "InProgress", "changing", ""),
        ({"status": "Failed", "errorDetails": {"message": "3 tests failed"}}, "Failed", "bad", "Build: build: 3 tests failed"),
        ({"status": "InProgress", "token": "t"}, "InProgress", "waits", "Build waits for approval"),
        # What failed before and has gone well since is no news.
        ({"status": "Failed"}, "Succeeded", "ok", ""),
    ],
)
def test_the_condition_of_a_pipeline(execution, newest, condition, words):
    part = status.pipeline("orbit", stages(**execution), [{"status": newest}])
    assert (part["condition"], part["words"]) == (condition, words)


def test_a_pending_connection_waits_for_a_person_and_says_where():
    part = status.connection("github", {"ConnectionStatus": "PENDING"}, "https://console.example")
    assert (part["condition"], part["words"]) == ("waits", "a person has to finish it: https://console.example")


OK, BAD, GONE = ({"part": "web", "condition": condition} for condition in ("ok", "bad", "absent"))


@pytest.mark.parametrize(
    ("parts", "alarms", "differences", "verdict"),
    [
        ([OK], [], [], "as declared"),
        ([OK], [], [{"verb": "update"}], "differs"),
        ([OK, BAD], [], [{"verb": "update"}], "unhealthy"),
        ([OK], [{"name": "cpu"}], [], "unhealthy"),
        ([GONE, GONE], [], [{"verb": "create"}], "absent"),
        ([GONE, {"part": "connection", "condition": "ok"}], [], [{"verb": "create"}], "absent"),
        ([OK, GONE], [], [{"verb": "create"}], "differs"),
    ],
)
def test_the_verdict_is_the_worst_that_is_true(parts, alarms, differences, verdict):
    assert status.verdict(parts, alarms, differences) == verdict


def test_a_deployment_says_who_what_when_how_long_and_how_it_ended():
    start = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
    execution = {
        "pipelineExecutionId": "e1",
        "status": "Succeeded",
        "startTime": start,
        "lastUpdateTime": start + datetime.timedelta(seconds=312),
        "sourceRevisions": [{"actionName": "source", "revisionId": "abc", "revisionSummary": "Words"}],
        "trigger": {"triggerType": "StartPipelineExecution", "triggerDetail": "arn:aws:iam::1:user/ada"},
    }
    (told,) = status.deployments([execution], "e1")
    assert told == {
        "id": "e1",
        "status": "Succeeded",
        "commit": "abc",
        "short": "abc",
        "summary": "Words",
        "who": "arn:aws:iam::1:user/ada",
        "by": "ada",
        "trigger": "StartPipelineExecution",
        "started": "2026-11-24T12:00:00+00:00",
        "seconds": 312,
        "took": "5 min 12 s",
        "current": True,
        "now": "serves",
    }
    assert status.deployments([execution])[0]["current"] is False


def test_a_pipeline_that_a_rollback_closed_waits_for_somebody():
    closed = {"enabled": False, "disabledReason": "Rolled back by rollback.yml to v1"}
    part = status.pipeline("orbit", [{"stageName": "Deploy", "inboundTransitionState": closed}], [{"status": "Succeeded"}])
    assert (part["condition"], part["words"]) == ("waits", "Deploy is closed: Rolled back by rollback.yml to v1")
