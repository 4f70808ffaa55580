"""RDS on the sandbox: the states on the way, what is pending, what is refused, what is left."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import refused


@pytest.fixture
def rds(cloud, network):
    client = cloud.client("rds")
    client.create_db_subnet_group(DBSubnetGroupName="orbit", DBSubnetGroupDescription="orbit", SubnetIds=network.subnets)
    return client


def instance(network, **more) -> dict:
    return {
        "DBInstanceIdentifier": "orbit",
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "mysql",
        "EngineVersion": "8.4",
        "MasterUsername": "app",
        "MasterUserPassword": "a-long-password",
        "AllocatedStorage": 20,
        "DBSubnetGroupName": "orbit",
        "VpcSecurityGroupIds": [network.group],
        "BackupRetentionPeriod": 7,
        **more,
    }


def described(rds, name: str = "orbit") -> dict:
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def state(rds) -> str:
    return described(rds)["DBInstanceStatus"]


def test_a_database_is_created_backed_up_changed_and_deleted(cloud, network, rds):
    assert rds.create_db_instance(**instance(network))["DBInstance"]["DBInstanceStatus"] == "creating"
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="orbit", WaiterConfig={"Delay": 0})
    assert rds.reboot_db_instance(DBInstanceIdentifier="orbit")["DBInstance"]["DBInstanceStatus"] == "rebooting"
    with refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required"):
        rds.delete_db_instance(DBInstanceIdentifier="orbit")
    deleted = rds.delete_db_instance(DBInstanceIdentifier="orbit", SkipFinalSnapshot=True)
    assert deleted["DBInstance"]["DBInstanceStatus"] == "deleting"
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="orbit", WaiterConfig={"Delay": 0})
    assert network.ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_databases_states_follow_the_clock(cloud, network, rds):
    cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    rds.create_db_instance(**instance(network))
    with refused("InvalidDBInstanceState", "orbit is creating"):
        rds.modify_db_instance(DBInstanceIdentifier="orbit", AllocatedStorage=30)
    cloud.control("PUT", "clock", {"profile": "real", "speed": 1000})
    seen = set()
    while "available" not in seen:
        seen.add(state(rds))
    assert {"backing-up", "available"} <= seen


def test_a_change_may_wait_for_the_maintenance_window(rds, network):
    rds.create_db_instance(**instance(network))
    change = {"DBInstanceClass": "db.t4g.small", "MultiAZ": True, "BackupRetentionPeriod": 14, "DeletionProtection": True}
    rds.modify_db_instance(DBInstanceIdentifier="orbit", ApplyImmediately=False, **change)
    found = described(rds)
    assert found["PendingModifiedValues"] == {"DBInstanceClass": "db.t4g.small", "MultiAZ": True}
    assert (found["DBInstanceClass"], found["MultiAZ"]) == ("db.t4g.micro", False)
    assert (found["BackupRetentionPeriod"], found["DeletionProtection"]) == (14, True)
    rds.modify_db_instance(DBInstanceIdentifier="orbit", ApplyImmediately=True, MonitoringInterval=0)
    found = described(rds)
    assert (found["PendingModifiedValues"], found["DBInstanceClass"], found["MultiAZ"]) == ({}, "db.t4g.small", True)


def test_an_immediate_change_is_pending_before_it_shows_in_the_state(cloud, rds, network):
    rds.create_db_instance(**instance(network))
    state(rds)
    cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    rds.modify_db_instance(
        DBInstanceIdentifier="orbit", DBInstanceClass="db.t4g.small", MasterUserPassword="another-one", ApplyImmediately=True
    )
    assert (state(rds), described(rds)["PendingModifiedValues"]) == (
        "available",
        {"DBInstanceClass": "db.t4g.small", "MasterUserPassword": "****"},
    )
    cloud.control("PUT", "clock", {"profile": "real", "speed": 500})
    seen = []
    while described(rds)["PendingModifiedValues"]:
        seen.append(state(rds))
    assert "modifying" in seen
    assert described(rds)["DBInstanceClass"] == "db.t4g.small"


def test_a_change_that_is_none_or_that_is_not_possible_is_refused(rds, network):
    rds.create_db_instance(**instance(network, AllocatedStorage=100))
    for change, code, words in (
        ({}, "InvalidParameterCombination", "No modifications were requested"),
        ({"EngineVersion": "8.0.43"}, "InvalidParameterCombination", "Cannot upgrade mysql from"),
        ({"AllocatedStorage": 50}, "InvalidParameterCombination", "smaller than the current one"),
        ({"DBParameterGroupName": "default.mysql8.0"}, "InvalidParameterCombination", "Please use a Parameter Group with .* mysql8.4"),
        ({"CACertificateIdentifier": "rds-ca-2015"}, "CertificateNotFound", "rds-ca-2015"),
    ):
        with refused(code, words):
            rds.modify_db_instance(DBInstanceIdentifier="orbit", ApplyImmediately=True, **change)
    rds.modify_db_instance(DBInstanceIdentifier="orbit", AllocatedStorage=101, ApplyImmediately=True)
    assert described(rds)["AllocatedStorage"] == 110


def test_another_parameter_group_counts_after_a_reboot(rds, network):
    rds.create_db_parameter_group(DBParameterGroupName="orbit", DBParameterGroupFamily="mysql8.4", Description="orbit")
    rds.create_db_instance(**instance(network))
    rds.modify_db_instance(DBInstanceIdentifier="orbit", DBParameterGroupName="orbit", ApplyImmediately=True)
    assert described(rds)["DBParameterGroups"] == [{"DBParameterGroupName": "orbit", "ParameterApplyStatus": "pending-reboot"}]
    rds.reboot_db_instance(DBInstanceIdentifier="orbit")
    assert described(rds)["DBParameterGroups"] == [{"DBParameterGroupName": "orbit", "ParameterApplyStatus": "in-sync"}]


def test_mysql_does_not_start_with_more_memory_than_there_is(rds, network):
    def give(size: str) -> str:
        change = [{"ParameterName": "innodb_buffer_pool_size", "ParameterValue": size, "ApplyMethod": "pending-reboot"}]
        rds.modify_db_parameter_group(DBParameterGroupName="orbit", Parameters=change)
        rds.reboot_db_instance(DBInstanceIdentifier="orbit")
        return state(rds)

    rds.create_db_parameter_group(DBParameterGroupName="orbit", DBParameterGroupFamily="mysql8.4", Description="orbit")
    rds.create_db_instance(**instance(network, DBParameterGroupName="orbit"))
    assert state(rds) == "available"
    assert [give(str(64 << 30)), give("{DBInstanceClassMemory*1/2}")] == ["incompatible-parameters", "available"]


def test_only_a_subnet_that_nothing_uses_leaves_its_group(rds, network):
    rds.create_db_instance(**instance(network))
    third = network.subnet("c", 2)
    rds.modify_db_subnet_group(DBSubnetGroupName="orbit", SubnetIds=[*network.subnets, third])
    with refused("SubnetInUse", network.subnets[0]):
        rds.modify_db_subnet_group(DBSubnetGroupName="orbit", SubnetIds=[network.subnets[1], third])
    rds.modify_db_subnet_group(DBSubnetGroupName="orbit", SubnetIds=network.subnets)


def test_exported_logs_have_groups_that_stay(cloud, rds, network):
    rds.create_db_instance(**instance(network, EnableCloudwatchLogsExports=["error"]))
    assert described(rds)["EnabledCloudwatchLogsExports"] == ["error"]
    change = {"EnableLogTypes": ["slowquery"], "DisableLogTypes": ["error"]}
    rds.modify_db_instance(DBInstanceIdentifier="orbit", CloudwatchLogsExportConfiguration=change)
    assert described(rds)["EnabledCloudwatchLogsExports"] == ["slowquery"]
    rds.delete_db_instance(DBInstanceIdentifier="orbit", SkipFinalSnapshot=True)
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/rds/instance/orbit/")["logGroups"]
    assert [group["logGroupName"].rpartition("/")[2] for group in groups] == ["error", "slowquery"]


def test_an_instance_is_restored_from_a_snapshot_and_from_a_moment(rds, network):
    tags = [{"Key": "team", "Value": "blue"}]
    rds.create_db_instance(**instance(network, StorageEncrypted=True, MultiAZ=True, Tags=tags, CopyTagsToSnapshot=True))
    state(rds)
    assert rds.create_db_snapshot(DBInstanceIdentifier="orbit", DBSnapshotIdentifier="before")["DBSnapshot"]["Status"] == "creating"
    place = {"DBSubnetGroupName": "orbit", "VpcSecurityGroupIds": [network.group]}
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="orbit-2", DBSnapshotIdentifier="before", **place)
    moment = {"SourceDBInstanceIdentifier": "orbit", "TargetDBInstanceIdentifier": "orbit-3", "UseLatestRestorableTime": True}
    rds.restore_db_instance_to_point_in_time(**moment, **place)
    for name in ("orbit-2", "orbit-3"):
        found = described(rds, name)
        assert (found["DBInstanceStatus"], found["StorageEncrypted"], found["MultiAZ"]) == ("available", True, False)
        assert (found["BackupRetentionPeriod"], found["DBParameterGroups"][0]["DBParameterGroupName"]) == (7, "default.mysql8.4")
    assert described(rds, "orbit-2")["TagList"] == tags
    told = rds.describe_events(SourceIdentifier="orbit-2", SourceType="db-instance")["Events"]
    assert told[0]["Message"] == "Restored from snapshot before"


def test_a_new_instance_must_make_sense(rds, network):
    for change, code, words in (
        ({"DBInstanceIdentifier": "orbit--1"}, "InvalidParameterValue", "two consecutive hyphens"),
        ({"MasterUserPassword": "a/b@c d e f"}, "InvalidParameterValue", "Only printable ASCII characters besides"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue", "shorter than 8 characters"),
        ({"DBInstanceClass": "db.t9.micro"}, "InvalidParameterValue", "Invalid DB Instance class: db.t9.micro"),
        ({"AllocatedStorage": 5}, "InvalidParameterValue", "Invalid storage size for engine name mysql and storage type gp3: 5"),
        ({"MaxAllocatedStorage": 20}, "InvalidParameterCombination", "Max storage size must be greater than storage size"),
        ({"EnableCloudwatchLogsExports": ["slow"]}, "InvalidParameterCombination", "You cannot use the log types 'slow'"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue", "between 0 and 35"),
        (
            {"PreferredBackupWindow": "05:30-06:30", "PreferredMaintenanceWindow": "sun:05:00-sun:06:00"},
            "InvalidParameterValue",
            "must not overlap",
        ),
        ({"DBSubnetGroupName": "nova"}, "DBSubnetGroupNotFoundFault", "nova"),
    ):
        with refused(code, words):
            rds.create_db_instance(**instance(network, **change))
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs", "Current AZ coverage: us-west-2a"):
        rds.create_db_subnet_group(DBSubnetGroupName="one", DBSubnetGroupDescription="one", SubnetIds=network.subnets[:1])
    assert rds.describe_db_instances()["DBInstances"] == []


def test_a_protected_database_stays_and_a_final_snapshot_is_made(cloud, network, rds):
    rds.create_db_instance(**instance(network, DeletionProtection=True))
    with refused("InvalidParameterCombination", "disable deletion protection"):
        rds.delete_db_instance(DBInstanceIdentifier="orbit", SkipFinalSnapshot=True)
    rds.modify_db_instance(DBInstanceIdentifier="orbit", DeletionProtection=False, ApplyImmediately=True)
    rds.delete_db_instance(DBInstanceIdentifier="orbit", FinalDBSnapshotIdentifier="orbit-last")
    assert [s["DBSnapshotIdentifier"] for s in rds.describe_db_snapshots()["DBSnapshots"]] == ["orbit-last"]


def test_engine_versions_are_listed_and_a_wrong_one_is_refused(network, rds):
    found = rds.describe_db_engine_versions(Engine="mysql", EngineVersion="8.4")["DBEngineVersions"]
    assert {version["DBParameterGroupFamily"] for version in found} == {"mysql8.4"}
    with refused("InvalidParameterCombination", "Cannot find version 5.5 for mysql"):
        rds.create_db_instance(**instance(network, EngineVersion="5.5"))
    pages = rds.get_paginator("describe_orderable_db_instance_options").paginate(Engine="mysql", EngineVersion="8.4.7")
    assert {"db.t4g.micro", "db.r7g.large"} <= {one["DBInstanceClass"] for page in pages for one in page["OrderableDBInstanceOptions"]}
    assert rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"] == []


def test_a_parameter_group_knows_its_parameters(rds):
    with refused("DBParameterGroupNotFound"):
        rds.describe_db_parameter_groups(DBParameterGroupName="orbit")
    rds.create_db_parameter_group(DBParameterGroupName="orbit", DBParameterGroupFamily="mysql8.4", Description="orbit")
    for name, value, method, code in (
        ("require_tls", "1", "immediate", "InvalidParameterValue"),
        ("require_secure_transport", "2", "immediate", "InvalidParameterValue"),
        ("tls_version", "TLSv1.3", "immediate", "InvalidParameterCombination"),
    ):
        with refused(code):
            change = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}]
            rds.modify_db_parameter_group(DBParameterGroupName="orbit", Parameters=change)
    change = [{"ParameterName": "require_secure_transport", "ParameterValue": "1", "ApplyMethod": "immediate"}]
    rds.modify_db_parameter_group(DBParameterGroupName="orbit", Parameters=change)
    (changed,) = rds.describe_db_parameters(DBParameterGroupName="orbit", Source="user")["Parameters"]
    assert (changed["ParameterName"], changed["ParameterValue"]) == ("require_secure_transport", "1")
    rds.reset_db_parameter_group(DBParameterGroupName="orbit", ResetAllParameters=True)
    assert rds.describe_db_parameters(DBParameterGroupName="orbit", Source="user")["Parameters"] == []
    everything = {parameter["ParameterName"] for parameter in rds.describe_db_parameters(DBParameterGroupName="orbit")["Parameters"]}
    assert {"character_set_server", "time_zone"} <= everything
