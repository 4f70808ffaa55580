"""A database's properties, and what RDS is told to bring them about."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import declared, rds
from hypothesis import given
from hypothesis import strategies as st

TAGS = {declared.SERVICE_TAG: "orbit", declared.ENVIRONMENT_TAG: "staging"}
words = st.text("abcdefgh", min_size=1, max_size=5)
options = st.fixed_dictionaries(
    {
        "name": st.just("orbit"),
        "backup_days": st.integers(1, 35),
        "backup_window": words,
        "ca_certificate": words,
        "database": st.just("orbit_db"),
        "deletion_protection": st.booleans(),
        "engine_version": st.sampled_from(["8.4", "8.4.6"]),
        "instance_class": words,
        "log_exports": st.lists(st.sampled_from(["error", "general", "slowquery"]), unique=True),
        "maintenance_window": words,
        "max_storage": st.integers(0, 200),
        "multi_az": st.booleans(),
        "performance_insights": st.booleans(),
        "security_groups": st.lists(words, min_size=1, unique=True),
        "storage": st.integers(20, 100),
        "tags": st.just(TAGS),
        "username": st.just("app"),
    }
)


def described(told: dict, before: dict) -> dict:
    """What RDS says of an instance after it was told this: botocore's model of CreateDBInstance, ModifyDBInstance and DBInstance."""
    renamed = {
        "DBParameterGroupName": lambda name: {"DBParameterGroups": [{"DBParameterGroupName": name}]},
        "DBSubnetGroupName": lambda name: {"DBSubnetGroup": {"DBSubnetGroupName": name}},
        "EnablePerformanceInsights": lambda on: {"PerformanceInsightsEnabled": on},
        "EngineVersion": lambda version: {"EngineVersion": "8.4.6"},
        "EnableCloudwatchLogsExports": lambda logs: {"EnabledCloudwatchLogsExports": logs},
        "VpcSecurityGroupIds": lambda groups: {"VpcSecurityGroups": [{"VpcSecurityGroupId": group} for group in reversed(groups)]},
    }
    logs = told.pop("CloudwatchLogsExportConfiguration", None)
    after = dict(before)
    for name, value in told.items():
        after |= renamed[name](value) if name in renamed else {name: value}
    if logs:
        kept = set(after["EnabledCloudwatchLogsExports"]) - set(logs["DisableLogTypes"])
        after["EnabledCloudwatchLogsExports"] = sorted(kept | set(logs["EnableLogTypes"]))
    if after.get("MaxAllocatedStorage") == after["AllocatedStorage"]:
        after["MaxAllocatedStorage"] = None
    return after


def created(wanted: dict) -> dict:
    listed = [{"Key": key, "Value": value} for key, value in wanted["tags"].items()]
    return described(rds.creation(wanted), {"DBInstanceStatus": "creating", "TagList": listed})


@given(options)
def test_nothing_is_left_to_do_for_what_was_just_made(params):
    wanted = rds.declaration(params)
    assert declared.plan(wanted, rds.properties(created(wanted), wanted)) is None


@given(options, options)
def test_nothing_is_left_to_do_for_what_was_just_changed(before, after):
    wanted = rds.declaration(after)
    instance = created(rds.declaration(before))
    step = declared.plan(wanted, rds.properties(instance, wanted))
    if step:
        told = rds.modification(step.changes, {**step.before, "storage": instance["AllocatedStorage"]})
        instance = described(told, instance)
    assert declared.plan(wanted, rds.properties(instance, wanted)) is None


@given(options, options)
def test_a_change_that_is_pending_counts_as_made(before, after):
    wanted = rds.declaration(after)
    waiting = ("instance_class", "multi_az", "storage", "ca_certificate")
    others = sorted({"error", "general", "slowquery"} - {*wanted["log_exports"]})
    pending = {
        **{rds.NAMES[name]: wanted[name] for name in waiting},
        "PendingCloudwatchLogsExports": {"LogTypesToEnable": wanted["log_exports"], "LogTypesToDisable": others},
    }
    found = rds.properties({**created(rds.declaration(before)), "PendingModifiedValues": pending}, wanted)
    assert not {*waiting, "log_exports"} & set(declared.Step("update", found, wanted).changes)


@pytest.mark.parametrize(
    ("wanted", "found", "holds"),
    [
        ("8.4", "8.4.7", True),
        ("8.4.6", "8.4.7", True),
        ("8.4.7", "8.4.10", True),
        ("8.4.7", "8.4.6", False),
        ("8.4", "8.0.43", False),
        ("8.4", "9.0.1", False),
        ("8.4", "", False),
    ],
)
def test_a_later_patch_of_the_version_will_do(wanted, found, holds):
    assert rds.is_version(wanted, found) is holds


@given(options)
def test_a_restoration_is_told_nothing_that_the_snapshot_has(params):
    told = rds.restoration(rds.declaration(params))
    assert not {"DBName", "MasterUsername", "StorageEncrypted", "EngineVersion", "MaxAllocatedStorage"} & set(told)
    assert {"DBSubnetGroupName", "VpcSecurityGroupIds", "DeletionProtection", "DBParameterGroupName"} <= set(told)


def snapshot(name: str, service: str = "orbit", status: str = "available") -> dict:
    listed = [{"Key": declared.SERVICE_TAG, "Value": service}]
    return {"DBSnapshotIdentifier": name, "Status": status, "TagList": listed}


def test_the_newest_final_snapshot_is_the_last_of_ours():
    day = datetime.datetime(2026, 11, 24, 8, 30, tzinfo=datetime.UTC)
    older, newer = (rds.final_snapshot("orbit", when) for when in (day, day + datetime.timedelta(days=1)))
    others = [snapshot("orbit-final-30000101000000", "ledger"), snapshot("orbit-final-30000101000000", status="failed"), snapshot("zeta")]
    found = rds.newest_final_snapshot("orbit", [snapshot(older), snapshot(newer, status="creating"), *others], TAGS)
    assert (newer, found["DBSnapshotIdentifier"]) == ("orbit-final-20261125083000", newer)
    assert rds.newest_final_snapshot("orbit", others, TAGS) is None
