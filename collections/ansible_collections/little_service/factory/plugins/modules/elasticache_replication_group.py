#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cache on ElastiCache."""

DOCUMENTATION = r"""
---
module: elasticache_replication_group
short_description: Keep a replication group on ElastiCache as declared
description:
  - Keeps a replication group of one shard with its subnet group and its parameter group, or removes all three.
  - It is encrypted at rest and on the way, and wants a token. With a replica it fails over, and its nodes are in several zones.
  - A change that AWS has accepted and keeps for the maintenance window counts as made, as does a minor version that AWS has raised.
  - "Not C(community.aws.elasticache): that makes single clusters only, without encryption or failover."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The name of the replication group and of the groups that it stands on.
    type: str
    required: true
  state:
    description:
      - C(absent) removes the replication group with what is in it. Its groups can only go after it, with O(wait) or in a later run.
    type: str
    choices: [present, absent]
    default: present
  engine:
    description: The engine.
    type: str
    choices: [valkey, redis]
    default: valkey
  engine_version:
    description: Its version, as far as it matters; AWS chooses the rest.
    type: str
    default: "8.0"
  node_type:
    description: The nodes' type.
    type: str
    default: cache.t4g.micro
  replicas:
    description: The number of nodes beside the primary one.
    type: int
    default: 0
  subnets:
    description: The subnets, in two zones at least.
    type: list
    elements: str
    default: []
  security_groups:
    description: The security groups.
    type: list
    elements: str
    default: []
  parameters:
    description: The engine's parameters.
    type: dict
    default: {}
  secret:
    description: The secret, a JSON object, whose C(token) is what clients have to say.
    type: str
  snapshot_days:
    description: How many days snapshots are kept; 0 makes none.
    type: int
    default: 0
  snapshot_window:
    description: When snapshots are made, in UTC.
    type: str
    default: 10:00-11:00
  maintenance_window:
    description: When AWS may restart nodes, in UTC.
    type: str
    default: sun:11:30-sun:12:30
  apply_immediately:
    description: Whether a change that interrupts is made now, and not in the maintenance window.
    type: bool
    default: true
  wait:
    description: Whether to wait until it is available, or gone.
    type: bool
    default: false
  wait_timeout:
    description: For how many seconds at most.
    type: int
    default: 3600
  tags:
    description: Tags to set on all three; others are left alone.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Keep a broker
  little_service.factory.elasticache_replication_group:
    name: orbit-ledger-production
    node_type: cache.t4g.small
    replicas: 1
    subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    security_groups: [sg-0123456789abcdef0]
    parameters: {maxmemory-policy: noeviction}
    secret: orbit-ledger/production/redis
    tags: {"little-service:service": orbit-ledger}
"""

RETURN = r"""
arn:
  description: The replication group's ARN.
  type: str
  returned: success
gone:
  description: Whether nothing of it is left.
  type: bool
  returned: success
"""

from ansible_collections.little_service.factory.plugins.module_utils import elasticache_groups, managed
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.elasticache_replication import ReplicationGroup


def main():
    module = AwsModule(
        {
            **managed.OPTIONS,
            "engine": {"type": "str", "choices": ["valkey", "redis"], "default": "valkey"},
            "engine_version": {"type": "str", "default": "8.0"},
            "node_type": {"type": "str", "default": "cache.t4g.micro"},
            "replicas": {"type": "int", "default": 0},
            "snapshot_days": {"type": "int", "default": 0},
            "snapshot_window": {"type": "str", "default": "10:00-11:00"},
            "maintenance_window": {"type": "str", "default": "sun:11:30-sun:12:30"},
        },
        required_if=[("state", "present", ["secret"])],
    )
    group = ReplicationGroup(module)
    steps = managed.keep(module, group, [elasticache_groups.SubnetGroup(module), elasticache_groups.ParameterGroup(module)])
    module.done(steps, **group.facts())


if __name__ == "__main__":
    main()
