"""RDS and ElastiCache on the sandbox: the states on the way, what is refused, what is left."""

from __future__ import annotations

import contextlib

import botocore.exceptions
import pytest

from tests.sandbox.conftest import REGION


@contextlib.contextmanager
def refused(code: str, words: str | None = None):
    with pytest.raises(botocore.exceptions.ClientError, match=words) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code


class Network:
    """A VPC with two subnets and a security group."""

    def __init__(self, cloud) -> None:
        self.ec2 = cloud.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.subnet(zone, number) for number, zone in enumerate("ab")]
        self.group = self.security_group("data")

    def subnet(self, zone: str, number: int) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")
        return made["Subnet"]["SubnetId"]

    def security_group(self, name: str) -> str:
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]


@pytest.fixture
def network(cloud):
    return Network(cloud)


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


def state(rds) -> str:
    return rds.describe_db_instances(DBInstanceIdentifier="orbit")["DBInstances"][0]["DBInstanceStatus"]


def test_a_database_is_created_backed_up_changed_and_deleted(cloud, network, rds):
    assert rds.create_db_instance(**instance(network))["DBInstance"]["DBInstanceStatus"] == "creating"
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="orbit", WaiterConfig={"Delay": 0})
    changed = rds.modify_db_instance(DBInstanceIdentifier="orbit", DBInstanceClass="db.t4g.small", ApplyImmediately=True)
    assert changed["DBInstance"]["DBInstanceStatus"] == "modifying"
    assert state(rds) == "available"
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
    assert rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"] == []


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
    everything = {parameter["ParameterName"] for parameter in rds.describe_db_parameters(DBParameterGroupName="orbit")["Parameters"]}
    assert {"character_set_server", "time_zone"} <= everything
