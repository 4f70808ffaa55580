# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The groups that a database on RDS stands on: of subnets, and of parameters."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.little_service.factory.plugins.module_utils import declared, managed, rds


class SubnetGroup(managed.Tagged):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBSubnetGroup.html"""

    kind = "database's subnet group"
    taken = frozenset({"DBSubnetGroupAlreadyExists", "DBSubnetGroupNotFoundFault"})

    def __init__(self, module: Any) -> None:
        super().__init__(module, module.client("rds"), {"subnets": sorted(module.params["subnets"])})

    def read(self) -> declared.Properties | None:
        try:
            (found,) = self._client.describe_db_subnet_groups(DBSubnetGroupName=self.name)["DBSubnetGroups"]
        except self._client.exceptions.DBSubnetGroupNotFoundFault:
            return None
        self.arn = found["DBSubnetGroupArn"]
        return {"subnets": sorted(subnet["SubnetIdentifier"] for subnet in found["Subnets"]), "tags": self._tags()}

    def create(self) -> None:
        self._client.create_db_subnet_group(
            DBSubnetGroupName=self.name,
            DBSubnetGroupDescription=f"Of the database {self.name}",
            SubnetIds=self.wanted["subnets"],
            Tags=tag_list(self.wanted["tags"]),
        )

    def update(self, step: declared.Step) -> None:
        if "subnets" in step.changes:
            self._client.modify_db_subnet_group(DBSubnetGroupName=self.name, SubnetIds=self.wanted["subnets"])
        if "tags" in step.changes:
            self._tag()

    def delete(self) -> None:
        self._client.delete_db_subnet_group(DBSubnetGroupName=self.name)


class ParameterGroup(managed.Tagged):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBParameterGroup.html"""

    kind = "database's parameter group"
    fixed = frozenset({"family"})
    cure = "A new major version is an upgrade with a plan of its own: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.MySQL.html"
    taken = frozenset({"DBParameterGroupAlreadyExists", "DBParameterGroupNotFound"})

    def __init__(self, module: Any) -> None:
        parameters = {name: str(value) for name, value in module.params["parameters"].items()}
        family = rds.family("mysql", module.params["engine_version"])
        super().__init__(module, module.client("rds"), {"family": family, "parameters": parameters})

    def read(self) -> declared.Properties | None:
        try:
            (found,) = self._client.describe_db_parameter_groups(DBParameterGroupName=self.name)["DBParameterGroups"]
        except self._client.exceptions.DBParameterGroupNotFoundFault:
            return None
        self.arn = found["DBParameterGroupArn"]
        # What nobody has declared here belongs to others.
        given = {one["ParameterName"]: one.get("ParameterValue") for one in self._parameters(Source="user")}
        parameters = {name: given[name] for name in self.wanted["parameters"] if name in given}
        return {"family": found["DBParameterGroupFamily"], "parameters": parameters, "tags": self._tags()}

    def _parameters(self, **more: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=self.name, **more)
        return [parameter for page in pages for parameter in page["Parameters"]]

    def create(self) -> None:
        self._client.create_db_parameter_group(
            DBParameterGroupName=self.name,
            DBParameterGroupFamily=self.wanted["family"],
            Description=f"Of the database {self.name}",
            Tags=tag_list(self.wanted["tags"]),
        )
        self._set(self.wanted["parameters"])

    def update(self, step: declared.Step) -> None:
        if "parameters" in step.changes:
            before = step.before["parameters"]
            self._set({name: value for name, value in self.wanted["parameters"].items() if before.get(name) != value})
        if "tags" in step.changes:
            self._tag()

    def _set(self, values: dict[str, str]) -> None:
        """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html: at most 20 in a call."""
        dynamic = {one["ParameterName"] for one in self._parameters() if rds.is_dynamic(one)}
        told = [
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate" if name in dynamic else "pending-reboot"}
            for name, value in sorted(values.items())
        ]
        for batch in managed.batches(told):
            self._client.modify_db_parameter_group(DBParameterGroupName=self.name, Parameters=batch)

    def delete(self) -> None:
        self._client.delete_db_parameter_group(DBParameterGroupName=self.name)
