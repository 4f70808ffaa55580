"""More replicas, and fewer."""

from __future__ import annotations

from sandbox.core.gateway import Call, operation
from sandbox.core.wire import AwsError
from sandbox.elasticache.models import ElastiCache, Thing
from sandbox.elasticache.operations import SERVICE


def begin(call: Call) -> tuple[ElastiCache, Thing, int]:
    """The group that is to change, and how many nodes it is to have."""
    state = call.state(ElastiCache)
    group = state.group(call.params["ReplicationGroupId"])
    if group["Status"] != "available":
        raise AwsError("InvalidReplicationGroupState", f"Replication group {group['ReplicationGroupId']} is not in available state.")
    if not call.params["ApplyImmediately"]:
        raise AwsError("InvalidParameterValue", "ApplyImmediately=False is not currently supported.")
    return state, group, call.params["NewReplicaCount"] + 1


def settle(state: ElastiCache, group: Thing) -> Thing:
    state.later(group, "modifying")
    return {"ReplicationGroup": group}


@operation(SERVICE)
def increase_replica_count(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_IncreaseReplicaCount.html"""
    state, group, wanted = begin(call)
    name, members, (shard,) = group["ReplicationGroupId"], group["MemberClusters"], group["NodeGroups"]
    if wanted <= len(members):
        raise AwsError("InvalidParameterValue", f"The new replica count must be greater than {len(members) - 1}.")
    first = state.clusters[members[0]]
    params = {
        **{key: first[key] for key in ("CacheNodeType", "Engine", "CacheSubnetGroupName", "TransitEncryptionEnabled") if key in first},
        "EngineVersion": first["EngineVersion"],
        "CacheParameterGroupName": first["CacheParameterGroup"]["CacheParameterGroupName"],
        "SecurityGroupIds": [group["SecurityGroupId"] for group in first["SecurityGroups"]],
    }
    for number in range(len(members) + 1, wanted + 1):
        member = f"{name}-{number:03}"
        state.add_cluster(member, params, name)
        members.append(member)
        like = {**shard["NodeGroupMembers"][0], "CacheClusterId": member, "CurrentRole": "replica"}
        shard["NodeGroupMembers"].append(like)
    return settle(state, group)


@operation(SERVICE)
def decrease_replica_count(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DecreaseReplicaCount.html"""
    state, group, wanted = begin(call)
    members, (shard,) = group["MemberClusters"], group["NodeGroups"]
    least = 2 if group["MultiAZ"] == "enabled" or group["AutomaticFailover"] == "enabled" else 1
    if not least <= wanted < len(members):
        message = f"The new replica count must be from {least - 1} to {len(members) - 2}."
        raise AwsError("InvalidParameterValue", message)
    if cache := state.real():
        state.clock.play(cache.drop(state, members[wanted:]))
    for member in members[wanted:]:
        state.remove(state.clusters[member], grouped=False)
    del members[wanted:], shard["NodeGroupMembers"][wanted:]
    return settle(state, group)
