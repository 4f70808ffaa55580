"""Instances: made, changed, restarted, deleted, and the states on the way.

States: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
What a change does and when: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Generator
from typing import Any

from sandbox.core import networking, tags
from sandbox.core.gateway import Call, operation
from sandbox.core.wire import AwsError
from sandbox.rds import checks
from sandbox.rds.models import Databases, Thing, check_name, data, engines, family, version_of

# Public Terraform logs: MySQL takes 3 to 6 minutes to be available (docs/sandbox.md).
CREATION, BACKUP, MODIFICATION, REBOOT, DELETION, STOP, START = 150, 90, 180, 60, 240, 120, 180
# For a while after ModifyDBInstance the instance still says "available": hashicorp/terraform-provider-aws#31445, ansible/ansible#19751.
UNSEEN = 15
# What a change waits for, unless it is to be applied immediately; and the state meanwhile.
DEFERRED = {
    "AllocatedStorage": "modifying",
    "DBInstanceClass": "modifying",
    "DBPortNumber": "modifying",
    "EngineVersion": "upgrading",
    "Iops": "modifying",
    "MultiAZ": "modifying",
    "NewDBInstanceIdentifier": "renaming",
    "StorageThroughput": "modifying",
    "StorageType": "modifying",
    "CACertificateIdentifier": "modifying",
    "EnableIAMDatabaseAuthentication": "configuring-iam-database-auth",
}
PENDING_NAMES = {
    "DBPortNumber": "Port",
    "NewDBInstanceIdentifier": "DBInstanceIdentifier",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
}
# What is applied as soon as it is asked for, without a state of its own; other names than in the answer on the right.
AT_ONCE = {
    **{key: key for key in ("AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "DeletionProtection", "MaxAllocatedStorage", "NetworkType")},
    **{key: key for key in ("MonitoringInterval", "MonitoringRoleArn", "PreferredBackupWindow", "PreferredMaintenanceWindow")},
    **{key: key for key in ("PubliclyAccessible", "DatabaseInsightsMode", "PerformanceInsightsRetentionPeriod")},
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
}
Story = Generator[float, None, None]


def real(state: Databases, instance: Thing) -> Any:
    """What runs it in a live sandbox; of the other engines there are records alone."""
    if not state.sandbox.live or instance["Engine"] != "mysql":
        return None
    from sandbox.live import database  # noqa: PLC0415 who does not need it need not have it

    return database


def interface(name: str) -> str:
    return f"RDSNetworkInterface {name}"


def answer(state: Databases, instance: Thing) -> Thing:
    """An instance as it is described."""
    return {**instance, "TagList": state.tagged(instance["DBInstanceArn"])}


@operation("rds", "DescribeDBInstances")
def describe_db_instances(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html"""
    state, name = call.state(Databases), call.params.get("DBInstanceIdentifier")
    found = [state.instance(name)] if name else list(state.instances.values())
    for wanted in call.params.get("Filters", []):
        keys = {"db-instance-id": "DBInstanceIdentifier", "dbi-resource-id": "DbiResourceId", "engine": "Engine"}
        found = [instance for instance in found if instance.get(keys.get(wanted["Name"], "")) in wanted["Values"]]
    return {"DBInstances": [answer(state, instance) for instance in found]}


@operation("rds", "CreateDBInstance")
def create_db_instance(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html: creating, backing-up, available."""
    params = dict(call.params)
    params["EngineVersion"] = version_of(params["Engine"], params.get("EngineVersion"))
    checks.created(params)
    return {"DBInstance": make(call, params, "DB instance created", tags.as_dict(params.get("Tags")))}


def make(call: Call, params: Thing, told: str, tagged: dict[str, str]) -> Thing:
    """Make an instance from a request that was checked, or from a snapshot."""
    state = call.state(Databases)
    name = check_name("DBInstanceIdentifier", params["DBInstanceIdentifier"])
    if name in state.instances:
        raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
    network = network_of(call, state, params)
    group = parameter_group(state, params.get("DBParameterGroupName"), family(params["Engine"], params["EngineVersion"]))
    instance = {**described(state, name, params), **network, "DBParameterGroups": [group]}
    state.instances[name] = instance
    state.tags[instance["DBInstanceArn"]] = tagged
    state.passwords[instance["DbiResourceId"]] = params.get("MasterUserPassword", "")
    subnets = [subnet["SubnetIdentifier"] for subnet in instance.get("DBSubnetGroup", {}).get("Subnets", [])]
    if subnets:
        networking.attach(state, interface(name), subnets, [member["VpcSecurityGroupId"] for member in instance["VpcSecurityGroups"]])
    state.clock.play(creation(state, instance, params, told))
    return answer(state, instance)


def described(state: Databases, name: str, params: Thing) -> Thing:
    storage = params.get("StorageType", "gp3" if params.get("Iops") is None else "io1")
    optional = ("DBName", "MaxAllocatedStorage", "MonitoringRoleArn", "AvailabilityZone")
    pending: Thing = {"MasterUserPassword": "****"} if "MasterUserPassword" in params else {}
    if params.get("EnableCloudwatchLogsExports"):
        pending["PendingCloudwatchLogsExports"] = {"LogTypesToEnable": params["EnableCloudwatchLogsExports"]}
    zone = params.get("AvailabilityZone", f"{state.region}a")
    encrypted = params.get("StorageEncrypted", False)
    return {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": state.arn("rds", f"db:{name}"),
        "DbiResourceId": f"db-{secrets.token_hex(13).upper()}",
        "DBInstanceStatus": "creating",
        **{key: params[key] for key in ("DBInstanceClass", "Engine", "EngineVersion", "MasterUsername", "AllocatedStorage")},
        **{key: params[key] for key in optional if key in params},
        "PreferredBackupWindow": params.get("PreferredBackupWindow", "07:30-08:00"),
        "PreferredMaintenanceWindow": params.get("PreferredMaintenanceWindow", "sun:09:00-sun:09:30"),
        "BackupRetentionPeriod": params.get("BackupRetentionPeriod", 1),
        "MultiAZ": params.get("MultiAZ", False),
        "AutoMinorVersionUpgrade": params.get("AutoMinorVersionUpgrade", True),
        "LicenseModel": engines()[params["Engine"]]["license"],
        "PubliclyAccessible": params.get("PubliclyAccessible", False),
        "StorageType": storage,
        **({"Iops": params.get("Iops", 3000), "StorageThroughput": params.get("StorageThroughput", 125)} if storage == "gp3" else {}),
        "StorageEncrypted": encrypted,
        **({"KmsKeyId": params.get("KmsKeyId", key_of(state))} if encrypted else {}),
        "CACertificateIdentifier": params.get("CACertificateIdentifier", data("catalogue")["certificates"][0]),
        "CopyTagsToSnapshot": params.get("CopyTagsToSnapshot", False),
        "MonitoringInterval": params.get("MonitoringInterval", 0),
        "IAMDatabaseAuthenticationEnabled": params.get("EnableIAMDatabaseAuthentication", False),
        "PerformanceInsightsEnabled": params.get("EnablePerformanceInsights", False),
        "DatabaseInsightsMode": params.get("DatabaseInsightsMode", "standard"),
        "DeletionProtection": params.get("DeletionProtection", False),
        "PendingModifiedValues": pending,
        "AvailabilityZone": zone,
        **({"SecondaryAvailabilityZone": f"{state.region}b"} if params.get("MultiAZ") else {}),
        "OptionGroupMemberships": [
            {"OptionGroupName": f"default:{params['Engine']}-{params['EngineVersion'].rpartition('.')[0].replace('.', '-')}"}
            | {"Status": "in-sync"}
        ],
        "DbInstancePort": 0,
        "BackupTarget": "region",
        "NetworkType": "IPV4",
        "CustomerOwnedIpEnabled": False,
        "DedicatedLogVolume": False,
        "EngineLifecycleSupport": params.get("EngineLifecycleSupport", "open-source-rds-extended-support"),
        **{key: [] for key in ("DBSecurityGroups", "ReadReplicaDBInstanceIdentifiers", "DomainMemberships", "AssociatedRoles")},
    }


def key_of(state: Databases) -> str:
    """The account's own key for RDS (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html)."""
    found = state.invoke("kms", "ListAliases")["Aliases"]
    alias = next((alias for alias in found if alias["AliasName"] == "alias/aws/rds" and "TargetKeyId" in alias), None)
    return state.arn("kms", f"key/{alias['TargetKeyId']}" if alias else "alias/aws/rds")


def network_of(call: Call, state: Databases, params: Thing) -> Thing:
    """Subnet group and security groups, which must be of one VPC; without security groups, the VPC's default one."""
    group = state.subnet_group(params["DBSubnetGroupName"]) if params.get("DBSubnetGroupName") else None
    wanted = params.get("VpcSecurityGroupIds")
    if wanted:
        try:
            found = call.invoke("ec2", "DescribeSecurityGroups", GroupIds=wanted)["SecurityGroups"]
        except AwsError as error:
            raise AwsError("InvalidParameterValue", f"Invalid security group , groupId= {wanted}, groupName=.") from error
        for member in found if group else []:
            if member["VpcId"] != group["VpcId"]:
                where = f"The DB instance is in {group['VpcId']} and the EC2 security group is in {member['VpcId']}"
                raise AwsError("InvalidVPCNetworkStateFault", f"The DB instance and EC2 security group are in different VPCs. {where}")
    elif group:
        filters = [{"Name": "vpc-id", "Values": [group["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
        found = call.invoke("ec2", "DescribeSecurityGroups", Filters=filters)["SecurityGroups"]
        wanted = [member["GroupId"] for member in found]
    members = [{"VpcSecurityGroupId": identifier, "Status": "active"} for identifier in wanted or []]
    return {"VpcSecurityGroups": members, **({"DBSubnetGroup": group} if group else {})}


def parameter_group(state: Databases, name: str | None, kind: str) -> Thing:
    group = state.parameter_group(name or f"default.{kind}")
    if group["DBParameterGroupFamily"] != kind:
        message = (
            f"The Parameter Group {name} with DBParameterGroupFamily {group['DBParameterGroupFamily']} cannot be used for this instance. "
        )
        raise AwsError("InvalidParameterCombination", f"{message}Please use a Parameter Group with DBParameterGroupFamily {kind}")
    return {"DBParameterGroupName": group["DBParameterGroupName"], "ParameterApplyStatus": "in-sync"}


def creation(state: Databases, instance: Thing, params: Thing, told: str) -> Story:
    yield CREATION
    if state.instances.get(instance["DBInstanceIdentifier"]) is not instance:
        return
    name, port = instance["DBInstanceIdentifier"], params.get("Port", engines()[instance["Engine"]]["port"])
    if database := real(state, instance):
        yield from database.create(state, instance, port, params.get("SourceVolume"))
    instance["InstanceCreateTime"] = state.clock.now()
    instance["Endpoint"] = {"Address": state.endpoint(name), "Port": port, "HostedZoneId": "Z1PVIF0B656C1W"}
    valid = {"CAIdentifier": instance["CACertificateIdentifier"], "ValidTill": state.clock.now() + datetime.timedelta(days=365)}
    instance["CertificateDetails"] = valid
    instance["PendingModifiedValues"] = {}
    export_logs(state, instance, params.get("EnableCloudwatchLogsExports", []), [])
    state.tell(instance, told, "restoration" if told.startswith("Restored") else "creation")
    if instance["BackupRetentionPeriod"]:
        yield from backup(state, instance)
    settle(state, instance)


def settle(state: Databases, instance: Thing) -> None:
    if instance["DBInstanceStatus"] != "deleting":
        fails = state.asks_too_much(instance) or instance["DbiResourceId"] in state.broken
        instance["DBInstanceStatus"] = "incompatible-parameters" if fails else "available"


def backup(state: Databases, instance: Thing) -> Story:
    instance["DBInstanceStatus"] = "backing-up"
    state.tell(instance, "Backing up DB instance", "backup")
    yield BACKUP
    instance["LatestRestorableTime"] = state.clock.now()
    state.tell(instance, "Finished DB Instance backup", "backup")


def export_logs(state: Databases, instance: Thing, on: list[str], off: list[str]) -> None:
    """RDS makes the log groups itself, and leaves them behind.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html
    """
    kept = [kind for kind in instance.get("EnabledCloudwatchLogsExports", []) if kind not in off]
    exported = sorted({*kept, *on})
    instance.pop("EnabledCloudwatchLogsExports", None)
    if exported:
        instance["EnabledCloudwatchLogsExports"] = exported
    for kind in on:
        try:
            state.invoke("logs", "CreateLogGroup", logGroupName=f"/aws/rds/instance/{instance['DBInstanceIdentifier']}/{kind}")
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise


@operation("rds", "ModifyDBInstance")
def modify_db_instance(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html

    What is not applied at once is pending: until the next maintenance window (which never comes here), or, if it is to be applied
    immediately, for as long as it takes.
    """
    state, params = call.state(Databases), dict(call.params)
    instance = state.instance(params["DBInstanceIdentifier"])
    available(instance, "available", "stopped")
    checks.modified(instance, params)
    if "EngineVersion" in params:
        params["EngineVersion"] = version_of(instance["Engine"], params["EngineVersion"])
        checks.upgraded(instance, params)
    network = network_of(call, state, {"DBSubnetGroupName": instance.get("DBSubnetGroup", {}).get("DBSubnetGroupName"), **params})
    if "MasterUserPassword" in params:
        state.passwords[instance["DbiResourceId"]] = params["MasterUserPassword"]
    if "VpcSecurityGroupIds" in params:
        instance["VpcSecurityGroups"] = network["VpcSecurityGroups"]
        networking.regroup(state, interface(instance["DBInstanceIdentifier"]), params["VpcSecurityGroupIds"])
    if "DBParameterGroupName" in params:
        (group,) = instance["DBParameterGroups"]
        changed = parameter_group(state, params["DBParameterGroupName"], family(instance["Engine"], instance["EngineVersion"]))
        if changed["DBParameterGroupName"] != group["DBParameterGroupName"]:
            instance["DBParameterGroups"] = [{**changed, "ParameterApplyStatus": "pending-reboot"}]
    instance |= {name: params[key] for key, name in AT_ONCE.items() if key in params}
    pend(instance, params)
    work = {key: value for key, value in instance["PendingModifiedValues"].items() if params.get("ApplyImmediately") or key in ALWAYS}
    if work:
        state.clock.play(modification(state, instance, work))
    return {"DBInstance": answer(state, instance)}


# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html: "asynchronously applied as soon as possible"
ALWAYS = ("MasterUserPassword", "PendingCloudwatchLogsExports", "BackupRetentionPeriod")


def pend(instance: Thing, params: Thing) -> None:
    """Put down what is to change; what already is so does not count."""
    pending = instance["PendingModifiedValues"]
    for key in DEFERRED:
        name = PENDING_NAMES.get(key, key)
        current = instance.get("Endpoint", {}).get("Port") if key == "DBPortNumber" else instance.get(name)
        if key in params and params[key] != current:
            pending[name] = params[key]
        elif key in params:
            pending.pop(name, None)
    days = params.get("BackupRetentionPeriod")
    if days is not None and days != instance["BackupRetentionPeriod"]:
        pending["BackupRetentionPeriod"] = days
    if "MasterUserPassword" in params:
        pending["MasterUserPassword"] = "****"
    logs = params.get("CloudwatchLogsExportConfiguration", {})
    on, off = logs.get("EnableLogTypes", []), logs.get("DisableLogTypes", [])
    if on or off:
        pending["PendingCloudwatchLogsExports"] = {"LogTypesToEnable": on, "LogTypesToDisable": off}


def modification(state: Databases, instance: Thing, work: Thing) -> Story:
    yield UNSEEN
    if instance["DBInstanceStatus"] == "deleting":
        return
    database = real(state, instance) if instance["DBInstanceStatus"] == "available" else None
    slow = [key for key in work if key not in ("PendingCloudwatchLogsExports", "BackupRetentionPeriod")]
    names = {name: key for key, name in PENDING_NAMES.items()}
    if slow:
        states = {"MasterUserPassword": "resetting-master-credentials", **DEFERRED}
        instance["DBInstanceStatus"] = states[names.get(slow[0], slow[0])]
        yield MODIFICATION
    restarts = RESTARTS.intersection(work)
    if database and restarts:
        yield from database.stop(state, instance)
    apply(state, instance, work)
    if database and restarts:
        yield from database.start(state, instance)
    if database and "MasterUserPassword" in work:
        yield from database.set_password(state, instance)
    if work.get("BackupRetentionPeriod") and "LatestRestorableTime" not in instance:
        yield from backup(state, instance)
    settle(state, instance)


def apply(state: Databases, instance: Thing, work: Thing) -> None:
    instance["PendingModifiedValues"] = {key: value for key, value in instance["PendingModifiedValues"].items() if key not in work}
    logs = work.pop("PendingCloudwatchLogsExports", None)
    if logs:
        export_logs(state, instance, logs["LogTypesToEnable"], logs.get("LogTypesToDisable", []))
    if "Port" in work:
        instance["Endpoint"]["Port"] = work.pop("Port")
    if "CACertificateIdentifier" in work:
        instance["CertificateDetails"]["CAIdentifier"] = work["CACertificateIdentifier"]
    if "DBInstanceIdentifier" in work:
        rename(state, instance, work.pop("DBInstanceIdentifier").lower())
    instance |= {key: value for key, value in work.items() if key != "MasterUserPassword"}
    instance.pop("SecondaryAvailabilityZone", None)
    if instance["MultiAZ"]:
        instance["SecondaryAvailabilityZone"] = f"{state.region}b"
    for key, words in TOLD.items():
        if key in work:
            state.tell(instance, words, "configuration change")


# What a running instance is started anew for.
RESTARTS = {"DBInstanceClass", "EngineVersion", "Port", "DBInstanceIdentifier", "CACertificateIdentifier"}
TOLD = {
    "DBInstanceClass": "Finished applying modification to DB instance class",
    "AllocatedStorage": "Finished applying modification to allocated storage",
    "MultiAZ": "Finished applying modification to convert to a Multi-AZ DB Instance",
    "MasterUserPassword": "Reset master credentials",
}


def rename(state: Databases, instance: Thing, name: str) -> None:
    old, arn = instance["DBInstanceIdentifier"], instance["DBInstanceArn"]
    instance |= {"DBInstanceIdentifier": name, "DBInstanceArn": state.arn("rds", f"db:{name}")}
    instance["Endpoint"]["Address"] = state.endpoint(name)
    state.instances[name] = state.instances.pop(old)
    state.tags[instance["DBInstanceArn"]] = state.tags.pop(arn, {})
    networking.rename(state, interface(old), interface(name))


def available(instance: Thing, *states: str) -> None:
    if instance["DBInstanceStatus"] not in states:
        message = f"Database instance is not in available state: {instance['DBInstanceIdentifier']} is {instance['DBInstanceStatus']}."
        raise AwsError("InvalidDBInstanceState", message)


def passing(name: str, status: str, seconds: float, before: tuple[str, ...], after: str) -> None:
    """Register an operation that leads an instance from one state through another to a third."""

    def story(state: Databases, instance: Thing, failing: bool) -> Story:
        instance["DBInstanceStatus"] = status
        database = real(state, instance)
        if failing:
            fail_over(state, instance)
        if database and status != "starting":
            yield from database.stop(state, instance, at_once=failing)
        yield seconds
        if database and status != "stopping" and instance["DBInstanceStatus"] == status:
            yield from database.start(state, instance)
        if after == "available":
            settle(state, instance)
        elif instance["DBInstanceStatus"] == status:
            instance["DBInstanceStatus"] = after
        instance["DBParameterGroups"][0]["ParameterApplyStatus"] = "in-sync"
        state.tell(instance, {"rebooting": "DB instance restarted", "stopping": "DB instance stopped"}.get(status, "DB instance started"))

    def handler(call: Call) -> Thing:
        state = call.state(Databases)
        instance = state.instance(call.params["DBInstanceIdentifier"])
        available(instance, *before)
        failing = call.params.get("ForceFailover", False)
        if failing and not instance["MultiAZ"]:
            raise AwsError("InvalidParameterCombination", "You can't force a failover of a DB instance that isn't Multi-AZ.")
        state.clock.play(story(state, instance, failing))
        return {"DBInstance": answer(state, instance)}

    operation("rds", name)(handler)


def fail_over(state: Databases, instance: Thing) -> None:
    """The standby takes over: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZ.Failover.html"""
    instance["AvailabilityZone"], instance["SecondaryAvailabilityZone"] = (
        instance["SecondaryAvailabilityZone"],
        instance["AvailabilityZone"],
    )
    state.tell(instance, "Multi-AZ instance failover started.", "failover")
    state.tell(instance, "Multi-AZ instance failover completed", "failover", "notification")


# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RebootDBInstance.html, and those beside it
passing("RebootDBInstance", "rebooting", REBOOT, ("available", "incompatible-parameters"), "available")
passing("StopDBInstance", "stopping", STOP, ("available",), "stopped")
passing("StartDBInstance", "starting", START, ("stopped",), "available")


@operation("rds", "DeleteDBInstance")
def delete_db_instance(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html: deleting, and gone only when that is over."""
    from sandbox.rds import snapshots  # noqa: PLC0415 it makes instances

    state = call.state(Databases)
    instance = state.instance(call.params["DBInstanceIdentifier"])
    final, skip = call.params.get("FinalDBSnapshotIdentifier"), call.params.get("SkipFinalSnapshot", False)
    if bool(final) == skip:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        message = "FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot" if skip else message
        raise AwsError("InvalidParameterCombination", message)
    if instance["DeletionProtection"]:
        message = "Cannot delete protected DB Instance, please disable deletion protection and try again."
        raise AwsError("InvalidParameterCombination", message)
    if instance["DBInstanceStatus"] == "deleting":
        raise AwsError("InvalidDBInstanceState", f"Instance {instance['DBInstanceIdentifier']} is already being deleted.")
    if final:
        snapshots.take(state, instance, final, {})
    instance["DBInstanceStatus"] = "deleting"
    state.clock.play(deletion(state, instance))
    return {"DBInstance": answer(state, instance)}


def deletion(state: Databases, instance: Thing) -> Story:
    yield DELETION
    if database := real(state, instance):
        yield from database.remove(state, instance)
    name: Any = instance["DBInstanceIdentifier"]
    networking.detach(state, interface(name))
    state.tell(instance, "DB instance deleted", "deletion")
    del state.instances[name]
    state.tags.pop(instance["DBInstanceArn"], None)
