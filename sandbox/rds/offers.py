"""What there is to choose from, what is due, and what happened."""

from __future__ import annotations

import datetime

from sandbox.core.gateway import Call, operation
from sandbox.rds.models import Databases, Thing, data, engines


@operation("rds", "DescribeDBEngineVersions")
def describe_db_engine_versions(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBEngineVersions.html"""
    params = call.params
    found = [
        engine_version(engine, version, about)
        for engine, about in engines().items()
        for version in about["versions"]
        if params.get("Engine") in (None, engine)
    ]
    found = [known for known in found if params.get("DBParameterGroupFamily") in (None, known["DBParameterGroupFamily"])]
    wanted = params.get("EngineVersion")
    found = [known for known in found if not wanted or f"{known['EngineVersion']}.".startswith(f"{wanted}.")]
    return {"DBEngineVersions": found[:1] if params.get("DefaultOnly") else found}


def engine_version(engine: str, version: str, about: Thing) -> Thing:
    newer = list(about["versions"])[: list(about["versions"]).index(version)]
    targets = [
        {
            "Engine": engine,
            "EngineVersion": target,
            "Description": f"{engine} {target}",
            "AutoUpgrade": False,
            "IsMajorVersionUpgrade": about["versions"][target] != about["versions"][version],
        }
        for target in newer
    ]
    return {
        "Engine": engine,
        "EngineVersion": version,
        "MajorEngineVersion": version.rpartition(".")[0],
        "DBParameterGroupFamily": about["versions"][version],
        "DBEngineDescription": engine,
        "DBEngineVersionDescription": f"{engine} {version}",
        "Status": "available",
        "ValidUpgradeTarget": targets,
        "ExportableLogTypes": about["logs"],
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": True,
        "SupportedCACertificateIdentifiers": data("catalogue")["certificates"],
        "SupportsCertificateRotationWithoutRestart": True,
    }


@operation("rds", "DescribeOrderableDBInstanceOptions")
def describe_orderable_db_instance_options(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html"""
    params, engine = call.params, call.params["Engine"]
    about, zones = engines().get(engine, {"versions": {}}), [{"Name": f"{call.region}{letter}"} for letter in "abc"]
    classes = [f"{kind}.{size}" for kind, sizes in data("catalogue")["classes"].items() for size in sizes]
    found = [
        {
            "Engine": engine,
            "EngineVersion": version,
            "DBInstanceClass": name,
            "LicenseModel": about["license"],
            "AvailabilityZones": zones,
            "MultiAZCapable": True,
            "ReadReplicaCapable": True,
            "Vpc": True,
            "SupportsStorageEncryption": True,
            "SupportsStorageAutoscaling": True,
            "StorageType": storage,
            "SupportsIops": storage in ("gp3", "io1", "io2"),
            "MinStorageSize": smallest,
            "MaxStorageSize": 65536,
        }
        for version in about["versions"]
        for name in classes
        for storage, smallest in data("catalogue")["storage"].items()
    ]
    keys = ("EngineVersion", "DBInstanceClass", "LicenseModel", "Vpc")
    return {"OrderableDBInstanceOptions": [one for one in found if all(params.get(key) in (None, one[key]) for key in keys)]}


@operation("rds", "DescribeCertificates")
def describe_certificates(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeCertificates.html"""
    wanted, now = call.params.get("CertificateIdentifier"), call.clock.now()
    found = [
        {
            "CertificateIdentifier": name,
            "CertificateType": "CA",
            "CertificateArn": f"arn:aws:rds:{call.region}::cert:{name}",
            "ValidTill": now + datetime.timedelta(days=365 * 40),
            "CustomerOverride": False,
        }
        for name in data("catalogue")["certificates"]
        if wanted in (None, name)
    ]
    return {"Certificates": found, "DefaultCertificateForNewLaunches": data("catalogue")["certificates"][0]}


@operation("rds", "DescribePendingMaintenanceActions")
def describe_pending_maintenance_actions(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribePendingMaintenanceActions.html: none is ever due."""
    return {"PendingMaintenanceActions": []}


@operation("rds", "DescribeEvents")
def describe_events(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEvents.html: the last hour's, oldest first."""
    params, now = call.params, call.clock.now()
    since = params.get("StartTime") or now - datetime.timedelta(minutes=params.get("Duration", 60))
    until = params.get("EndTime") or now
    since, until = (moment.replace(tzinfo=datetime.UTC) for moment in (since, until))
    wanted, kinds = {key: params[key] for key in ("SourceIdentifier", "SourceType") if key in params}, params.get("EventCategories", [])
    found = [event for event in call.state(Databases).events if since <= event["Date"] <= until]
    found = [event for event in found if not kinds or set(kinds) & set(event["EventCategories"])]
    return {"Events": [event for event in found if all(event[key] == text for key, text in wanted.items())]}


@operation("rds", "DescribeDBLogFiles")
def describe_db_log_files(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBLogFiles.html: nothing runs that would write one."""
    call.state(Databases).instance(call.params["DBInstanceIdentifier"])
    return {"DescribeDBLogFiles": []}
