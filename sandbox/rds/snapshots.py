"""Snapshots, and instances made from them or from a moment of another one."""

from __future__ import annotations

from sandbox.core import tags
from sandbox.core.gateway import Call, operation
from sandbox.core.wire import AwsError
from sandbox.rds import instances
from sandbox.rds.models import Databases, Thing, check_name, engines

SECONDS = 120
# What an instance that is restored keeps of its source; the rest is given, or as for a new one:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html
BOTH = ("Engine", "EngineVersion", "MasterUsername", "AllocatedStorage", "StorageType", "Iops", "StorageThroughput", "KmsKeyId")
KEPT = (*BOTH, "DBInstanceClass", "BackupRetentionPeriod", "StorageEncrypted")
SAME = (*BOTH, "LicenseModel", "AvailabilityZone", "DbiResourceId", "PreferredBackupWindow", "InstanceCreateTime")


def take(state: Databases, instance: Thing, name: str, tagged: dict[str, str]) -> Thing:
    """Take a manual snapshot, which is there when its time is over."""
    name = check_name("DBSnapshotIdentifier", name, 255)
    if name in state.snapshots:
        raise AwsError(
            "DBSnapshotAlreadyExists", f"Cannot create the snapshot because a snapshot with the identifier {name} already exists."
        )
    made = {
        "DBSnapshotIdentifier": name,
        "DBInstanceIdentifier": instance["DBInstanceIdentifier"],
        "DBSnapshotArn": state.arn("rds", f"snapshot:{name}"),
        "SnapshotType": "manual",
        "Status": "creating",
        "PercentProgress": 0,
        "Port": instance.get("Endpoint", {}).get("Port", engines()[instance["Engine"]]["port"]),
        "VpcId": instance.get("DBSubnetGroup", {}).get("VpcId", ""),
        "Encrypted": instance["StorageEncrypted"],
        "SnapshotTarget": "region",
        "OptionGroupName": instance["OptionGroupMemberships"][0]["OptionGroupName"],
        "IAMDatabaseAuthenticationEnabled": instance["IAMDatabaseAuthenticationEnabled"],
        **{key: instance[key] for key in SAME if key in instance},
    }
    state.snapshots[name] = made
    own = state.tags.get(instance["DBInstanceArn"], {}) if instance["CopyTagsToSnapshot"] else {}
    state.tags[made["DBSnapshotArn"]] = {**own, **tagged}
    state.sources[name] = dict(instance)
    state.clock.play(taken(state, instance, made))
    return made


def taken(state: Databases, instance: Thing, made: Thing) -> instances.Story:
    if database := instances.real(state, instance):
        yield from database.snapshot(state, instance, made["DBSnapshotIdentifier"])
    yield SECONDS
    now = state.clock.now()
    made.update(Status="available", PercentProgress=100, SnapshotCreateTime=now, OriginalSnapshotCreateTime=now)
    state.tell(made, "Manual snapshot created", "creation")


def answer(state: Databases, snapshot: Thing) -> Thing:
    return {**snapshot, "TagList": state.tagged(snapshot["DBSnapshotArn"])}


@operation("rds", "CreateDBSnapshot")
def create_db_snapshot(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSnapshot.html"""
    state = call.state(Databases)
    instance = state.instance(call.params["DBInstanceIdentifier"])
    instances.available(instance, "available", "stopped")
    made = take(state, instance, call.params["DBSnapshotIdentifier"], tags.as_dict(call.params.get("Tags")))
    return {"DBSnapshot": answer(state, made)}


@operation("rds", "DescribeDBSnapshots")
def describe_db_snapshots(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshots.html: the manual ones."""
    state, params = call.state(Databases), call.params
    name, source = params.get("DBSnapshotIdentifier"), params.get("DBInstanceIdentifier")
    found = [state.snapshot(name)] if name else list(state.snapshots.values())
    found = [one for one in found if source in (None, one["DBInstanceIdentifier"])]
    found = [one for one in found if params.get("SnapshotType") in (None, one["SnapshotType"])]
    return {"DBSnapshots": [answer(state, one) for one in found]}


@operation("rds", "DeleteDBSnapshot")
def delete_db_snapshot(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBSnapshot.html"""
    state = call.state(Databases)
    found = state.snapshot(call.params["DBSnapshotIdentifier"])
    if found["Status"] != "available":
        raise AwsError("InvalidDBSnapshotState", f"Cannot delete the snapshot because it is currently in the {found['Status']} state.")
    del state.snapshots[found["DBSnapshotIdentifier"]]
    state.tags.pop(found["DBSnapshotArn"], None)
    source = state.sources.pop(found["DBSnapshotIdentifier"])
    if database := instances.real(state, source):
        state.clock.play(database.forget(state, found["DBSnapshotIdentifier"]))
    return {"DBSnapshot": {**found, "Status": "deleted"}}


def restored(call: Call, source: Thing, given: Thing, tagged: dict[str, str], told: str) -> Thing:
    """An instance like its source, encrypted as that is; its groups are the default ones unless given."""
    own = {key: source[key] for key in KEPT if key in source}
    own["Port"] = source["Endpoint"]["Port"]
    given = {key: value for key, value in given.items() if key not in ("EngineVersion", "Engine")}
    return {"DBInstance": instances.make(call, {**own, **given}, told, tagged)}


@operation("rds", "RestoreDBInstanceFromDBSnapshot")
def restore_db_instance_from_db_snapshot(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html"""
    state, params = call.state(Databases), call.params
    found = state.snapshot(params["DBSnapshotIdentifier"])
    name = found["DBSnapshotIdentifier"]
    if found["Status"] != "available":
        raise AwsError("InvalidDBSnapshotState", f"Snapshot {name} is not available.")
    tagged = tags.as_dict(params.get("Tags")) or dict(state.tags.get(found["DBSnapshotArn"], {}))
    source = state.sources[name]
    if database := instances.real(state, source):
        params = {**params, "SourceVolume": database.snapshot_volume(state, name)}
    return restored(call, source, params, tagged, f"Restored from snapshot {name}")


@operation("rds", "RestoreDBInstanceToPointInTime")
def restore_db_instance_to_point_in_time(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html"""
    state, params = call.state(Databases), call.params
    instance = state.instance(params["SourceDBInstanceIdentifier"])
    name = instance["DBInstanceIdentifier"]
    if "LatestRestorableTime" not in instance or not instance["BackupRetentionPeriod"]:
        raise AwsError("PointInTimeRestoreNotEnabled", f"Point in time recovery is not enabled for {name}: it keeps no backups.")
    given = {**params, "DBInstanceIdentifier": params["TargetDBInstanceIdentifier"]}
    if database := instances.real(state, instance):
        given["SourceVolume"] = database.volume_of(instance)  # the latest moment is now
    return restored(
        call, instance, given, tags.as_dict(params.get("Tags")), f"Restored from DB instance {name} to {given['DBInstanceIdentifier']}"
    )
