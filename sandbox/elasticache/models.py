"""What ElastiCache keeps: subnet groups, parameter groups, replication groups and their member clusters."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Generator
from typing import Any

from sandbox.core import networking
from sandbox.core.gateway import State
from sandbox.core.wire import AwsError

Thing = dict[str, Any]
# Public Terraform logs: a replication group takes 6 to 9 minutes (docs/sandbox.md).
SECONDS = {"creating": 420, "modifying": 300, "deleting": 300, "snapshotting": 120, "rebooting cluster nodes": 60}
VERSIONS = {
    "valkey": {"8.2": "valkey8", "8.1": "valkey8", "8.0": "valkey8", "7.2": "valkey7"},
    "redis": {"7.1": "redis7", "7.0": "redis7", "6.2": "redis6.x"},
}
# Of each family, the parameters that a service may want: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html
PARAMETERS = {
    "maxmemory-policy": (
        "volatile-lru",
        "volatile-lru,allkeys-lru,volatile-lfu,allkeys-lfu,volatile-random,allkeys-random,volatile-ttl,noeviction",
    ),
    "notify-keyspace-events": ("", ""),
    "timeout": ("0", "0,20-"),
    "tcp-keepalive": ("300", "0-"),
    "reserved-memory-percent": ("25", "0-100"),
    "appendonly": ("no", "yes,no"),
    "slowlog-log-slower-than": ("10000", "-"),
    "activedefrag": ("no", "yes,no"),
    "cluster-enabled": ("no", "yes,no"),
}


class ElastiCache(State):
    """ElastiCache in one region of an account."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.subnet_groups: dict[str, Thing] = {}
        self.parameter_groups: dict[str, Thing] = {}
        self.values: dict[str, dict[str, str]] = {}  # what each parameter group changes
        self.groups: dict[str, Thing] = {}
        self.clusters: dict[str, Thing] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.events: list[Thing] = []
        # Of those that really run: the words that clients may say, by group or cluster, and the sandbox's own.
        self.tokens: dict[str, list[str]] = {}
        self.admin_password = secrets.token_urlsafe()
        families = {family for versions in VERSIONS.values() for family in versions.values()}
        for family in sorted(families):
            self.add_parameter_group(f"default.{family}", family, f"Default parameter group for {family}")

    def add_parameter_group(self, name: str, family: str, description: str) -> Thing:
        self.values[name] = {}
        self.parameter_groups[name] = {
            "CacheParameterGroupName": name,
            "CacheParameterGroupFamily": family,
            "Description": description,
            "IsGlobal": False,
            "ARN": self.arn("elasticache", f"parametergroup:{name}"),
        }
        return self.parameter_groups[name]

    def tell(self, source: str, kind: str, message: str) -> None:
        self.events.insert(0, {"SourceIdentifier": source, "SourceType": kind, "Message": message, "Date": self.clock.now()})

    def group(self, name: str) -> Thing:
        if name not in self.groups:
            raise AwsError("ReplicationGroupNotFoundFault", f"ReplicationGroup {name} not found.", 404)
        return self.groups[name]

    def cluster(self, name: str) -> Thing:
        if name not in self.clusters:
            raise AwsError("CacheClusterNotFound", f"CacheCluster not found: {name}", 404)
        return self.clusters[name]

    def subnet_group(self, name: str | None) -> Thing:
        if name not in self.subnet_groups:
            raise AwsError("CacheSubnetGroupNotFoundFault", f"CacheSubnetGroup {name} not found.", 400)
        return self.subnet_groups[name]

    def parameter_group(self, name: str) -> Thing:
        if name not in self.parameter_groups:
            raise AwsError("CacheParameterGroupNotFound", f"CacheParameterGroup {name} not found.", 404)
        return self.parameter_groups[name]

    def members(self, group: Thing) -> list[Thing]:
        return [self.clusters[name] for name in group["MemberClusters"]]

    def set_status(self, group: Thing, status: str) -> None:
        group["Status"] = status
        for node_group in group["NodeGroups"]:
            node_group["Status"] = status
        for member in self.members(group):
            member["CacheClusterStatus"] = status

    def later(self, thing: Thing, status: str) -> None:
        """Pass through a state: available when its time is over, or gone."""
        grouped = "ReplicationGroupId" in thing and "MemberClusters" in thing
        name = thing["ReplicationGroupId"] if grouped else thing["CacheClusterId"]

        def story() -> Generator[float, None, None]:
            yield SECONDS[status]
            if cache := self.real():
                yield from cache.follow(self, thing, status)
            current = (self.groups if grouped else self.clusters).get(name)
            if current is not thing:
                return
            if status == "deleting":
                self.remove(thing, grouped=grouped)
            elif grouped:
                self.set_status(thing, "available")
                if status == "creating":
                    self.tell(name, "replication-group", f"Replication group {name} created")
            else:
                thing["CacheClusterStatus"] = "available"

        if grouped:
            self.set_status(thing, status)
        else:
            thing["CacheClusterStatus"] = status
        self.clock.play(story())

    def real(self) -> Any:
        """What runs it in a live sandbox."""
        if not self.sandbox.live:
            return None
        from sandbox.live import cache  # noqa: PLC0415 who does not need it need not have it

        return cache

    def remove(self, thing: Thing, *, grouped: bool) -> None:
        for member in self.members(thing) if grouped else [thing]:
            networking.detach(self, f"ElastiCache {member['CacheClusterId']}")
            del self.clusters[member["CacheClusterId"]]
            self.tags.pop(member["ARN"], None)
        if grouped:
            del self.groups[thing["ReplicationGroupId"]]
            self.tags.pop(thing["ARN"], None)
            self.tell(thing["ReplicationGroupId"], "replication-group", "Replication group deleted")

    def add_cluster(self, name: str, params: Thing, group: str | None) -> Thing:
        """A cluster of one node, alone or as a member of a replication group."""
        subnets = self.subnet_group(params["CacheSubnetGroupName"])["Subnets"] if params.get("CacheSubnetGroupName") else []
        engine = params.get("Engine", "redis")
        version = engine_version(engine, params.get("EngineVersion"))
        parameters = params.get("CacheParameterGroupName") or f"default.{VERSIONS[engine][version]}"
        self.parameter_group(parameters)
        groups = params.get("SecurityGroupIds", [])
        if subnets:
            networking.attach(self, f"ElastiCache {name}", [subnet["SubnetIdentifier"] for subnet in subnets], groups)
        encrypted = params.get("TransitEncryptionEnabled", False)
        cluster = {
            "CacheClusterId": name,
            "CacheNodeType": params.get("CacheNodeType", "cache.t4g.micro"),
            "Engine": engine,
            "EngineVersion": f"{version}.0" if version.count(".") == 1 else version,
            "NumCacheNodes": 1,
            "PreferredAvailabilityZone": subnets[0]["SubnetAvailabilityZone"]["Name"] if subnets else f"{self.region}a",
            "CacheClusterCreateTime": self.clock.now(),
            "PreferredMaintenanceWindow": params.get("PreferredMaintenanceWindow", "sun:09:00-sun:10:00"),
            "PendingModifiedValues": {},
            "CacheSecurityGroups": [],
            "CacheParameterGroup": {"CacheParameterGroupName": parameters, "ParameterApplyStatus": "in-sync", "CacheNodeIdsToReboot": []},
            "AutoMinorVersionUpgrade": params.get("AutoMinorVersionUpgrade", True),
            "SecurityGroups": [{"SecurityGroupId": identifier, "Status": "active"} for identifier in groups],
            "SnapshotRetentionLimit": params.get("SnapshotRetentionLimit", 0),
            "SnapshotWindow": params.get("SnapshotWindow", "06:00-07:00"),
            "AuthTokenEnabled": bool(params.get("AuthToken")),
            "TransitEncryptionEnabled": encrypted,
            "AtRestEncryptionEnabled": params.get("AtRestEncryptionEnabled", False),
            "ARN": self.arn("elasticache", f"cluster:{name}"),
            "ReplicationGroupLogDeliveryEnabled": False,
            "LogDeliveryConfigurations": [],
            "NetworkType": "ipv4",
            "IpDiscovery": "ipv4",
        }
        cluster |= {"CacheSubnetGroupName": params["CacheSubnetGroupName"]} if subnets else {}
        cluster |= {"ReplicationGroupId": group} if group else {}
        cluster |= {"TransitEncryptionMode": params.get("TransitEncryptionMode", "required")} if encrypted else {}
        self.clusters[name] = cluster
        return cluster

    def endpoint(self, name: str, role: str, port: int, *, encrypted: bool) -> Thing:
        """https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Endpoints.html"""
        code = hashlib.sha256(f"{self.account}{name}".encode()).hexdigest()[:6]
        continent, direction, number = self.region.split("-")
        short = continent + "".join(word[0] for word in re.findall("north|south|east|west|central", direction)) + number
        host = f"{role}.{name}.{code}" if encrypted else f"{name}{'-ro' if role == 'replica' else ''}.{code}.ng.0001"
        return {"Address": f"{host}.{short}.cache.amazonaws.com", "Port": port}


def engine_version(engine: str, wanted: str | None) -> str:
    """The major and minor version that a request names; a major one alone is its newest minor one."""
    known = VERSIONS.get(engine)
    if known is None:
        raise AwsError("InvalidParameterValue", f"Invalid engine: {engine}")
    found = next(
        (version for version in known if wanted is None or (wanted + ".").startswith(version + ".") or version.startswith(wanted + ".")),
        None,
    )
    if found is None:
        raise AwsError("InvalidParameterCombination", f"Cannot find version {wanted} for {engine}")
    return found


def check_name(kind: str, name: str, longest: int) -> None:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html, ReplicationGroupId"""
    if len(name) > longest or not re.fullmatch(r"[A-Za-z](?:-?[A-Za-z0-9])*", name):
        rule = f"must begin with a letter, hold letters, digits and single hyphens, not end with one, and be no longer than {longest}"
        raise AwsError("InvalidParameterValue", f"The parameter {kind} is not a valid identifier: {name!r} {rule}.")
