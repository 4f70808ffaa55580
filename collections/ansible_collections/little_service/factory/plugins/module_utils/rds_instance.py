# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The instance of a database on RDS."""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.little_service.factory.plugins.module_utils import declared, managed, rds, secret

LOOKS = 8  # a change that RDS keeps for its maintenance window all the same is not waited for


class Instance(managed.Lasting):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html"""

    kind = "database"
    fixed = frozenset({*rds.FIXED, "subnet_group"})
    taken = frozenset({"DBInstanceAlreadyExists", "DBInstanceNotFound", "InvalidDBInstanceState"})
    working, settled, failed = rds.WORKING, (*rds.WORKING, "stopped"), rds.FAILED

    def __init__(self, module: Any) -> None:
        self._snapshot: dict[str, Any] | None = None
        self.restored_from = ""
        super().__init__(module, module.client("rds"), rds.declaration(module.params))

    def describe(self) -> dict[str, Any] | None:
        try:
            (found,) = self._client.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"]
        except self._client.exceptions.DBInstanceNotFoundFault:
            return None
        return {**found, "Status": found["DBInstanceStatus"]}

    def read(self) -> declared.Properties | None:
        self.look()
        present = self._params["state"] == "present"
        if self.is_going:
            if present and self._params["restore_snapshot"]:
                self._snapshot = self._find_snapshot()
                if self._snapshot:
                    self.wanted["snapshot"] = self.restored_from = self._snapshot["DBSnapshotIdentifier"]
            return None
        self.wanted.pop("snapshot", None)
        self.arn = self.found["DBInstanceArn"]
        found = rds.properties(self.found, self.wanted)
        if not present and found["deletion_protection"] and not self._params["force"] and declared.is_ours(self.wanted, found):
            raise declared.DeclarationError(f"The {self} is protected from deletion. To remove it all the same, say force.")
        return found

    def _find_snapshot(self) -> dict[str, Any] | None:
        name = self._params["restore_snapshot"]
        if name != "newest":
            try:
                return self._client.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]
            except self._client.exceptions.DBSnapshotNotFoundFault:
                told = f"There is no snapshot {name} to restore the {self} from. They are listed by: aws rds describe-db-snapshots"
                raise declared.DeclarationError(told) from None
        pages = self._client.get_paginator("describe_db_snapshots").paginate(DBInstanceIdentifier=self.name, SnapshotType="manual")
        return rds.newest_final_snapshot(self.name, (one for page in pages for one in page["DBSnapshots"]), self.wanted["tags"])

    def create(self) -> None:
        self.wait_until_it_is_gone()
        if not self._snapshot:
            told = {**rds.creation(self.wanted), **self._password(), "Tags": tag_list(self.wanted["tags"])}
            self.arn = self._client.create_db_instance(DBInstanceIdentifier=self.name, **told)["DBInstance"]["DBInstanceArn"]
            return
        self._module.wait_until(f"snapshot {self.restored_from}", self._snapshot_looked_at, self._params["wait_timeout"])
        self._client.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=self.name,
            DBSnapshotIdentifier=self.restored_from,
            Tags=tag_list({**self.wanted["tags"], rds.PASSWORD_TAG: "of the snapshot"}),
            **rds.restoration(self.wanted),
        )
        self._finish()

    def _password(self) -> dict[str, str]:
        return {"MasterUserPassword": secret.value(self._module, self._params["secret"], "password")}

    def _snapshot_looked_at(self) -> tuple[bool, str]:
        (found,) = self._client.describe_db_snapshots(DBSnapshotIdentifier=self.restored_from)["DBSnapshots"]
        return found["Status"] == "available", found["Status"]

    def update(self, step: declared.Step) -> None:
        if set(step.changes) == {"tags"}:
            self._tag()  # which need not wait
        else:
            self._finish()

    def _finish(self) -> None:
        step = self.again(present=True)
        if not step:
            return
        changes = step.changes
        if "tags" in changes:
            self._tag()
        if self.status == "stopped":
            self._start()
        told = rds.modification(changes, {**step.before, "storage": self.found["AllocatedStorage"]})
        told |= self._password() if "password" in changes else {}
        if told:
            self._modify(ApplyImmediately=self._params["apply_immediately"], **told)
        if "password" in changes:
            self._client.remove_tags_from_resource(ResourceName=self.arn, TagKeys=[rds.PASSWORD_TAG])
        if told and self._params["apply_immediately"]:
            self._let_it_show()

    def _let_it_show(self) -> None:
        """Wait until it is seen to be busy, or done: for a while RDS goes on to say that it is available.

        As users report: hashicorp/terraform-provider-aws#31445. Who waits for it afterwards would find nothing to wait for.
        """
        looks = iter(range(LOOKS))
        self.wait_until(lambda: self.status not in self.working or not self.found.get("PendingModifiedValues") or next(looks, None) is None)

    def _modify(self, **told: Any) -> None:
        self._client.modify_db_instance(DBInstanceIdentifier=self.name, **told)

    def _start(self) -> None:
        self._client.start_db_instance(DBInstanceIdentifier=self.name)
        self.wait_until_it_works()

    def delete(self) -> None:
        if not self.again(present=False):
            return
        if self.found["DeletionProtection"]:
            if self.status == "stopped":
                self._start()
            self._modify(DeletionProtection=False, ApplyImmediately=True)
        # AWS makes none of what has failed: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
        if self._params["final_snapshot"] and self.status not in ("failed", "incompatible-restore", "incompatible-network"):
            told = {"FinalDBSnapshotIdentifier": rds.final_snapshot(self.name, datetime.datetime.now(datetime.UTC))}
        else:
            told = {"SkipFinalSnapshot": True}
        self._client.delete_db_instance(DBInstanceIdentifier=self.name, **told)

    def facts(self) -> dict[str, Any]:
        found = self.found or {}
        pending = {} if self.status == "creating" else found.get("PendingModifiedValues") or {}
        return {
            "arn": self.arn,
            "pending": sorted(pending),
            "restart_pending": "pending-reboot" in [group["ParameterApplyStatus"] for group in found.get("DBParameterGroups", [])],
            "restored_from": self.restored_from,
            "gone": self.is_gone,
        }
