"""Which version a service goes back to, and when its database does not let it."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import rollbacks
from ansible_collections.little_service.factory.plugins.module_utils.declared import DeclarationError

NOW = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)
COMMITS = {"1": "a" * 40, "2": "b" * 40, "3": "c" * 40}


def at(minute: int) -> datetime.datetime:
    return NOW + datetime.timedelta(minutes=minute)


def version(label: str, minute: int) -> dict:
    return {"VersionLabel": label, "DateCreated": at(minute)}


def deployed(execution: str, name: str, status: str, begun: int, ended: int) -> dict:
    return {
        "pipelineExecutionId": execution,
        "actionName": name,
        "status": status,
        "startTime": at(begun),
        "lastUpdateTime": at(ended),
    }


VERSIONS = [
    version("placeholder-1", 0),
    version("code-pipeline-11", 11),
    version("code-pipeline-12", 12),
    version("code-pipeline-21", 21),
    version("code-pipeline-31", 31),
    version("by-hand", 33),
]
ACTIONS = [
    deployed("1", "Web", "Succeeded", 10, 19),
    deployed("1", "Worker", "Succeeded", 10, 19),
    deployed("2", "Web", "Succeeded", 20, 29),
    deployed("2", "Worker", "Failed", 20, 29),
    deployed("3", "Web", "Succeeded", 30, 39),
]
RELEASES = rollbacks.releases_of(VERSIONS, ACTIONS, COMMITS)


def test_a_release_was_well_where_each_of_its_deployments_succeeded():
    assert [(one.execution, one.labels) for one in RELEASES] == [
        ("3", ("code-pipeline-31",)),
        ("1", ("code-pipeline-11", "code-pipeline-12")),
    ]


def test_a_deployment_that_was_tried_again_is_as_it_ended():
    again = [*ACTIONS, deployed("2", "Worker", "Succeeded", 40, 45)]
    assert [one.execution for one in rollbacks.releases_of(VERSIONS, again, COMMITS)] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("serving", "created", "wanted", "execution"),
    [
        ("code-pipeline-31", at(31), "", "1"),
        ("code-pipeline-21", at(21), "", "1"),  # on the way from one version to the next
        ("by-hand", at(33), "", "3"),
        ("gone", None, "", "3"),
        ("code-pipeline-11", at(11), "code-pipeline-31", "3"),
        ("code-pipeline-31", at(31), "A" * 8, "1"),
        ("code-pipeline-31", at(31), "code-pipeline-12", "1"),
    ],
)
def test_it_goes_to_the_newest_that_is_older_or_to_the_one_that_is_named(serving, created, wanted, execution):
    assert rollbacks.target(RELEASES, serving, created, wanted).execution == execution


def test_what_a_rollback_left_is_passed_over_unless_it_is_named():
    newer = [rollbacks.Release("4", "d" * 40, ("code-pipeline-41",), at(41)), *RELEASES]

    def left(release):
        return release.execution == "3"

    assert rollbacks.target(newer, "code-pipeline-41", at(41), "", left).execution == "1"
    assert rollbacks.target(newer, "code-pipeline-41", at(41), "code-pipeline-31", left).execution == "3"


@pytest.mark.parametrize(
    ("serving", "wanted", "said"),
    [("code-pipeline-12", "", "There is nothing to go back to"), ("code-pipeline-31", "code-pipeline-21", "was ever deployed well")],
)
def test_where_there_is_none_those_that_were_well_are_told(serving, wanted, said):
    with pytest.raises(DeclarationError, match=said) as caught:
        rollbacks.target(RELEASES, serving, at(12), wanted)
    assert "code-pipeline-31 (commit cccccccccccc, 2026-11-24 18:31 UTC)" in str(caught.value)


def test_a_plan_of_migrations_is_read():
    plan = "[X]  contenttypes.0001_initial\n[ ]  accounts.0002_email  ... (accounts.0001_initial)\n(nothing else)\n"
    assert rollbacks.migrations(plan) == {"contenttypes.0001_initial", "accounts.0002_email"}
    assert rollbacks.migrations(None) is None


@pytest.mark.parametrize(
    ("serving", "older", "safe", "said"),
    [
        ({"a.1"}, {"a.1"}, (), ""),
        ({"a.1"}, {"a.1", "a.2"}, (), ""),
        ({"a.1", "a.2"}, {"a.1"}, ("a.2",), ""),
        ({"a.1", "a.2", "b.1"}, {"a.1"}, ("a.2",), "can do with them: b.1"),
        ({"a.1"}, None, (), "no migrations.txt"),
        (None, {"a.1"}, ("a.1",), "no migrations.txt"),
    ],
)
def test_the_older_version_has_to_do_with_the_tables_as_they_are(serving, older, safe, said):
    frozen = (None if one is None else frozenset(one) for one in (serving, older))
    reason = rollbacks.in_the_way(*frozen, safe)
    assert said in reason if said else reason == ""
