# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The instance of a database on RDS."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.little_service.factory.plugins.module_utils import declared, rds, secret


class Instance(declared.Resource):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html"""

    kind = "database"
    fixed = frozenset({*rds.FIXED, "subnet_group"})
    taken = frozenset({"DBInstanceAlreadyExists", "DBInstanceNotFound", "InvalidDBInstanceState"})

    def __init__(self, module: Any) -> None:
        self._module, self._rds, self._params = module, module.client("rds"), module.params
        self._found: dict[str, Any] | None = None
        self._snapshot: dict[str, Any] | None = None
        self.restored_from = ""
        super().__init__(module.params["name"], rds.declaration(module.params))

    def read(self) -> declared.Properties | None:
        self._look()
        present = self._params["state"] == "present"
        if self._found is None or self._status == "deleting":
            if present and self._params["restore_snapshot"]:
                self._snapshot = self._find_snapshot()
                if self._snapshot:
                    self.wanted["snapshot"] = self.restored_from = self._snapshot["DBSnapshotIdentifier"]
            return None
        self.wanted.pop("snapshot", None)
        found = rds.properties(self._found, self.wanted)
        if not present and found["deletion_protection"] and not self._params["force"] and declared.is_ours(self.wanted, found):
            raise declared.DeclarationError(f"The {self} is protected from deletion. To remove it all the same, say force.")
        return found

    def _look(self) -> None:
        try:
            (self._found,) = self._rds.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"]
        except self._rds.exceptions.DBInstanceNotFoundFault:
            self._found = None

    @property
    def _status(self) -> str:
        return self._found["DBInstanceStatus"] if self._found else "gone"

    @property
    def is_gone(self) -> bool:
        return self._found is None

    def _find_snapshot(self) -> dict[str, Any] | None:
        name = self._params["restore_snapshot"]
        if name != "newest":
            try:
                return self._rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]
            except self._rds.exceptions.DBSnapshotNotFoundFault:
                raise declared.DeclarationError(
                    f"There is no snapshot {name} to restore the {self} from. See: aws rds describe-db-snapshots"
                ) from None
        pages = self._rds.get_paginator("describe_db_snapshots").paginate(DBInstanceIdentifier=self.name, SnapshotType="manual")
        return rds.newest_final_snapshot(self.name, (one for page in pages for one in page["DBSnapshots"]), self.wanted["tags"])

    def create(self) -> None:
        self.wait_until_it_is_gone()
        if not self._snapshot:
            password = secret.value(self._module, self._params["secret"], "password")
            told = {**rds.creation(self.wanted), "MasterUserPassword": password, "Tags": tag_list(self.wanted["tags"])}
            self._rds.create_db_instance(DBInstanceIdentifier=self.name, **told)
            return
        self._module.wait_until(f"snapshot {self.restored_from}", self._snapshot_looked_at, self._params["wait_timeout"])
        self._rds.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=self.name,
            DBSnapshotIdentifier=self.restored_from,
            Tags=tag_list({**self.wanted["tags"], rds.PASSWORD_TAG: "of the snapshot"}),
            **rds.restoration(self.wanted),
        )
        if rest := declared.decided(self, self.read(), present=True, adopt=False):
            self.update(rest)

    def _snapshot_looked_at(self) -> tuple[bool, str]:
        (found,) = self._rds.describe_db_snapshots(DBSnapshotIdentifier=self.restored_from)["DBSnapshots"]
        return found["Status"] == "available", found["Status"]

    def update(self, step: declared.Step) -> None:
        changes = step.changes
        if changes.pop("tags", None):
            self._rds.add_tags_to_resource(ResourceName=self._found["DBInstanceArn"], Tags=tag_list(self.wanted["tags"]))
        if not changes:
            return
        self._settle()
        if self._status == "stopped":
            self._start()
        told = rds.modification(changes, {**step.before, "storage": self._found["AllocatedStorage"]})
        if "password" in changes:
            told["MasterUserPassword"] = secret.value(self._module, self._params["secret"], "password")
        if told:
            self._modify(ApplyImmediately=self._params["apply_immediately"], **told)
        if "password" in changes:
            self._rds.remove_tags_from_resource(ResourceName=self._found["DBInstanceArn"], TagKeys=[rds.PASSWORD_TAG])

    def _modify(self, **told: Any) -> None:
        self._rds.modify_db_instance(DBInstanceIdentifier=self.name, **told)

    def _start(self) -> None:
        self._rds.start_db_instance(DBInstanceIdentifier=self.name)
        self.wait_until_it_works()

    def delete(self) -> None:
        if self._status not in rds.FAILED:
            self._settle()
        if self._found["DeletionProtection"]:
            if self._status == "stopped":
                self._start()
            self._modify(DeletionProtection=False, ApplyImmediately=True)
        # AWS makes none of what has failed: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
        if self._params["final_snapshot"] and self._status not in ("failed", "incompatible-restore", "incompatible-network"):
            told = {"FinalDBSnapshotIdentifier": rds.final_snapshot(self.name, datetime.datetime.now(datetime.UTC))}
        else:
            told = {"SkipFinalSnapshot": True}
        self._rds.delete_db_instance(DBInstanceIdentifier=self.name, **told)

    def _settle(self) -> None:
        """Wait while it is busy: AWS changes nothing of it then."""
        self._wait(lambda: self._status in (*rds.WORKING, *rds.FAILED, "stopped", "gone"))

    def wait_until_it_is_gone(self) -> None:
        if not self.is_gone:
            self._wait(lambda: self.is_gone)

    def wait_until_it_works(self) -> None:
        def works() -> bool:
            if self._status in rds.FAILED:
                raise declared.DeclarationError(f"The {self} is {self._status}: {rds.FAILED[self._status]}.")
            return self._status in rds.WORKING

        self._wait(works)

    def _wait(self, done: Callable[[], bool]) -> None:
        def look() -> tuple[bool, str]:
            self._look()
            return done(), self._status

        self._module.wait_until(self, look, self._params["wait_timeout"])

    def facts(self) -> dict[str, Any]:
        found = self._found or {}
        pending = {} if self._status == "creating" else found.get("PendingModifiedValues") or {}
        return {
            "arn": found.get("DBInstanceArn", declared.KNOWN_AFTER_APPLY),
            "pending": sorted(pending),
            "restart_pending": "pending-reboot" in [group["ParameterApplyStatus"] for group in found.get("DBParameterGroups", [])],
            "restored_from": self.restored_from,
            "gone": self.is_gone,
        }
