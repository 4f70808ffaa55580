# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database on RDS: what stands of it, in the form in which it is declared. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.managed import is_version, tags_of

# States in which an instance serves and can be changed: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
WORKING = ("available", "storage-optimization", "storage-initialization", "storage-config-upgrade")
# Those that it does not leave by itself, and what AWS's page above says of them.
FAILED = {
    "failed": "it failed and RDS cannot recover it; restore its newest backup",
    "inaccessible-encryption-credentials": "its KMS key cannot be used; give RDS the key back",
    "inaccessible-encryption-credentials-recoverable": "its KMS key cannot be used; give RDS the key back and start it",
    "incompatible-create": "its resources are incompatible with each other",
    "incompatible-network": "its VPC has no free address, or its subnets are gone",
    "incompatible-option-group": "its option group fits neither its engine nor its data",
    "incompatible-parameters": "MySQL does not start with its parameters; correct them",
    "incompatible-restore": "RDS cannot restore it to that point in time",
    "insufficient-capacity": "AWS has no instance of this class in these zones at the moment; take another class",
    "restore-error": "RDS failed to restore it from the snapshot",
    "storage-full": "its storage is full; declare more",
}
# A snapshot brings its own password along. As long as this tag is there, the one of the secret has still to be set.
PASSWORD_TAG = "little-service:password"  # noqa: S105 the name of a tag

# Property: its name where an instance is described, made and changed.
NAMES = {
    "backup_days": "BackupRetentionPeriod",
    "backup_window": "PreferredBackupWindow",
    "ca_certificate": "CACertificateIdentifier",
    "copy_tags_to_snapshot": "CopyTagsToSnapshot",
    "deletion_protection": "DeletionProtection",
    "engine_version": "EngineVersion",
    "instance_class": "DBInstanceClass",
    "maintenance_window": "PreferredMaintenanceWindow",
    "max_storage": "MaxAllocatedStorage",
    "minor_version_upgrades": "AutoMinorVersionUpgrade",
    "multi_az": "MultiAZ",
    "public": "PubliclyAccessible",
    "storage": "AllocatedStorage",
    "storage_type": "StorageType",
}
FIXED = {"database": "DBName", "engine": "Engine", "encrypted": "StorageEncrypted", "username": "MasterUsername"}
# What RestoreDBInstanceFromDBSnapshot does not take: it is changed when the instance is available.
AFTER_RESTORING = ("engine_version", "max_storage", "maintenance_window", "performance_insights")


def family(engine: str, version: str) -> str:
    """The parameter group's family: ``mysql8.4``."""
    return engine + ".".join(version.split(".")[:2])


def declaration(params: Mapping[str, Any]) -> declared.Properties:
    """What is wanted of an instance, by the module's options."""
    same = (name for name in NAMES if name in params)
    return {name: params[name] for name in same} | {
        "copy_tags_to_snapshot": True,
        "database": params["database"],
        "encrypted": True,
        "engine": "mysql",
        "log_exports": sorted(params["log_exports"]),
        "max_storage": params["max_storage"] if params["max_storage"] > params["storage"] else None,
        "minor_version_upgrades": True,
        "parameter_group": params["name"],
        "password": "of the secret",
        "performance_insights": params["performance_insights"],
        "public": False,
        "running": True,
        "security_groups": sorted(params["security_groups"]),
        "storage_type": "gp3",
        "subnet_group": params["name"],
        "tags": params["tags"],
        "username": params["username"],
    }


def properties(instance: Mapping[str, Any], wanted: Mapping[str, Any]) -> declared.Properties:
    """An instance as it is, or is becoming: what AWS has accepted and not applied yet counts as done.

    So do storage that autoscaling has added and a minor version that AWS has raised.
    """
    pending = instance.get("PendingModifiedValues") or {}
    becoming = {**instance, **pending}
    logs = pending.get("PendingCloudwatchLogsExports") or {}
    exported = {*instance.get("EnabledCloudwatchLogsExports", []), *logs.get("LogTypesToEnable", [])}
    found = {ours: becoming.get(name) for ours, name in (NAMES | FIXED).items()}
    found |= {
        "log_exports": sorted(exported - {*logs.get("LogTypesToDisable", [])}),
        "parameter_group": first(instance.get("DBParameterGroups"), "DBParameterGroupName"),
        "password": "of the snapshot" if PASSWORD_TAG in tags_of(instance) else "of the secret",
        "performance_insights": instance.get("PerformanceInsightsEnabled", False),
        "running": instance.get("DBInstanceStatus") not in ("stopped", "stopping"),
        "security_groups": sorted(group["VpcSecurityGroupId"] for group in instance.get("VpcSecurityGroups", [])),
        "subnet_group": (instance.get("DBSubnetGroup") or {}).get("DBSubnetGroupName"),
        "tags": tags_of(instance),
    }
    storage = found["storage"] or 0
    if storage > wanted["storage"]:
        found["storage"] = wanted["storage"]
    if found["max_storage"] is None and storage >= (wanted["max_storage"] or storage + 1):
        found["max_storage"] = wanted["max_storage"]  # there is nothing left to add
    # One that came from a snapshot may not tell the name of the database that was made in its source.
    found["database"] = found["database"] or wanted["database"]
    if is_version(wanted["engine_version"], found["engine_version"] or ""):
        found["engine_version"] = wanted["engine_version"]
    return found


def first(listed: Iterable[Mapping[str, Any]] | None, key: str) -> Any:
    return next((one[key] for one in listed or []), None)


def creation(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What CreateDBInstance is told, the password apart."""
    told = {name: wanted[ours] for ours, name in (NAMES | FIXED).items() if wanted.get(ours) is not None}
    return told | {
        "DBParameterGroupName": wanted["parameter_group"],
        "DBSubnetGroupName": wanted["subnet_group"],
        "EnableCloudwatchLogsExports": wanted["log_exports"],
        "EnablePerformanceInsights": wanted["performance_insights"],
        "VpcSecurityGroupIds": wanted["security_groups"],
    }


def restoration(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What RestoreDBInstanceFromDBSnapshot is told; the rest is in the snapshot, or follows."""
    left_out = {NAMES.get(ours, "EnablePerformanceInsights") for ours in AFTER_RESTORING}
    left_out |= {"DBName", "MasterUsername", "StorageEncrypted"}
    return {name: value for name, value in creation(wanted).items() if name not in left_out}


def modification(changes: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What ModifyDBInstance is told, the password apart; empty where nothing is for it to do."""
    told = {name: changes[ours] for ours, name in NAMES.items() if ours in changes}
    if "max_storage" in changes:
        # Equal to the storage, autoscaling is off: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
        told["MaxAllocatedStorage"] = max(changes["max_storage"] or 0, changes.get("storage", 0), before["storage"])
    for ours, name in (
        ("parameter_group", "DBParameterGroupName"),
        ("performance_insights", "EnablePerformanceInsights"),
        ("security_groups", "VpcSecurityGroupIds"),
    ):
        told |= {name: changes[ours]} if ours in changes else {}
    if "log_exports" in changes:
        after, earlier = set(changes["log_exports"]), set(before["log_exports"] or [])
        told["CloudwatchLogsExportConfiguration"] = {
            "EnableLogTypes": sorted(after - earlier),
            "DisableLogTypes": sorted(earlier - after),
        }
    return told


def final_snapshot(name: str, now: datetime.datetime) -> str:
    return f"{name}-final-{now:%Y%m%d%H%M%S}"


def newest_final_snapshot(name: str, snapshots: Iterable[Mapping[str, Any]], tags: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The last of those that were made when an instance of ours was removed."""
    ours = [
        snapshot
        for snapshot in snapshots
        if snapshot["DBSnapshotIdentifier"].startswith(f"{name}-final-")
        and snapshot["Status"] in ("available", "creating")
        and declared.is_ours({"tags": tags}, {"tags": tags_of(snapshot)})
    ]
    # Of one that is still being made the time may be missing: its name has it too.
    return max(ours, key=lambda snapshot: snapshot["DBSnapshotIdentifier"], default=None)


def is_dynamic(parameter: Mapping[str, Any]) -> bool:
    return parameter.get("ApplyType") == "dynamic"
