"""The cache: brought to what is declared, whatever was there before, and never twice."""

from __future__ import annotations

import json

import pytest

from tests.aws.conftest import tags
from tests.aws.data import PASSWORD, Ground

NAME = "orbit-staging"
ALL = [f"cache's subnet group {NAME}", f"cache's parameter group {NAME}", f"cache {NAME}"]
GONE = {"state": "absent", "wait": True}
MODULE = "elasticache_replication_group"


@pytest.fixture
def ground(aws):
    return Ground(aws)


@pytest.fixture
def declared(ground):
    return {
        "name": NAME,
        "subnets": ground.subnets,
        "security_groups": [ground.group],
        "parameters": {"maxmemory-policy": "noeviction"},
        "secret": "orbit/staging/redis",
        "replicas": 1,
        "tags": tags(),
    }


@pytest.fixture
def cache(aws):
    return aws.client("elasticache")


def group(cache) -> dict:
    return cache.describe_replication_groups(ReplicationGroupId=NAME)["ReplicationGroups"][0]


def test_it_is_made_kept_and_removed(aws, cache, declared):
    made = aws.bring(MODULE, **declared)
    assert made.steps == [f"create {name}" for name in ALL]
    assert PASSWORD not in json.dumps(made.result)
    found = group(cache)
    assert (found["AuthTokenEnabled"], found["TransitEncryptionEnabled"], found["AtRestEncryptionEnabled"]) == (True, True, True)
    assert (found["MultiAZ"], found["AutomaticFailover"], len(found["MemberClusters"])) == ("enabled", "enabled", 2)
    removed = aws.bring(MODULE, **declared, **GONE)
    assert removed.steps == [f"delete {name}" for name in reversed(ALL)]
    assert cache.describe_cache_clusters()["CacheClusters"] == []


def test_it_passes_through_its_states_without_being_waited_for(patient, cache, declared):
    patient.bring(MODULE, **declared)
    assert group(cache)["Status"] == "creating"
    waited = patient.run(MODULE, **declared, wait=True)
    assert (waited.changed, group(cache)["Status"]) == (False, "available")


def test_what_was_changed_by_hand_is_mended(aws, cache, ground, declared):
    aws.bring(MODULE, **declared)
    cache.create_cache_parameter_group(CacheParameterGroupName="others", CacheParameterGroupFamily="valkey8", Description="others")
    cache.modify_replication_group(
        ReplicationGroupId=NAME,
        ApplyImmediately=True,
        AutoMinorVersionUpgrade=False,
        AutomaticFailoverEnabled=False,
        CacheNodeType="cache.t4g.small",
        CacheParameterGroupName="others",
        MultiAZEnabled=False,
        PreferredMaintenanceWindow="mon:01:00-mon:02:00",
        SecurityGroupIds=[ground.security_group("others")],
        SnapshotRetentionLimit=3,
        SnapshotWindow="03:00-04:00",
        TransitEncryptionMode="preferred",
    )
    group(cache)
    properties = (
        "failover, maintenance_window, minor_version_upgrades, multi_az, node_type, parameter_group, security_groups, "
        "snapshot_days, snapshot_window, transit_encryption_mode"
    )
    assert aws.bring(MODULE, **declared).steps == [f"update cache {NAME} ({properties})"]


def test_the_groups_are_mended_too(aws, cache, ground, declared):
    made = aws.bring(MODULE, **declared)
    cache.modify_cache_subnet_group(CacheSubnetGroupName=NAME, SubnetIds=[*ground.subnets, ground.subnet("c")])
    evicting = [
        {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"},
        {"ParameterName": "timeout", "ParameterValue": "60"},
    ]
    cache.modify_cache_parameter_group(CacheParameterGroupName=NAME, ParameterNameValues=evicting)
    for kind in ("subnetgroup", "parametergroup", "replicationgroup"):
        arn = made["arn"].replace(":replicationgroup:", f":{kind}:")
        cache.remove_tags_from_resource(ResourceName=arn, TagKeys=["little-service:environment"])
        cache.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "cost-center", "Value": "42"}])
    properties = ("subnets, tags", "parameters, tags", "tags")
    assert aws.bring(MODULE, **declared).steps == [f"update {name} ({what})" for name, what in zip(ALL, properties, strict=True)]
    given = cache.describe_cache_parameters(CacheParameterGroupName=NAME, Source="user")["Parameters"]
    assert {one["ParameterName"]: one["ParameterValue"] for one in given} == {"maxmemory-policy": "noeviction", "timeout": "60"}


def test_its_size_changes_both_ways_whatever_failover_asks_for(patient, cache, declared):
    for replicas, failover in ((0, "disabled"), (2, "enabled"), (1, "enabled"), (0, "disabled")):
        size = {**declared, "replicas": replicas, "node_type": f"cache.t4g.{'small' if replicas else 'micro'}"}
        patient.run(MODULE, **size)
        waited = patient.run(MODULE, **size, wait=True)
        assert waited.writes == []
        found = group(cache)
        assert (len(found["MemberClusters"]), found["AutomaticFailover"], found["MultiAZ"]) == (replicas + 1, failover, failover)
        assert found["CacheNodeType"] == size["node_type"]


def test_a_change_that_waits_for_its_window_is_made_once(aws, cache, declared):
    aws.bring(MODULE, **declared)
    aws.bring(MODULE, **{**declared, "node_type": "cache.t4g.small", "apply_immediately": False})
    assert group(cache)["CacheNodeType"] == "cache.t4g.micro"


def test_a_minor_version_that_aws_has_raised_is_left_alone(aws, cache, declared):
    aws.bring(MODULE, **{**declared, "engine_version": "8"})
    assert cache.describe_cache_clusters()["CacheClusters"][0]["EngineVersion"] == "8.2.0"
    aws.settled(MODULE, **{**declared, "engine_version": "8.2"})


def test_one_that_is_being_removed_is_waited_for_and_made_again(patient, cache, declared):
    patient.run(MODULE, **declared, wait=True)
    patient.run(MODULE, **declared, state="absent")
    assert patient.settled(MODULE, **declared, state="absent")["gone"] is False
    assert patient.run(MODULE, **declared).steps == [f"create cache {NAME}"]
    assert group(cache)["Status"] == "creating"


def test_what_is_another_services_is_refused_and_stays(aws, cache, declared):
    aws.bring(MODULE, **{**declared, "tags": tags("ledger")})
    assert "is 'ledger' and not 'orbit'" in aws.refused(MODULE, **declared)
    aws.settled(MODULE, **declared, state="absent")
    assert group(cache)["ReplicationGroupId"] == NAME


def test_whose_a_busy_one_is_is_asked_before_anything_is_done_to_it(patient, cache, declared):
    patient.run(MODULE, **{**declared, "tags": tags("ledger")}, wait=True)
    for kind in ("subnetgroup", "parametergroup"):  # a name that only the cache itself shares
        arn = f"arn:aws:elasticache:us-west-2:123456789012:{kind}:{NAME}"
        cache.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "little-service:service", "Value": "orbit"}])
    cache.modify_replication_group(ReplicationGroupId=NAME, CacheNodeType="cache.t4g.small", ApplyImmediately=True)
    assert "is 'ledger' and not 'orbit'" in patient.refused(MODULE, **declared)
    cache.modify_replication_group(ReplicationGroupId=NAME, CacheNodeType="cache.t4g.medium", ApplyImmediately=True)
    patient.run(MODULE, **declared, state="absent")
    assert group(cache)["CacheNodeType"] == "cache.t4g.medium"


def test_what_cannot_be_changed_is_told(aws, declared):
    aws.bring(MODULE, **declared)
    assert "from 'valkey8' to 'redis7'" in aws.refused(MODULE, **{**declared, "engine": "redis", "engine_version": "7.1"})


@pytest.mark.parametrize("kind", ["lost", "drop", "throttle"])
def test_lost_answers_and_throttling_end_in_the_same(aws, declared, kind):
    writes = ("Create*", "ModifyCache*", "ModifyR*", "Increase*", "Decrease*", "Delete*")
    aws.faults(*({"kind": kind, "service": "elasticache", "operation": name, "times": 1} for name in writes))
    for replicas in (1, 2, 0):
        aws.run(MODULE, **{**declared, "replicas": replicas})
        aws.run(MODULE, **{**declared, "replicas": replicas}, wait=True)
        aws.settled(MODULE, **{**declared, "replicas": replicas})
    aws.run(MODULE, **declared, **GONE)
    aws.settled(MODULE, **declared, **GONE)


def test_a_missing_token_is_told(aws, declared):
    assert "no JSON object with token in it" in aws.refused(MODULE, **{**declared, "secret": "orbit/staging/database"})
