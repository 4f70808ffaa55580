"""A replication group of a live sandbox is Redis, as its clients see it."""

from __future__ import annotations

import pytest

from tests.live.conftest import until

pytestmark = [pytest.mark.docker]

TOKEN, NEXT = "a-token-of-sixteen-letters", "another-'token'-\\of-as-many"


class Cache:
    """A group, and a client that believes the authority alone."""

    def __init__(self, live) -> None:
        self.live, self.elasticache = live, live.cloud.client("elasticache")

    def group(self) -> dict:
        return self.elasticache.describe_replication_groups(ReplicationGroupId="orbit")["ReplicationGroups"][0]

    def settled(self) -> None:
        until(lambda: self.group()["Status"] == "available")

    def redis(self, *command: str, end: str = "PrimaryEndpoint", token: str = TOKEN, tls: bool = True) -> str:
        host = self.group()["NodeGroups"][0][end]["Address"]
        proven = ("--tls", "--cacert", "/root.pem", "--sni", host) if tls else ()
        return self.live.inside("redis", "redis-cli", "--no-auth-warning", "-h", host, *proven, *command, REDISCLI_AUTH=token)


@pytest.fixture(scope="module")
def cache(live) -> Cache:
    made = Cache(live)
    made.elasticache.create_cache_parameter_group(CacheParameterGroupName="orbit", CacheParameterGroupFamily="valkey8", Description="orbit")
    made.elasticache.create_replication_group(
        ReplicationGroupId="orbit",
        ReplicationGroupDescription="orbit",
        Engine="valkey",
        CacheNodeType="cache.t4g.micro",
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
        TransitEncryptionEnabled=True,
        AuthToken=TOKEN,
        CacheParameterGroupName="orbit",
    )
    assert made.group()["Status"] == "creating"
    made.settled()
    return made


def test_it_speaks_tls_and_wants_the_token(cache):
    assert cache.redis("PING") == "PONG"
    assert "NOAUTH" in cache.redis("PING", token="not-the-token-of-it")
    assert "PONG" not in cache.redis("PING", tls=False)
    assert "no permissions" in cache.redis("CONFIG", "GET", "maxmemory")


def test_a_replica_has_what_the_primary_has_and_takes_its_place(cache):
    assert cache.redis("SET", "key", "before") == "OK"
    until(lambda: cache.redis("GET", "key", end="ReaderEndpoint") == "before", 30)
    assert "READONLY" in cache.redis("SET", "key", "no", end="ReaderEndpoint")
    cache.elasticache.test_failover(ReplicationGroupId="orbit", NodeGroupId="0001")
    cache.settled()
    roles = {node["CacheClusterId"]: node["CurrentRole"] for node in cache.group()["NodeGroups"][0]["NodeGroupMembers"]}
    assert roles == {"orbit-001": "replica", "orbit-002": "primary"}
    assert cache.redis("GET", "key") == "before"
    assert cache.redis("SET", "key", "after") == "OK"
    until(lambda: cache.redis("GET", "key", end="ReaderEndpoint") == "after", 30)


def test_a_parameter_counts_at_once(cache):
    changed = [{"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}]
    cache.elasticache.modify_cache_parameter_group(CacheParameterGroupName="orbit", ParameterNameValues=changed)
    until(lambda: "maxmemory_policy:noeviction" in cache.redis("INFO", "memory"), 30)


def test_a_token_is_rotated_and_then_replaced(cache):
    def change(strategy: str) -> None:
        cache.elasticache.modify_replication_group(
            ReplicationGroupId="orbit", AuthToken=NEXT, AuthTokenUpdateStrategy=strategy, ApplyImmediately=True
        )
        cache.settled()

    change("ROTATE")
    until(lambda: cache.redis("PING", token=NEXT) == "PONG", 30)
    assert cache.redis("PING") == "PONG"
    change("SET")
    until(lambda: "NOAUTH" in cache.redis("PING"), 30)
    assert cache.redis("PING", token=NEXT) == "PONG"


def test_nothing_of_it_is_left(cache):
    cache.elasticache.delete_replication_group(ReplicationGroupId="orbit")
    until(lambda: not cache.elasticache.describe_replication_groups()["ReplicationGroups"])
    assert cache.live.parts() == []
