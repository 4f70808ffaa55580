# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The replication group of a cache on ElastiCache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.little_service.factory.plugins.module_utils import declared, elasticache, managed, secret


class ReplicationGroup(managed.Lasting):
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ReplicationGroup.html"""

    kind = "cache"
    fixed = frozenset({*elasticache.FIXED, "subnet_group"})
    # InvalidParameterValue is what a number of replicas meets that is there already.
    taken = frozenset(
        {"ReplicationGroupAlreadyExists", "ReplicationGroupNotFoundFault", "InvalidReplicationGroupState", "InvalidParameterValue"}
    )
    working, settled, failed = elasticache.WORKING, ("available",), elasticache.FAILED

    def __init__(self, module: Any) -> None:
        super().__init__(module, module.client("elasticache"), elasticache.declaration(module.params))

    def describe(self) -> dict[str, Any] | None:
        try:
            return self._client.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"][0]
        except self._client.exceptions.ReplicationGroupNotFoundFault:
            return None

    def read(self) -> declared.Properties | None:
        self.look()
        if self.is_going:
            return None
        self.arn = self.found["ARN"]
        (member,) = self._client.describe_cache_clusters(CacheClusterId=self.found["MemberClusters"][0])["CacheClusters"]
        return elasticache.properties(self.found, member, self._known_tags(), self.wanted)

    def _known_tags(self) -> dict[str, str]:
        """Its tags, which AWS does not tell of a group that is busy. Before anything is done to it they are asked for again."""
        try:
            return self._tags()
        except (self._client.exceptions.ReplicationGroupNotFoundFault, self._client.exceptions.InvalidReplicationGroupStateFault):
            return dict(self.wanted["tags"])

    def create(self) -> None:
        self.wait_until_it_is_gone()
        made = self._client.create_replication_group(
            ReplicationGroupId=self.name,
            ReplicationGroupDescription=f"Broker of {self.name}",
            AuthToken=secret.value(self._module, self._params["secret"], "token"),
            Tags=tag_list(self.wanted["tags"]),
            **elasticache.creation(self.wanted),
        )
        self.arn = made["ReplicationGroup"]["ARN"]

    def update(self, step: declared.Step) -> None:
        """A change of the number of nodes is an operation of its own, and what fails over needs a replica all the while."""
        for _part in ("the first", "the second"):
            remaining = self.again(present=True)
            if not remaining:
                return
            changes = remaining.changes
            told, more = elasticache.modification(changes), changes.get("replicas", 0) > remaining.before["replicas"]
            if "tags" in changes:
                self._tag()
            if more:
                self._count(self._client.increase_replica_count)
            elif told:
                immediately = self._params["apply_immediately"]
                self._client.modify_replication_group(ReplicationGroupId=self.name, ApplyImmediately=immediately, **told)
            elif "replicas" in changes:
                self._count(self._client.decrease_replica_count)
            if not told or "replicas" not in changes:
                return

    def _count(self, change: Callable[..., Any]) -> None:
        change(ReplicationGroupId=self.name, NewReplicaCount=self.wanted["replicas"], ApplyImmediately=True)

    def delete(self) -> None:
        if self.again(present=False):
            # What is in a broker comes back from the outbox: there is nothing to take a last snapshot of.
            self._client.delete_replication_group(ReplicationGroupId=self.name, RetainPrimaryCluster=False)

    def facts(self) -> dict[str, Any]:
        return {"arn": self.arn, "gone": self.is_gone}
