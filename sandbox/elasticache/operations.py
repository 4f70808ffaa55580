"""The operations, of which each names the page it follows."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import UTC, timedelta
from typing import Any

from sandbox.core import networking, tags
from sandbox.core.gateway import Call, operation
from sandbox.core.wire import AwsError
from sandbox.elasticache.models import PARAMETERS, VERSIONS, ElastiCache, Thing, check_name, engine_version

SERVICE = "elasticache"
FAILOVER = 60
# What ModifyReplicationGroup changes in its members, and how they call it.
MEMBERS = ("AutoMinorVersionUpgrade", "SnapshotRetentionLimit", "SnapshotWindow", "PreferredMaintenanceWindow", "TransitEncryptionMode")


def some(things: dict[str, Thing], name: str | None, find: Any) -> list[Thing]:
    """All of them, or the one of a name."""
    return [find(name)] if name else list(things.values())


def subnets_of(call: Call, ids: list[str]) -> tuple[str, list[Thing]]:
    try:
        found = call.invoke("ec2", "DescribeSubnets", SubnetIds=ids)["Subnets"]
    except AwsError as error:
        raise AwsError("InvalidSubnet", error.message) from error
    if len({subnet["VpcId"] for subnet in found}) > 1:
        raise AwsError("InvalidSubnet", f"Subnets: {ids} are not in one VPC.")
    zones = [{"SubnetIdentifier": s["SubnetId"], "SubnetAvailabilityZone": {"Name": s["AvailabilityZone"]}} for s in found]
    return found[0]["VpcId"], [{**zone, "SupportedNetworkTypes": ["ipv4"]} for zone in zones]


@operation(SERVICE)
def create_cache_subnet_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateCacheSubnetGroup.html"""
    state, name = call.state(ElastiCache), call.params["CacheSubnetGroupName"].lower()
    if name in state.subnet_groups:
        raise AwsError("CacheSubnetGroupAlreadyExists", f"CacheSubnetGroup {name} already exists.")
    vpc, subnets = subnets_of(call, call.params["SubnetIds"])
    made = {
        "CacheSubnetGroupName": name,
        "CacheSubnetGroupDescription": call.params["CacheSubnetGroupDescription"],
        "VpcId": vpc,
        "Subnets": subnets,
        "ARN": state.arn(SERVICE, f"subnetgroup:{name}"),
        "SupportedNetworkTypes": ["ipv4"],
    }
    state.subnet_groups[name] = made
    state.tags[made["ARN"]] = tags.as_dict(call.params.get("Tags"))
    return {"CacheSubnetGroup": made}


@operation(SERVICE)
def describe_cache_subnet_groups(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheSubnetGroups.html"""
    state = call.state(ElastiCache)
    return {"CacheSubnetGroups": some(state.subnet_groups, call.params.get("CacheSubnetGroupName"), state.subnet_group)}


@operation(SERVICE)
def modify_cache_subnet_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyCacheSubnetGroup.html"""
    found = call.state(ElastiCache).subnet_group(call.params["CacheSubnetGroupName"])
    if "SubnetIds" in call.params:
        vpc, subnets = subnets_of(call, call.params["SubnetIds"])
        if vpc != found["VpcId"]:
            raise AwsError("InvalidSubnet", f"The new subnets are not in {found['VpcId']}.")
        found["Subnets"] = subnets
    found["CacheSubnetGroupDescription"] = call.params.get("CacheSubnetGroupDescription", found["CacheSubnetGroupDescription"])
    return {"CacheSubnetGroup": found}


@operation(SERVICE)
def delete_cache_subnet_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteCacheSubnetGroup.html"""
    state, name = call.state(ElastiCache), call.params["CacheSubnetGroupName"]
    state.subnet_group(name)
    if any(cluster.get("CacheSubnetGroupName") == name for cluster in state.clusters.values()):
        raise AwsError("CacheSubnetGroupInUse", f"Cache subnet group {name} is currently in use by a cache cluster.")
    state.tags.pop(state.subnet_groups.pop(name)["ARN"], None)
    return {}


@operation(SERVICE)
def create_cache_parameter_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateCacheParameterGroup.html"""
    state, params = call.state(ElastiCache), call.params
    name, family = params["CacheParameterGroupName"].lower(), params["CacheParameterGroupFamily"]
    if name in state.parameter_groups:
        raise AwsError("CacheParameterGroupAlreadyExists", f"CacheParameterGroup {name} already exists.")
    if family not in {known["CacheParameterGroupFamily"] for known in state.parameter_groups.values()}:
        raise AwsError("InvalidParameterValue", f"CacheParameterGroupFamily {family} is not a valid parameter group family.")
    made = state.add_parameter_group(name, family, params["Description"])
    state.tags[made["ARN"]] = tags.as_dict(params.get("Tags"))
    return {"CacheParameterGroup": made}


@operation(SERVICE)
def describe_cache_parameter_groups(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheParameterGroups.html"""
    state = call.state(ElastiCache)
    return {"CacheParameterGroups": some(state.parameter_groups, call.params.get("CacheParameterGroupName"), state.parameter_group)}


@operation(SERVICE)
def describe_cache_parameters(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheParameters.html: some."""
    state, name = call.state(ElastiCache), call.params["CacheParameterGroupName"]
    state.parameter_group(name)
    changed, source = state.values[name], call.params.get("Source")
    listed = [
        {
            "ParameterName": key,
            "ParameterValue": changed.get(key, default),
            "Source": "user" if key in changed else "system",
            "AllowedValues": allowed,
            "IsModifiable": True,
            "ChangeType": "immediate",
        }
        for key, (default, allowed) in PARAMETERS.items()
    ]
    return {"Parameters": [parameter for parameter in listed if source in (None, parameter["Source"])]}


@operation(SERVICE)
def modify_cache_parameter_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyCacheParameterGroup.html"""
    state, name = call.state(ElastiCache), call.params["CacheParameterGroupName"]
    state.parameter_group(name)
    if name.startswith("default."):
        raise AwsError("InvalidCacheParameterGroupState", "The default parameter groups cannot be modified.")
    for parameter in call.params["ParameterNameValues"]:
        key, value = parameter["ParameterName"], parameter["ParameterValue"]
        allowed = PARAMETERS.get(key, ("", ""))[1]
        if key not in PARAMETERS:
            raise AwsError("InvalidParameterValue", f"Could not find parameter with name: {key}")
        listed = allowed and not re.fullmatch(r"[\d,-]+", allowed)  # else a range, which is not checked
        if listed and value not in allowed.split(","):
            raise AwsError("InvalidParameterValue", f"The parameter value {value} is not valid for {key}: {allowed}")
        state.values[name][key] = value
    adjust_nodes(state, name)
    return {"CacheParameterGroupName": name}


def adjust_nodes(state: ElastiCache, parameter_group: str) -> None:
    """Running nodes take their parameters at once."""
    used = [one for one in state.clusters.values() if one["CacheParameterGroup"]["CacheParameterGroupName"] == parameter_group]
    if cache := state.real():
        state.clock.play(cache.adjust(state, used))


@operation(SERVICE)
def reset_cache_parameter_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ResetCacheParameterGroup.html"""
    state, name = call.state(ElastiCache), call.params["CacheParameterGroupName"]
    state.parameter_group(name)
    named = [parameter["ParameterName"] for parameter in call.params.get("ParameterNameValues", [])]
    for key in list(state.values[name]) if call.params.get("ResetAllParameters") else named:
        state.values[name].pop(key, None)
    adjust_nodes(state, name)
    return {"CacheParameterGroupName": name}


@operation(SERVICE)
def delete_cache_parameter_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteCacheParameterGroup.html"""
    state, name = call.state(ElastiCache), call.params["CacheParameterGroupName"]
    state.parameter_group(name)
    used = any(cluster["CacheParameterGroup"]["CacheParameterGroupName"] == name for cluster in state.clusters.values())
    if used or name.startswith("default."):
        raise AwsError("InvalidCacheParameterGroupState", f"One or more cache clusters are still members of this parameter group {name}.")
    state.tags.pop(state.parameter_groups.pop(name)["ARN"], None)
    del state.values[name]
    return {}


def check_group(params: Thing) -> None:
    """What a replication group's settings together must be: see CreateReplicationGroup."""
    check_name("ReplicationGroupId", params["ReplicationGroupId"], 40)
    if params.get("AutomaticFailoverEnabled") and params.get("NumCacheClusters", 1) < 2:
        message = "When using automatic failover, there must be at least 2 cache clusters in the replication group."
        raise AwsError("InvalidParameterCombination", message)  # hashicorp/terraform#25077
    if params.get("MultiAZEnabled") and not params.get("AutomaticFailoverEnabled"):
        raise AwsError("InvalidParameterCombination", "Must enable automatic failover before enabling MultiAZ.")
    token = params.get("AuthToken")
    if token is not None and not params.get("TransitEncryptionEnabled"):
        raise AwsError("InvalidParameterValue", "The AUTH token modification is only supported when encryption-in-transit is enabled.")
    if token is not None and not 16 <= len(token) <= 128:
        raise AwsError("InvalidParameterValue", "Invalid AuthToken provided: it must have from 16 to 128 characters.")


@operation(SERVICE)
def create_replication_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html: of one shard."""
    state, params = call.state(ElastiCache), call.params
    check_group(params)
    name = params["ReplicationGroupId"].lower()
    if name in state.groups:
        raise AwsError("ReplicationGroupAlreadyExists", f"The replication group with replication group id {name} already exists")
    if params.get("NumNodeGroups", 1) > 1 or params.get("ClusterMode", "disabled") != "disabled":
        raise AwsError("NotImplemented", "The sandbox has no cluster mode (docs/sandbox.md).", 501)
    members = [f"{name}-{number:03}" for number in range(1, params.get("NumCacheClusters", 1) + 1)]
    for member in members:
        state.add_cluster(member, params, name)
    made = described(state, name, params, members)
    state.groups[name] = made
    state.tokens[name] = [params["AuthToken"]] if params.get("AuthToken") else []
    state.tags[made["ARN"]] = tags.as_dict(params.get("Tags"))
    state.later(made, "creating")
    return {"ReplicationGroup": made}


def described(state: ElastiCache, name: str, params: Thing, members: list[str]) -> Thing:
    port, encrypted = params.get("Port", 6379), params.get("TransitEncryptionEnabled", False)
    ends = {
        kind: state.endpoint(name, role, port, encrypted=encrypted)
        for kind, role in (("PrimaryEndpoint", "master"), ("ReaderEndpoint", "replica"))
    }
    nodes = [
        {
            "CacheClusterId": member,
            "CacheNodeId": "0001",
            "ReadEndpoint": state.endpoint(member, "member", port, encrypted=False),
            "PreferredAvailabilityZone": state.clusters[member]["PreferredAvailabilityZone"],
            "CurrentRole": "primary" if member == members[0] else "replica",
        }
        for member in members
    ]
    first = state.clusters[members[0]]
    copied = {key: first[key] for key in ("CacheNodeType", "SnapshotRetentionLimit", "SnapshotWindow", "AuthTokenEnabled", "Engine")}
    copied |= {key: first[key] for key in ("TransitEncryptionEnabled", "AtRestEncryptionEnabled", "AutoMinorVersionUpgrade", "NetworkType")}
    copied |= {key: first[key] for key in ("TransitEncryptionMode", "IpDiscovery") if key in first}
    return {
        "ReplicationGroupId": name,
        "Description": params["ReplicationGroupDescription"],
        "PendingModifiedValues": {},
        "MemberClusters": members,
        "NodeGroups": [{"NodeGroupId": "0001", **ends, "NodeGroupMembers": nodes}],
        "AutomaticFailover": "enabled" if params.get("AutomaticFailoverEnabled") else "disabled",
        "MultiAZ": "enabled" if params.get("MultiAZEnabled") else "disabled",
        "ClusterEnabled": False,
        "ClusterMode": "disabled",
        "ARN": state.arn(SERVICE, f"replicationgroup:{name}"),
        "LogDeliveryConfigurations": [],
        "ReplicationGroupCreateTime": state.clock.now(),
        "DataTiering": "disabled",
        **copied,
        **({"KmsKeyId": params["KmsKeyId"]} if params.get("KmsKeyId") else {}),
    }


@operation(SERVICE)
def describe_replication_groups(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeReplicationGroups.html"""
    state = call.state(ElastiCache)
    return {"ReplicationGroups": some(state.groups, call.params.get("ReplicationGroupId"), state.group)}


@operation(SERVICE)
def modify_replication_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html"""
    state, params = call.state(ElastiCache), call.params
    group = state.group(params["ReplicationGroupId"])
    if group["Status"] != "available":
        raise AwsError("InvalidReplicationGroupState", f"Replication group {group['ReplicationGroupId']} is not in available state.")
    check_group({"NumCacheClusters": len(group["MemberClusters"]), **group, **params})
    group["Description"] = params.get("ReplicationGroupDescription", group["Description"])
    for key, name in (("AutomaticFailoverEnabled", "AutomaticFailover"), ("MultiAZEnabled", "MultiAZ")):
        group[name] = ("enabled" if params[key] else "disabled") if key in params else group[name]
    group |= {key: params[key] for key in MEMBERS if key in params and key in group}
    for member in state.members(group):
        modify_member(state, member, params)
    if "AuthToken" in params or params.get("AuthTokenUpdateStrategy") == "DELETE":
        set_token(state, group, params)
    if cache := state.real():
        state.clock.play(cache.adjust(state, state.members(group)))
    slow = {key: params[key] for key in ("CacheNodeType", "EngineVersion") if key in params and params[key] != state.members(group)[0][key]}
    if not params.get("ApplyImmediately", False):
        if slow:
            group["PendingModifiedValues"] = {}  # the model has no member for these: a member cluster tells
            for member in state.members(group):
                member["PendingModifiedValues"] = slow
        return {"ReplicationGroup": group}
    if "EngineVersion" in slow:
        slow["EngineVersion"] = f"{engine_version(group['Engine'], slow['EngineVersion'])}.0"
    for member in state.members(group):
        member.update(slow)
    group |= {key: value for key, value in slow.items() if key == "CacheNodeType"}
    state.later(group, "modifying")
    return {"ReplicationGroup": group}


def set_token(state: ElastiCache, group: Thing, params: Thing) -> None:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html: ROTATE lets the old one in too, until SET."""
    strategy, name = params.get("AuthTokenUpdateStrategy", "ROTATE"), group["ReplicationGroupId"]
    kept = state.tokens.get(name, [])[-1:] if strategy == "ROTATE" else []
    state.tokens[name] = [] if strategy == "DELETE" else [*kept, params["AuthToken"]]
    for thing in (group, *state.members(group)):
        thing["AuthTokenEnabled"] = bool(state.tokens[name])


def modify_member(state: ElastiCache, cluster: Thing, params: Thing) -> None:
    cluster |= {key: params[key] for key in MEMBERS if key in params and key in cluster}
    if "CacheParameterGroupName" in params:
        state.parameter_group(params["CacheParameterGroupName"])
        cluster["CacheParameterGroup"] = {**cluster["CacheParameterGroup"], "CacheParameterGroupName": params["CacheParameterGroupName"]}
    if "SecurityGroupIds" in params:
        cluster["SecurityGroups"] = [{"SecurityGroupId": identifier, "Status": "active"} for identifier in params["SecurityGroupIds"]]
        networking.regroup(state, f"ElastiCache {cluster['CacheClusterId']}", params["SecurityGroupIds"])


@operation(SERVICE)
def delete_replication_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteReplicationGroup.html"""
    state = call.state(ElastiCache)
    group = state.group(call.params["ReplicationGroupId"])
    if group["Status"] not in ("available", "create-failed"):
        raise AwsError("InvalidReplicationGroupState", f"Replication group {group['ReplicationGroupId']} is not in available state.")
    state.later(group, "deleting")
    return {"ReplicationGroup": group}


@operation(SERVICE)
def test_failover(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_TestFailover.html"""
    state = call.state(ElastiCache)
    group = state.group(call.params["ReplicationGroupId"])
    if group["Status"] != "available":
        raise AwsError("InvalidReplicationGroupState", f"Replication group {group['ReplicationGroupId']} is not in available state.")
    if group["AutomaticFailover"] != "enabled":
        raise AwsError("InvalidReplicationGroupState", "Automatic failover must be enabled to test it.")
    state.clock.play(failover(state, group))
    return {"ReplicationGroup": group}


def failover(state: ElastiCache, group: Thing) -> Generator[float, None, None]:
    nodes = group["NodeGroups"][0]["NodeGroupMembers"]
    old = next(node for node in nodes if node["CurrentRole"] == "primary")
    new = next(node for node in nodes if node is not old)
    state.set_status(group, "modifying")
    yield FAILOVER
    old["CurrentRole"], new["CurrentRole"] = "replica", "primary"
    if cache := state.real():
        yield from cache.fail_over(state, group, old["CacheClusterId"], new["CacheClusterId"])
    state.set_status(group, "available")
    message = f"Failover from master node {old['CacheClusterId']} to replica node {new['CacheClusterId']} completed"
    state.tell(group["ReplicationGroupId"], "replication-group", message)


@operation(SERVICE)
def create_cache_cluster(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateCacheCluster.html"""
    state, name = call.state(ElastiCache), call.params["CacheClusterId"].lower()
    check_name("CacheClusterId", name, 50)
    if name in state.clusters:
        raise AwsError("CacheClusterAlreadyExists", f"Cache cluster {name} already exists.")
    made = state.add_cluster(name, call.params, None)
    state.tokens[name] = [call.params["AuthToken"]] if call.params.get("AuthToken") else []
    state.tags[made["ARN"]] = tags.as_dict(call.params.get("Tags"))
    state.later(made, "creating")
    state.tell(name, "cache-cluster", "Cache cluster created")
    return {"CacheCluster": made}


@operation(SERVICE)
def describe_cache_clusters(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheClusters.html"""
    state, params = call.state(ElastiCache), call.params
    found = some(state.clusters, params.get("CacheClusterId"), state.cluster)
    if params.get("ShowCacheClustersNotInReplicationGroups"):
        found = [cluster for cluster in found if "ReplicationGroupId" not in cluster]
    if params.get("ShowCacheNodeInfo"):
        found = [{**cluster, "CacheNodes": [node(state, cluster)]} for cluster in found]
    return {"CacheClusters": found}


def node(state: ElastiCache, cluster: Thing) -> Thing:
    return {
        "CacheNodeId": "0001",
        "CacheNodeStatus": cluster["CacheClusterStatus"],
        "CacheNodeCreateTime": cluster["CacheClusterCreateTime"],
        "Endpoint": state.endpoint(cluster["CacheClusterId"], "member", 6379, encrypted=False),
        "ParameterGroupStatus": "in-sync",
        "CustomerAvailabilityZone": cluster["PreferredAvailabilityZone"],
    }


@operation(SERVICE)
def modify_cache_cluster(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyCacheCluster.html"""
    state, params = call.state(ElastiCache), call.params
    cluster = state.cluster(params["CacheClusterId"])
    if cluster["CacheClusterStatus"] != "available":
        raise AwsError("InvalidCacheClusterState", f"Cache cluster {cluster['CacheClusterId']} is not in available state.")
    modify_member(state, cluster, params)
    slow = {key: params[key] for key in ("CacheNodeType", "EngineVersion") if key in params}
    if not params.get("ApplyImmediately", False):
        cluster["PendingModifiedValues"] = slow
    elif slow:
        cluster |= slow
        state.later(cluster, "modifying")
    return {"CacheCluster": cluster}


@operation(SERVICE)
def reboot_cache_cluster(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_RebootCacheCluster.html"""
    cluster = call.state(ElastiCache).cluster(call.params["CacheClusterId"])
    call.state(ElastiCache).later(cluster, "rebooting cluster nodes")
    return {"CacheCluster": cluster}


@operation(SERVICE)
def delete_cache_cluster(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteCacheCluster.html"""
    state = call.state(ElastiCache)
    cluster = state.cluster(call.params["CacheClusterId"])
    if "ReplicationGroupId" in cluster or cluster["CacheClusterStatus"] != "available":
        raise AwsError("InvalidCacheClusterState", f"Cache cluster {cluster['CacheClusterId']} is not in a valid state to be deleted.")
    state.later(cluster, "deleting")
    return {"CacheCluster": cluster}


@operation(SERVICE)
def describe_cache_engine_versions(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheEngineVersions.html"""
    params = call.params
    listed = [
        {"Engine": engine, "EngineVersion": version, "CacheParameterGroupFamily": family, "CacheEngineDescription": engine.title()}
        for engine, versions in VERSIONS.items()
        for version, family in versions.items()
    ]
    wanted = {key: params[key] for key in ("Engine", "EngineVersion", "CacheParameterGroupFamily") if key in params}
    found = [known for known in listed if all(known[key] == text for key, text in wanted.items())]
    return {"CacheEngineVersions": found[:1] if params.get("DefaultOnly") else found}


@operation(SERVICE)
def describe_events(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeEvents.html: the last hour's, if not told otherwise."""
    params = call.params
    oldest = (
        params["StartTime"].replace(tzinfo=UTC)
        if "StartTime" in params
        else call.clock.now() - timedelta(minutes=params.get("Duration", 60))
    )
    wanted = {key: params[key] for key in ("SourceIdentifier", "SourceType") if key in params}
    found = [event for event in call.state(ElastiCache).events if event["Date"] >= oldest]
    return {"Events": [event for event in found if all(event[key] == text for key, text in wanted.items())]}


def tags_of(call: Call, arn: str) -> dict[str, str]:
    state = call.state(ElastiCache)
    things = (*state.groups.values(), *state.clusters.values(), *state.subnet_groups.values(), *state.parameter_groups.values())
    if arn not in {thing["ARN"] for thing in things}:
        raise AwsError("InvalidARN", f"ARN {arn} is invalid.")
    name = arn.rpartition(":")[2]
    status = next(
        (kept[name].get("Status", kept[name].get("CacheClusterStatus")) for kept in (state.groups, state.clusters) if name in kept), ""
    )
    if arn.split(":")[5] == "replicationgroup" and status != "available":
        # As users report it: a group cannot be asked for its tags while it is busy.
        message = f"{name} is either not present or not available."
        raise AwsError("ReplicationGroupNotFoundFault" if status in ("creating", "deleting") else "InvalidReplicationGroupState", message)
    return state.tags.setdefault(arn, {})


# https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_AddTagsToResource.html, and those beside it
TAGGING = ("ListTagsForResource", "AddTagsToResource", "RemoveTagsFromResource")
tags.register(SERVICE, tags_of, operations=TAGGING, members=("ResourceName", "Tags", "TagKeys", "TagList"), answers=True)
