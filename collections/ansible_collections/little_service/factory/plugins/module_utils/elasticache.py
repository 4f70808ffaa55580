# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A replication group on ElastiCache: what stands of it, in the form in which it is declared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.managed import is_version

WORKING = ("available", "snapshotting")
# https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ReplicationGroup.html, Status
FAILED = {"create-failed": "ElastiCache could not make it; remove it and run this again"}
# Property: its name where a member is described, and where the group is made and changed.
NAMES = {
    "engine_version": "EngineVersion",
    "maintenance_window": "PreferredMaintenanceWindow",
    "minor_version_upgrades": "AutoMinorVersionUpgrade",
    "node_type": "CacheNodeType",
    "snapshot_days": "SnapshotRetentionLimit",
    "snapshot_window": "SnapshotWindow",
    "transit_encryption_mode": "TransitEncryptionMode",
}
FIXED = {
    "auth_token": "AuthTokenEnabled",
    "encrypted_at_rest": "AtRestEncryptionEnabled",
    "encrypted_in_transit": "TransitEncryptionEnabled",
    "engine": "Engine",
}


def family(engine: str, version: str) -> str:
    """The parameter group's family: ``valkey8``, ``redis7``."""
    return engine + version.partition(".")[0]


def declaration(params: Mapping[str, Any]) -> declared.Properties:
    """What is wanted of a group, by the module's options."""
    same = (name for name in (*NAMES, "engine") if name in params)
    return {name: params[name] for name in same} | {
        "auth_token": True,
        "encrypted_at_rest": True,
        "encrypted_in_transit": True,
        "failover": params["replicas"] > 0,
        "minor_version_upgrades": True,
        "multi_az": params["replicas"] > 0,
        "parameter_group": params["name"],
        "replicas": params["replicas"],
        "security_groups": sorted(params["security_groups"]),
        "subnet_group": params["name"],
        "tags": params["tags"],
        "transit_encryption_mode": "required",
    }


def properties(
    group: Mapping[str, Any], member: Mapping[str, Any], tags: Mapping[str, str], wanted: Mapping[str, Any]
) -> declared.Properties:
    """A group as it is, or is becoming, with one of its members, which knows what the group does not tell."""
    pending = {**(member.get("PendingModifiedValues") or {}), **(group.get("PendingModifiedValues") or {})}
    becoming = {**member, **{name: value for name, value in pending.items() if name in NAMES.values()}}
    found = {ours: becoming.get(name) for ours, name in (NAMES | FIXED).items()}
    found |= {
        "failover": pending.get("AutomaticFailoverStatus", group.get("AutomaticFailover")) in ("enabled", "enabling"),
        "multi_az": group.get("MultiAZ") == "enabled",
        "parameter_group": (member.get("CacheParameterGroup") or {}).get("CacheParameterGroupName"),
        "replicas": len(group.get("MemberClusters", [])) - 1,
        "security_groups": sorted(one["SecurityGroupId"] for one in member.get("SecurityGroups", [])),
        "subnet_group": member.get("CacheSubnetGroupName"),
        "tags": dict(tags),
    }
    if is_version(wanted["engine_version"], found["engine_version"] or ""):
        found["engine_version"] = wanted["engine_version"]
    return found


def creation(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What CreateReplicationGroup is told, the token apart."""
    told = {name: wanted[ours] for ours, name in (NAMES | FIXED).items() if ours != "auth_token"}
    return told | {
        "AutomaticFailoverEnabled": wanted["failover"],
        "CacheParameterGroupName": wanted["parameter_group"],
        "CacheSubnetGroupName": wanted["subnet_group"],
        "MultiAZEnabled": wanted["multi_az"],
        "NumCacheClusters": wanted["replicas"] + 1,
        "SecurityGroupIds": wanted["security_groups"],
    }


def modification(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What ModifyReplicationGroup is told; empty where nothing is for it to do."""
    names = NAMES | {
        "failover": "AutomaticFailoverEnabled",
        "multi_az": "MultiAZEnabled",
        "parameter_group": "CacheParameterGroupName",
        "security_groups": "SecurityGroupIds",
    }
    return {name: changes[ours] for ours, name in names.items() if ours in changes}
