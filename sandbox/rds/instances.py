"""Instances: the states on the way, the network interface, engine versions, pending maintenance.

States: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
"""

from __future__ import annotations

from typing import Any

from moto.rds.models import rds_backends

from sandbox.core import networking
from sandbox.core.gateway import Call, State, operation
from sandbox.core.wire import AwsError

Instance = dict[str, Any]
# Public Terraform logs: MySQL takes 3 to 6 minutes to be available (docs/sandbox.md).
CREATION = [("creating", 150), ("backing-up", 90)]
MODIFICATION, REBOOT, DELETION, STOP, START = (
    [("modifying", 180)],
    [("rebooting", 60)],
    [("deleting", 240)],
    [("stopping", 120)],
    [("starting", 180)],
)
ENGINES = {
    "mysql": {"8.4.7": "mysql8.4", "8.4.6": "mysql8.4", "8.4.5": "mysql8.4", "8.0.43": "mysql8.0", "8.0.42": "mysql8.0"},
    "mariadb": {"11.8.3": "mariadb11.8"},
    "postgres": {"17.6": "postgres17", "16.10": "postgres16"},
}
# What is changed with the instance running, at once, and shows no state of its own.
QUIET = {
    "DBInstanceIdentifier",
    "ApplyImmediately",
    "DeletionProtection",
    "CopyTagsToSnapshot",
    "BackupRetentionPeriod",
    "CloudwatchLogsExportConfiguration",
}


class Databases(State):
    """The states that instances are passing through; moto keeps the instances."""

    def model(self, name: str) -> Any:
        return rds_backends[self.account][self.region].databases.get(name)

    def passing(self, name: str, steps: list[tuple[str, int]], end: str = "available") -> None:
        """Lead an instance through states, each for its seconds."""
        instance = self.model(name)

        def enter(number: int) -> None:
            if self.model(name) is not instance:
                return
            instance.status = steps[number][0] if number < len(steps) else end
            if number < len(steps):
                self.clock.after(steps[number][1], lambda: enter(number + 1))

        enter(0)

    def answer(self, name: str, answered: Instance) -> Instance:
        """moto's answer with the state that the instance is in by now."""
        return {**answered, "DBInstance": {**answered["DBInstance"], "DBInstanceStatus": self.model(name).status}}

    def check_available(self, name: str) -> None:
        instance = self.model(name)
        if instance is not None and instance.status not in ("available", "stopped"):
            raise AwsError("InvalidDBInstanceState", f"Database instance is not in available state: {name} is {instance.status}.")


def interface(name: str) -> str:
    return f"RDSNetworkInterface {name}"


@operation("rds", "CreateDBInstance")
def create_db_instance(call: Call) -> Instance:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html: creating, backing-up, available."""
    state, name = call.state(Databases), call.params["DBInstanceIdentifier"]
    check_engine(call.params["Engine"], call.params.get("EngineVersion"))
    made = call.ask()
    subnets = [subnet["SubnetIdentifier"] for subnet in made["DBInstance"].get("DBSubnetGroup", {}).get("Subnets", [])]
    if subnets:
        networking.attach(state, interface(name), subnets, call.params.get("VpcSecurityGroupIds", []))
    state.passing(name, CREATION if call.params.get("BackupRetentionPeriod", 1) else CREATION[:1])
    return state.answer(name, made)


def check_engine(engine: str, version: str | None) -> None:
    known = ENGINES.get(engine, {})
    if version and known and not any(number == version or number.startswith(version + ".") for number in known):
        raise AwsError("InvalidParameterCombination", f"Cannot find version {version} for {engine}")


@operation("rds", "ModifyDBInstance")
def modify_db_instance(call: Call) -> Instance:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html: modifying, available."""
    state, name = call.state(Databases), call.params["DBInstanceIdentifier"]
    state.check_available(name)
    check_engine(getattr(state.model(name), "engine", ""), call.params.get("EngineVersion"))
    changed = call.ask()
    if "VpcSecurityGroupIds" in call.params:
        networking.regroup(state, interface(name), call.params["VpcSecurityGroupIds"])
    if call.params.get("ApplyImmediately") and set(call.params) - QUIET:
        state.passing(name, MODIFICATION)
    return state.answer(call.params.get("NewDBInstanceIdentifier", name), changed)


def passing_operation(name: str, steps: list[tuple[str, int]], end: str) -> None:
    def handler(call: Call) -> Instance:
        identifier = call.params["DBInstanceIdentifier"]
        answered = call.ask()
        call.state(Databases).passing(identifier, steps, end)
        return call.state(Databases).answer(identifier, answered)

    operation("rds", name)(handler)


# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RebootDBInstance.html, and those beside it
passing_operation("RebootDBInstance", REBOOT, "available")
passing_operation("StopDBInstance", STOP, "stopped")
passing_operation("StartDBInstance", START, "available")


@operation("rds", "DeleteDBInstance")
def delete_db_instance(call: Call) -> Instance:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html: deleting, and gone only when that is over."""
    state, name = call.state(Databases), call.params["DBInstanceIdentifier"]
    instance = state.model(name)
    if instance is None:
        raise AwsError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    final, skip = call.params.get("FinalDBSnapshotIdentifier"), call.params.get("SkipFinalSnapshot", False)
    if not final and not skip:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise AwsError("InvalidParameterCombination", message)
    if instance.deletion_protection:
        raise AwsError(
            "InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again."
        )
    if instance.status == "deleting":
        raise AwsError("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
    described = call.invoke("rds", "DescribeDBInstances", DBInstanceIdentifier=name)["DBInstances"][0]
    if final:
        call.invoke("rds", "CreateDBSnapshot", DBInstanceIdentifier=name, DBSnapshotIdentifier=final)
    instance.status = "deleting"

    def end() -> None:
        if state.model(name) is instance:
            networking.detach(state, interface(name))
            rds_backends[state.account][state.region].delete_db_instance(name, skip_final_snapshot=True)

    state.clock.after(DELETION[0][1], end)
    return {"DBInstance": {**described, "DBInstanceStatus": "deleting"}}


@operation("rds", "DescribeDBEngineVersions")
def describe_db_engine_versions(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBEngineVersions.html"""
    params = call.params
    listed = [
        {
            "Engine": engine,
            "EngineVersion": version,
            "MajorEngineVersion": version.rpartition(".")[0],
            "DBParameterGroupFamily": family,
            "DBEngineDescription": engine,
            "DBEngineVersionDescription": f"{engine} {version}",
            "Status": "available",
            "ValidUpgradeTarget": [],
        }
        for engine, versions in ENGINES.items()
        for version, family in versions.items()
    ]
    found = [known for known in listed if params.get("Engine") in (None, known["Engine"])]
    found = [known for known in found if params.get("DBParameterGroupFamily") in (None, known["DBParameterGroupFamily"])]
    wanted = params.get("EngineVersion")
    found = [known for known in found if not wanted or known["EngineVersion"] == wanted or known["EngineVersion"].startswith(wanted + ".")]
    return {"DBEngineVersions": found[:1] if params.get("DefaultOnly") else found}


@operation("rds", "DescribePendingMaintenanceActions")
def describe_pending_maintenance_actions(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribePendingMaintenanceActions.html: none is ever due."""
    return {"PendingMaintenanceActions": []}
