"""A cache's properties, and what ElastiCache is told to bring them about."""

from __future__ import annotations

from ansible_collections.little_service.factory.plugins.module_utils import declared, elasticache
from hypothesis import given
from hypothesis import strategies as st

words = st.text("abcdefgh", min_size=1, max_size=5)
options = st.fixed_dictionaries(
    {
        "name": st.just("orbit"),
        "engine": st.just("valkey"),
        "engine_version": st.sampled_from(["8", "8.0", "8.0.1"]),
        "maintenance_window": words,
        "node_type": words,
        "replicas": st.integers(0, 3),
        "security_groups": st.lists(words, min_size=1, unique=True),
        "snapshot_days": st.integers(0, 9),
        "snapshot_window": words,
        "tags": st.just({declared.SERVICE_TAG: "orbit"}),
    }
)
SHAPES = {
    "EngineVersion": lambda version: {"EngineVersion": "8.0.1"},
    "CacheParameterGroupName": lambda name: {"CacheParameterGroup": {"CacheParameterGroupName": name}},
    "SecurityGroupIds": lambda groups: {"SecurityGroups": [{"SecurityGroupId": group} for group in reversed(groups)]},
}


def described(told: dict, before: dict) -> dict:
    """What ElastiCache says of a member after it was told this: botocore's model of the operations and of CacheCluster."""
    after = {**before, "AuthTokenEnabled": True}
    for name, value in told.items():
        after |= SHAPES[name](value) if name in SHAPES else {name: value}
    return after


def found(member: dict, wanted: dict) -> dict:
    states = {True: "enabled", False: "disabled"}
    group = {
        "AutomaticFailover": states[member["AutomaticFailoverEnabled"]],
        "MultiAZ": states[member["MultiAZEnabled"]],
        "MemberClusters": ["node"] * member["NumCacheClusters"],
    }
    return elasticache.properties(group, member, wanted["tags"], wanted)


@given(options)
def test_nothing_is_left_to_do_for_what_was_just_made(params):
    wanted = elasticache.declaration(params)
    assert declared.plan(wanted, found(described(elasticache.creation(wanted), {}), wanted)) is None


@given(options, options)
def test_nothing_but_the_number_of_nodes_is_left_to_do_for_what_was_just_changed(before, after):
    wanted = elasticache.declaration(after)
    member = described(elasticache.creation(elasticache.declaration(before)), {})
    step = declared.plan(wanted, found(member, wanted))
    member = described(elasticache.modification(step.changes) if step else {}, member)
    left = declared.plan(wanted, found(member, wanted))
    assert set(left.changes if left else ()) == ({"replicas"} if before["replicas"] != after["replicas"] else set())


@given(options)
def test_a_change_that_is_pending_counts_as_made(params):
    wanted = elasticache.declaration(params)
    old = described(elasticache.creation({**wanted, "node_type": "old", "failover": False}), {})
    member = {**old, "PendingModifiedValues": {"CacheNodeType": wanted["node_type"], "NumCacheNodes": 1}}
    group = {"PendingModifiedValues": {"AutomaticFailoverStatus": "enabled"}, "MultiAZ": "enabled", "MemberClusters": ["node"]}
    seen = elasticache.properties(group, member, {}, wanted)
    assert (seen["node_type"], seen["failover"]) == (wanted["node_type"], True)
