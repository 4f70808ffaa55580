"""ElastiCache on the sandbox: the states on the way, what is refused, what is left."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import refused


@pytest.fixture
def cache(cloud, network):
    client = cloud.client("elasticache")
    client.create_cache_subnet_group(CacheSubnetGroupName="orbit", CacheSubnetGroupDescription="orbit", SubnetIds=network.subnets)
    return client


def replication_group(network, **more) -> dict:
    return {
        "ReplicationGroupId": "orbit",
        "ReplicationGroupDescription": "broker",
        "CacheNodeType": "cache.t4g.micro",
        "Engine": "valkey",
        "EngineVersion": "8.0",
        "NumCacheClusters": 2,
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": True,
        "TransitEncryptionEnabled": True,
        "AuthToken": "a-token-of-enough-letters",
        "CacheSubnetGroupName": "orbit",
        "SecurityGroupIds": [network.group],
        **more,
    }


def test_a_replication_group_is_created_changed_and_deleted(network, cache):
    made = cache.create_replication_group(**replication_group(network, Tags=[{"Key": "team", "Value": "blue"}]))["ReplicationGroup"]
    assert made["Status"] == "creating"
    cache.get_waiter("replication_group_available").wait(ReplicationGroupId="orbit", WaiterConfig={"Delay": 0})
    found = cache.describe_replication_groups(ReplicationGroupId="orbit")["ReplicationGroups"][0]
    assert found["NodeGroups"][0]["PrimaryEndpoint"]["Address"].startswith("master.orbit.")
    assert found["NodeGroups"][0]["PrimaryEndpoint"]["Address"].endswith(".usw2.cache.amazonaws.com")
    assert (found["AuthTokenEnabled"], found["MultiAZ"], found["TransitEncryptionMode"]) == (True, "enabled", "required")
    member = cache.describe_cache_clusters(CacheClusterId="orbit-001", ShowCacheNodeInfo=True)["CacheClusters"][0]
    assert member["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey8"
    assert member["SecurityGroups"] == [{"SecurityGroupId": network.group, "Status": "active"}]
    assert cache.list_tags_for_resource(ResourceName=found["ARN"])["TagList"] == [{"Key": "team", "Value": "blue"}]
    changed = cache.modify_replication_group(ReplicationGroupId="orbit", CacheNodeType="cache.t4g.small", ApplyImmediately=True)
    assert changed["ReplicationGroup"]["Status"] == "modifying"
    assert cache.delete_replication_group(ReplicationGroupId="orbit")["ReplicationGroup"]["Status"] == "deleting"
    cache.get_waiter("replication_group_deleted").wait(ReplicationGroupId="orbit", WaiterConfig={"Delay": 0})
    assert cache.describe_cache_clusters()["CacheClusters"] == []
    assert cache.describe_events()["Events"][0]["Message"] == "Replication group deleted"


def test_replicas_come_and_go_but_failover_keeps_one(network, cache):
    def change(operation: str, count: int) -> None:
        getattr(cache, operation)(ReplicationGroupId="orbit", NewReplicaCount=count, ApplyImmediately=True)

    def nodes() -> list[str]:
        return cache.describe_replication_groups(ReplicationGroupId="orbit")["ReplicationGroups"][0]["MemberClusters"]

    cache.create_replication_group(**replication_group(network))
    assert nodes() == ["orbit-001", "orbit-002"]
    change("increase_replica_count", 2)
    assert nodes() == ["orbit-001", "orbit-002", "orbit-003"]
    change("decrease_replica_count", 1)
    assert nodes() == ["orbit-001", "orbit-002"]
    with refused("InvalidParameterValue", "from 1 to 0"):
        change("decrease_replica_count", 0)
    cache.modify_replication_group(ReplicationGroupId="orbit", MultiAZEnabled=False, AutomaticFailoverEnabled=False, ApplyImmediately=True)
    assert nodes() == ["orbit-001", "orbit-002"]
    change("decrease_replica_count", 0)
    assert nodes() == ["orbit-001"]


def test_a_busy_replication_group_does_not_tell_its_tags(cloud, network, cache):
    cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    arn = cache.create_replication_group(**replication_group(network))["ReplicationGroup"]["ARN"]
    with refused("ReplicationGroupNotFoundFault", "not present or not available"):
        cache.list_tags_for_resource(ResourceName=arn)
    cloud.control("PUT", "clock", {"profile": "none"})
    assert cache.list_tags_for_resource(ResourceName=arn)["TagList"] == []


def test_a_replication_group_must_make_sense(network, cache):
    for change, code, words in (
        ({"NumCacheClusters": 1}, "InvalidParameterCombination", "at least 2 cache clusters"),
        ({"TransitEncryptionEnabled": False}, "InvalidParameterValue", "encryption-in-transit"),
        ({"AuthToken": "short"}, "InvalidParameterValue", "16 to 128"),
        ({"ReplicationGroupId": "orbit--1"}, "InvalidParameterValue", "single hyphens"),
        ({"EngineVersion": "3.0"}, "InvalidParameterCombination", "Cannot find version 3.0 for valkey"),
        ({"CacheSubnetGroupName": "nova"}, "CacheSubnetGroupNotFoundFault", "nova"),
    ):
        with refused(code, words):
            cache.create_replication_group(**replication_group(network, **change))
    assert cache.describe_replication_groups()["ReplicationGroups"] == []


def test_a_change_that_may_wait_is_pending(network, cache):
    cache.create_replication_group(**replication_group(network))
    cache.modify_replication_group(ReplicationGroupId="orbit", CacheNodeType="cache.t4g.small", ApplyImmediately=False)
    member = cache.describe_cache_clusters(CacheClusterId="orbit-001")["CacheClusters"][0]
    assert (member["CacheNodeType"], member["PendingModifiedValues"]) == ("cache.t4g.micro", {"CacheNodeType": "cache.t4g.small"})


def test_groups_in_use_are_kept(network, cache):
    cache.create_cache_parameter_group(CacheParameterGroupName="orbit", CacheParameterGroupFamily="valkey8", Description="orbit")
    cache.modify_cache_parameter_group(
        CacheParameterGroupName="orbit", ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}]
    )
    with refused("InvalidParameterValue", "noeviction"):
        wrong = [{"ParameterName": "maxmemory-policy", "ParameterValue": "random"}]
        cache.modify_cache_parameter_group(CacheParameterGroupName="orbit", ParameterNameValues=wrong)
    (changed,) = cache.describe_cache_parameters(CacheParameterGroupName="orbit", Source="user")["Parameters"]
    assert (changed["ParameterName"], changed["ParameterValue"]) == ("maxmemory-policy", "noeviction")
    cache.create_replication_group(**replication_group(network, CacheParameterGroupName="orbit"))
    with refused("CacheSubnetGroupInUse"):
        cache.delete_cache_subnet_group(CacheSubnetGroupName="orbit")
    with refused("InvalidCacheParameterGroupState"):
        cache.delete_cache_parameter_group(CacheParameterGroupName="orbit")
    cache.delete_replication_group(ReplicationGroupId="orbit")
    cache.delete_cache_subnet_group(CacheSubnetGroupName="orbit")
    cache.delete_cache_parameter_group(CacheParameterGroupName="orbit")
    assert cache.describe_cache_subnet_groups()["CacheSubnetGroups"] == []


def test_a_single_cluster_is_created_changed_and_deleted(network, cache):
    cache.create_cache_cluster(
        CacheClusterId="solo", Engine="redis", CacheNodeType="cache.t4g.micro", NumCacheNodes=1, CacheSubnetGroupName="orbit"
    )
    cache.get_waiter("cache_cluster_available").wait(CacheClusterId="solo", WaiterConfig={"Delay": 0})
    other = network.security_group("other")
    cache.modify_cache_cluster(CacheClusterId="solo", SecurityGroupIds=[other], ApplyImmediately=True)
    assert cache.describe_cache_clusters()["CacheClusters"][0]["SecurityGroups"][0]["SecurityGroupId"] == other
    cache.delete_cache_cluster(CacheClusterId="solo")
    cache.get_waiter("cache_cluster_deleted").wait(CacheClusterId="solo", WaiterConfig={"Delay": 0})
