"""The database: brought to what is declared, whatever was there before, and never twice."""

from __future__ import annotations

import json

import pytest

from tests.aws.conftest import tags
from tests.aws.data import PASSWORD, Ground

NAME = "orbit-staging"
ALL = [f"database's subnet group {NAME}", f"database's parameter group {NAME}", f"database {NAME}"]
GONE = {"state": "absent", "wait": True, "force": True}


@pytest.fixture
def ground(aws):
    return Ground(aws)


@pytest.fixture
def declared(ground):
    return {
        "name": NAME,
        "subnets": ground.subnets,
        "security_groups": [ground.group],
        "parameters": {"require_secure_transport": 1, "transaction_isolation": "READ-COMMITTED"},
        "database": "orbit_db",
        "secret": "orbit/staging/database",
        "max_storage": 100,
        "tags": tags(),
    }


@pytest.fixture
def rds(aws):
    return aws.client("rds")


def described(rds) -> dict:
    return rds.describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]


def test_it_is_made_kept_and_removed_with_a_final_snapshot(aws, rds, declared):
    made = aws.bring("rds_database", **declared)
    assert made.steps == [f"create {name}" for name in ALL]
    assert PASSWORD not in json.dumps(made.result)
    found = described(rds)
    assert made["arn"] == found["DBInstanceArn"]
    assert (found["EngineVersion"], found["PubliclyAccessible"], found["StorageEncrypted"]) == ("8.4.7", False, True)
    assert (found["DBParameterGroups"][0]["DBParameterGroupName"], found["MaxAllocatedStorage"]) == (NAME, 100)
    given = rds.describe_db_parameters(DBParameterGroupName=NAME, Source="user")["Parameters"]
    assert {one["ParameterName"]: one["ParameterValue"] for one in given}["require_secure_transport"] == "1"

    assert "protected from deletion" in aws.refused("rds_database", **{**declared, "state": "absent"})
    removed = aws.bring("rds_database", **declared, **GONE)
    assert removed.steps == [f"delete {name}" for name in reversed(ALL)]
    (snapshot,) = rds.describe_db_snapshots()["DBSnapshots"]
    assert snapshot["DBSnapshotIdentifier"].startswith(f"{NAME}-final-2")


def test_it_passes_through_its_states_without_being_waited_for(patient, rds, declared):
    patient.bring("rds_database", **declared)
    assert described(rds)["DBInstanceStatus"] == "creating"
    waited = patient.run("rds_database", **declared, wait=True)
    assert (waited.changed, described(rds)["DBInstanceStatus"]) == (False, "available")


def test_what_was_changed_by_hand_is_mended(aws, rds, ground, declared):
    aws.bring("rds_database", **declared)
    described(rds)
    rds.create_db_parameter_group(DBParameterGroupName="others", DBParameterGroupFamily="mysql8.4", Description="others")
    by_hand = {
        "backup_days": {"BackupRetentionPeriod": 1},
        "backup_window": {"PreferredBackupWindow": "01:00-01:30"},
        "ca_certificate": {"CACertificateIdentifier": "rds-ca-ecc384-g1"},
        "copy_tags_to_snapshot": {"CopyTagsToSnapshot": False},
        "deletion_protection": {"DeletionProtection": False},
        "instance_class": {"DBInstanceClass": "db.t4g.small"},
        "log_exports": {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["general"], "DisableLogTypes": ["error"]}},
        "maintenance_window": {"PreferredMaintenanceWindow": "mon:03:00-mon:03:30"},
        "max_storage": {"MaxAllocatedStorage": 50},
        "minor_version_upgrades": {"AutoMinorVersionUpgrade": False},
        "multi_az": {"MultiAZ": True},
        "parameter_group": {"DBParameterGroupName": "others"},
        "performance_insights": {"EnablePerformanceInsights": True},
        "public": {"PubliclyAccessible": True},
        "security_groups": {"VpcSecurityGroupIds": [ground.security_group("others")]},
        "storage_type": {"StorageType": "gp2"},
    }
    change = {name: value for told in by_hand.values() for name, value in told.items()}
    rds.modify_db_instance(DBInstanceIdentifier=NAME, ApplyImmediately=True, **change)
    described(rds)
    assert aws.bring("rds_database", **declared).steps == [f"update database {NAME} ({', '.join(by_hand)})"]


def test_the_groups_are_mended_too(aws, rds, ground, declared):
    aws.bring("rds_database", **declared)
    rds.modify_db_subnet_group(DBSubnetGroupName=NAME, SubnetIds=[*ground.subnets, ground.subnet("c")])
    lax = [{"ParameterName": "require_secure_transport", "ParameterValue": "0", "ApplyMethod": "immediate"}]
    rds.modify_db_parameter_group(DBParameterGroupName=NAME, Parameters=lax)
    for kind in ("subgrp", "pg", "db"):
        arn = f"arn:aws:rds:us-west-2:123456789012:{kind}:{NAME}"
        rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["little-service:environment"])
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "cost-center", "Value": "42"}])
    properties = ("subnets, tags", "parameters, tags", "tags")
    assert aws.bring("rds_database", **declared).steps == [f"update {name} ({what})" for name, what in zip(ALL, properties, strict=True)]
    assert {"Key": "cost-center", "Value": "42"} in described(rds)["TagList"]


def test_what_aws_itself_has_raised_is_left_alone(aws, rds, declared):
    aws.bring("rds_database", **{**declared, "engine_version": "8.4.5"})
    described(rds)
    rds.modify_db_instance(DBInstanceIdentifier=NAME, EngineVersion="8.4.7", AllocatedStorage=60, ApplyImmediately=True)
    described(rds)
    aws.settled("rds_database", **declared)
    assert described(rds)["AllocatedStorage"] == 60


def test_a_change_that_waits_for_its_window_is_made_once_and_told(aws, rds, declared):
    aws.bring("rds_database", **declared)
    described(rds)
    larger = {**declared, "instance_class": "db.t4g.small", "apply_immediately": False}
    assert aws.bring("rds_database", **larger)["pending"] == []
    assert described(rds)["DBInstanceClass"] == "db.t4g.micro"
    assert aws.settled("rds_database", **larger)["pending"] == ["DBInstanceClass"]


def test_a_change_that_is_due_while_it_is_busy_waits_for_that(patient, rds, declared):
    patient.run("rds_database", **declared)
    larger = {**declared, "instance_class": "db.t4g.small", "multi_az": True}
    assert patient.run("rds_database", **larger).steps == [f"update database {NAME} (instance_class, multi_az)"]
    assert described(rds)["DBInstanceStatus"] == "modifying"
    patient.settled("rds_database", **larger)
    patient.run("rds_database", **larger, wait=True)
    assert (described(rds)["DBInstanceClass"], described(rds)["MultiAZ"]) == ("db.t4g.small", True)


def test_one_that_was_stopped_is_started_and_then_changed(aws, rds, declared):
    aws.bring("rds_database", **declared)
    described(rds)
    rds.stop_db_instance(DBInstanceIdentifier=NAME)
    steps = aws.bring("rds_database", **{**declared, "backup_days": 9}).steps
    assert steps == [f"update database {NAME} (backup_days, running)"]
    assert (described(rds)["DBInstanceStatus"], described(rds)["BackupRetentionPeriod"]) == ("available", 9)


def test_a_parameter_that_waits_for_a_restart_is_told(aws, rds, declared):
    aws.bring("rds_database", **declared)
    described(rds)
    stricter = {**declared, "parameters": {**declared["parameters"], "tls_version": "TLSv1.3"}}
    aws.bring("rds_database", **stricter)
    assert aws.settled("rds_database", **stricter)["restart_pending"] is True
    rds.reboot_db_instance(DBInstanceIdentifier=NAME)
    described(rds)
    assert aws.settled("rds_database", **stricter)["restart_pending"] is False


def test_it_comes_back_from_its_newest_final_snapshot_with_the_secrets_password(aws, rds, declared):
    aws.bring("rds_database", **declared, restore_snapshot="newest")
    aws.bring("rds_database", **declared, **GONE)
    (snapshot,) = rds.describe_db_snapshots()["DBSnapshots"]
    since = aws.mark()
    restored = aws.bring("rds_database", **declared, restore_snapshot="newest")
    assert restored["restored_from"] == snapshot["DBSnapshotIdentifier"]
    assert "rds:RestoreDBInstanceFromDBSnapshot" in aws.writes(since)
    found = described(rds)
    assert (found["MaxAllocatedStorage"], found["PreferredMaintenanceWindow"]) == (100, "sun:11:00-sun:11:30")
    assert {tag["Key"] for tag in found["TagList"]} == set(tags())


def test_another_services_snapshot_is_not_taken(aws, rds, declared):
    aws.bring("rds_database", **{**declared, "tags": tags("ledger")})
    aws.bring("rds_database", **{**declared, "tags": tags("ledger")}, **GONE)
    assert aws.bring("rds_database", **declared, restore_snapshot="newest")["restored_from"] == ""
    assert "no snapshot nowhere" in aws.refused("rds_database", **{**declared, "name": "other"}, restore_snapshot="nowhere")


def test_a_restoration_that_was_cut_short_is_finished_by_the_next_run(aws, rds, declared):
    aws.bring("rds_database", **declared)
    aws.bring("rds_database", **declared, **GONE)
    aws.faults({"kind": "error", "service": "rds", "operation": "ModifyDBInstance"})
    aws.refused("rds_database", **declared, restore_snapshot="newest")
    aws.faults()
    finished = aws.bring("rds_database", **declared, restore_snapshot="newest")
    assert finished.steps == [f"update database {NAME} (maintenance_window, max_storage, password)"]


def test_one_that_is_being_removed_is_waited_for_and_made_again(patient, rds, declared):
    patient.run("rds_database", **declared, wait=True)
    patient.run("rds_database", **{**declared, **GONE, "wait": False})
    left = patient.settled("rds_database", **{**declared, **GONE, "wait": False})
    assert left["gone"] is False
    again = patient.run("rds_database", **declared)
    assert (again.steps, described(rds)["DBInstanceStatus"]) == ([f"create database {NAME}"], "creating")


def test_what_is_another_services_is_refused_and_stays(aws, rds, declared):
    aws.bring("rds_database", **{**declared, "tags": tags("ledger")})
    assert "is 'ledger' and not 'orbit'" in aws.refused("rds_database", **declared)
    aws.settled("rds_database", **{**declared, "state": "absent"})
    assert described(rds)["DBInstanceIdentifier"] == NAME


def test_what_cannot_be_changed_is_told(aws, declared):
    aws.bring("rds_database", **declared)
    assert "AWS does not change database from 'orbit_db' to 'other'" in aws.refused("rds_database", **{**declared, "database": "other"})
    assert "from 'mysql8.4' to 'mysql9.0'" in aws.refused("rds_database", **{**declared, "engine_version": "9.0"})


@pytest.mark.parametrize("kind", ["lost", "drop", "throttle"])
def test_lost_answers_and_throttling_end_in_the_same(aws, declared, kind):
    writes = ("Create*", "ModifyDBP*", "ModifyDBI*", "Add*", "DeleteDB*")
    aws.faults(*({"kind": kind, "service": "rds", "operation": name, "times": 1} for name in writes))
    aws.run("rds_database", **declared)
    aws.settled("rds_database", **declared)
    aws.run("rds_database", **declared, wait=True)
    aws.run("rds_database", **{**declared, "backup_days": 9})
    aws.run("rds_database", **declared, **GONE)
    aws.settled("rds_database", **declared, **GONE)


def test_a_missing_secret_is_told(aws, declared):
    assert "There is no secret orbit/other" in aws.refused("rds_database", **{**declared, "secret": "orbit/other"})
