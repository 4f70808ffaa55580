# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The groups that a cache on ElastiCache stands on: of subnets, and of parameters."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.little_service.factory.plugins.module_utils import declared, elasticache, managed


class SubnetGroup(managed.Tagged):
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CacheSubnetGroup.html"""

    kind = "cache's subnet group"
    taken = frozenset({"CacheSubnetGroupAlreadyExists", "CacheSubnetGroupNotFoundFault"})

    def __init__(self, module: Any) -> None:
        super().__init__(module, module.client("elasticache"), {"subnets": sorted(module.params["subnets"])})

    def read(self) -> declared.Properties | None:
        try:
            (found,) = self._client.describe_cache_subnet_groups(CacheSubnetGroupName=self.name)["CacheSubnetGroups"]
        except self._client.exceptions.CacheSubnetGroupNotFoundFault:
            return None
        self.arn = found["ARN"]
        return {"subnets": sorted(subnet["SubnetIdentifier"] for subnet in found["Subnets"]), "tags": self._tags()}

    def create(self) -> None:
        self._client.create_cache_subnet_group(
            CacheSubnetGroupName=self.name,
            CacheSubnetGroupDescription=f"Of the cache {self.name}",
            SubnetIds=self.wanted["subnets"],
            Tags=tag_list(self.wanted["tags"]),
        )

    def update(self, step: declared.Step) -> None:
        if "subnets" in step.changes:
            self._client.modify_cache_subnet_group(CacheSubnetGroupName=self.name, SubnetIds=self.wanted["subnets"])
        if "tags" in step.changes:
            self._tag()

    def delete(self) -> None:
        self._client.delete_cache_subnet_group(CacheSubnetGroupName=self.name)


class ParameterGroup(managed.Tagged):
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CacheParameterGroup.html"""

    kind = "cache's parameter group"
    fixed = frozenset({"family"})
    cure = "Another engine or major version takes a new cache: take this one down first. What is in its queues comes back from the outbox."
    taken = frozenset({"CacheParameterGroupAlreadyExists", "CacheParameterGroupNotFound"})

    def __init__(self, module: Any) -> None:
        parameters = {name: str(value) for name, value in module.params["parameters"].items()}
        family = elasticache.family(module.params["engine"], module.params["engine_version"])
        super().__init__(module, module.client("elasticache"), {"family": family, "parameters": parameters})

    def read(self) -> declared.Properties | None:
        try:
            (found,) = self._client.describe_cache_parameter_groups(CacheParameterGroupName=self.name)["CacheParameterGroups"]
        except self._client.exceptions.CacheParameterGroupNotFoundFault:
            return None
        self.arn = found["ARN"]
        pages = self._client.get_paginator("describe_cache_parameters").paginate(CacheParameterGroupName=self.name, Source="user")
        given = {one["ParameterName"]: one.get("ParameterValue") for page in pages for one in page["Parameters"]}
        # What nobody has declared here belongs to others.
        parameters = {name: given[name] for name in self.wanted["parameters"] if name in given}
        return {"family": found["CacheParameterGroupFamily"], "parameters": parameters, "tags": self._tags()}

    def create(self) -> None:
        self._client.create_cache_parameter_group(
            CacheParameterGroupName=self.name,
            CacheParameterGroupFamily=self.wanted["family"],
            Description=f"Of the cache {self.name}",
            Tags=tag_list(self.wanted["tags"]),
        )
        self._set(self.wanted["parameters"])

    def update(self, step: declared.Step) -> None:
        if "parameters" in step.changes:
            self._set(self.wanted["parameters"])
        if "tags" in step.changes:
            self._tag()

    def _set(self, values: dict[str, str]) -> None:
        """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyCacheParameterGroup.html: at most 20 in a call."""
        told = [{"ParameterName": name, "ParameterValue": value} for name, value in sorted(values.items())]
        for batch in managed.batches(told):
            self._client.modify_cache_parameter_group(CacheParameterGroupName=self.name, ParameterNameValues=batch)

    def delete(self) -> None:
        self._client.delete_cache_parameter_group(CacheParameterGroupName=self.name)
