"""What RDS refuses of a new or changed instance.

Limits: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html. The words are AWS's where public reports
have them; the others follow their form.
"""

from __future__ import annotations

import re

from sandbox.core.wire import AwsError
from sandbox.rds.models import Thing, data, engines


def value(wrong: bool, message: str) -> None:
    if wrong:
        raise AwsError("InvalidParameterValue", message)


def combination(wrong: bool, message: str) -> None:
    if wrong:
        raise AwsError("InvalidParameterCombination", message)


def created(params: Thing) -> None:
    """A new instance: what it must name, and what both it and a change keep to."""
    engine, managed = params["Engine"], params.get("ManageMasterUserPassword", False)
    if managed:
        raise AwsError("NotImplemented", "The sandbox keeps no master password in Secrets Manager (docs/sandbox.md).", 501)
    for name in ("MasterUsername", "MasterUserPassword", "AllocatedStorage"):
        value(name not in params, f"The parameter {name} must be provided and must not be blank.")
    user = params["MasterUsername"]
    value(not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,15}", user), f"The parameter MasterUsername is not a valid identifier: {user}")
    value(user.lower() in ("rdsadmin", "root"), f"MasterUsername {user} cannot be used as it is a reserved word used by the engine")
    database = params.get("DBName", "a")
    value(
        not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", database),
        "DBName must begin with a letter and contain only alphanumeric characters.",
    )
    storage = params.get("StorageType", "gp3")
    smallest, wanted = data("catalogue")["storage"].get(storage, 0), params["AllocatedStorage"]
    value(not smallest, f"Invalid storage type: {storage}")
    value(wanted < smallest, f"Invalid storage size for engine name {engine} and storage type {storage}: {wanted}")
    common(engine, params["EngineVersion"], params)
    most(params.get("MaxAllocatedStorage"), wanted)


def modified(instance: Thing, params: Thing) -> None:
    combination(not set(params) - {"DBInstanceIdentifier", "ApplyImmediately"}, "No modifications were requested")
    common(instance["Engine"], instance["EngineVersion"], params)
    current = instance["AllocatedStorage"]
    wanted = params.get("AllocatedStorage", current)
    combination(wanted < current, f"Requested allocated storage ({wanted}) is smaller than the current one ({current}).")
    if wanted > current:  # rounded up to 10 % more: API_ModifyDBInstance.html
        params["AllocatedStorage"] = max(wanted, -(-current * 11 // 10))
    most(params.get("MaxAllocatedStorage"), max(wanted, current))


def upgraded(instance: Thing, params: Thing) -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.MySQL.html"""
    engine, before, after = instance["Engine"], instance["EngineVersion"], params["EngineVersion"]
    newest_first = list(engines()[engine]["versions"])
    combination(newest_first.index(after) > newest_first.index(before), f"Cannot upgrade {engine} from {before} to {after}")
    major = before.rpartition(".")[0] != after.rpartition(".")[0]
    needed = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
    combination(major and not params.get("AllowMajorVersionUpgrade"), needed)


def most(limit: int | None, storage: int) -> None:
    combination(limit is not None and limit <= storage, "Max storage size must be greater than storage size")


def common(engine: str, version: str, params: Thing) -> None:
    size = params.get("DBInstanceClass", "db.t4g.micro")
    kind, _, name = size.rpartition(".")
    value(name not in data("catalogue")["classes"].get(kind, []), f"Invalid DB Instance class: {size}")
    password = params.get("MasterUserPassword", "a" * 8)
    printable = "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
    value(not re.fullmatch(r"[!#-.0-?A-~]*", password), f"The parameter MasterUserPassword is not a valid password. {printable}")
    wrong = "shorter than 8 characters" if len(password) < 8 else "longer than 41 characters" if len(password) > 41 else ""
    value(bool(wrong), f"The parameter MasterUserPassword is not a valid password because it is {wrong}.")
    days = params.get("BackupRetentionPeriod", 0)
    value(not 0 <= days <= 35, f"Invalid backup retention period: {days}. Must be between 0 and 35 days.")
    windows(params)
    if params.get("CACertificateIdentifier") not in (None, *data("catalogue")["certificates"]):
        raise AwsError("CertificateNotFound", f"Certificate not found: {params['CACertificateIdentifier']}", 404)
    logs = params.get("EnableCloudwatchLogsExports") or params.get("CloudwatchLogsExportConfiguration", {}).get("EnableLogTypes", [])
    unknown = [kind for kind in logs if kind not in engines()[engine]["logs"]]
    listed = ", ".join(f"'{kind}'" for kind in unknown)
    message = f"You cannot use the log types {listed} with engine version {engine} {version}."
    combination(bool(unknown), f"{message} For supported log types, see the documentation.")


TIME = r"([01]\d|2[0-3]):[0-5]\d"
DAY = "(mon|tue|wed|thu|fri|sat|sun)"


def windows(params: Thing) -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupWindow.html"""
    back, kept = params.get("PreferredBackupWindow"), params.get("PreferredMaintenanceWindow")
    value(
        bool(back) and not re.fullmatch(f"{TIME}-{TIME}", back),
        f"Invalid backup window format: {back}. Should be specified as hh24:mi-hh24:mi",
    )
    form = "Should be specified as ddd:hh24:mi-ddd:hh24:mi"
    value(bool(kept) and not re.fullmatch(f"{DAY}:{TIME}-{DAY}:{TIME}", kept.lower()), f"Invalid maintenance window format: {kept}. {form}")
    if back and kept:
        begin, end = back.split("-")
        first, last = (moment[4:] for moment in kept.split("-"))
        value(begin < last and first < end, "The backup window and maintenance window must not overlap.")
