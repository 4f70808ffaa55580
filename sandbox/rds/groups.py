"""Subnet groups, parameter groups and tags.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html, USER_VPC.WorkingWithRDSInstanceinaVPC.html
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.core import networking, tags
from sandbox.core.gateway import Call, operation
from sandbox.core.wire import AwsError
from sandbox.rds import instances
from sandbox.rds.models import Databases, Thing, check_name, data, engines

MOST_PARAMETERS = 20


def subnets_of(call: Call, ids: list[str]) -> Thing:
    """The VPC and the subnets of a group, which must lie in two zones at least."""
    try:
        found = call.invoke("ec2", "DescribeSubnets", SubnetIds=ids)["Subnets"]
    except AwsError as error:
        raise AwsError("InvalidSubnet", error.message) from error
    if len({subnet["VpcId"] for subnet in found}) > 1:
        raise AwsError("InvalidSubnet", "The specified subnets are not all in one VPC.")
    zones = sorted({subnet["AvailabilityZone"] for subnet in found})
    if len(zones) < 2:
        message = f"The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: {', '.join(zones)}. "
        raise AwsError("DBSubnetGroupDoesNotCoverEnoughAZs", message + "Add subnets to cover at least 2 AZs.")
    listed = [
        {
            "SubnetIdentifier": subnet["SubnetId"],
            "SubnetAvailabilityZone": {"Name": subnet["AvailabilityZone"]},
            "SubnetOutpost": {},
            "SubnetStatus": "Active",
        }
        for subnet in found
    ]
    return {"VpcId": found[0]["VpcId"], "Subnets": listed}


@operation("rds", "CreateDBSubnetGroup")
def create_db_subnet_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html"""
    state, params = call.state(Databases), call.params
    name = params["DBSubnetGroupName"].lower()
    if name == "default" or not re.fullmatch(r"[a-z0-9 ._-]{1,255}", name):
        raise AwsError("InvalidParameterValue", f"The parameter DBSubnetGroupName is not provided or contains invalid characters: {name}")
    if name in state.subnet_groups:
        raise AwsError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    made = {
        "DBSubnetGroupName": name,
        "DBSubnetGroupDescription": params["DBSubnetGroupDescription"],
        **subnets_of(call, params["SubnetIds"]),
        "SubnetGroupStatus": "Complete",
        "DBSubnetGroupArn": state.arn("rds", f"subgrp:{name}"),
        "SupportedNetworkTypes": ["IPV4"],
    }
    state.subnet_groups[name] = made
    state.tags[made["DBSubnetGroupArn"]] = tags.as_dict(params.get("Tags"))
    return {"DBSubnetGroup": made}


@operation("rds", "DescribeDBSubnetGroups")
def describe_db_subnet_groups(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSubnetGroups.html"""
    state, name = call.state(Databases), call.params.get("DBSubnetGroupName")
    return {"DBSubnetGroups": [state.subnet_group(name)] if name else list(state.subnet_groups.values())}


@operation("rds", "ModifyDBSubnetGroup")
def modify_db_subnet_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSubnetGroup.html: not without a subnet in use."""
    state, params = call.state(Databases), call.params
    found = state.subnet_group(params["DBSubnetGroupName"])
    changed = subnets_of(call, params["SubnetIds"])
    gone = {s["SubnetIdentifier"] for s in found["Subnets"]} - {s["SubnetIdentifier"] for s in changed["Subnets"]}
    gone &= {subnet for name in users(state, "DBSubnetGroup", found) for subnet in networking.subnets(state, f"RDSNetworkInterface {name}")}
    if gone:
        raise AwsError("SubnetInUse", f"Some of the subnets to be deleted are currently in use: {', '.join(sorted(gone))}")
    found |= {**changed, "DBSubnetGroupDescription": params.get("DBSubnetGroupDescription", found["DBSubnetGroupDescription"])}
    return {"DBSubnetGroup": found}


def users(state: Databases, kind: str, group: Thing) -> list[str]:
    """The instances that use a subnet group."""
    return [name for name, instance in state.instances.items() if instance.get(kind) is group]


@operation("rds", "DeleteDBSubnetGroup")
def delete_db_subnet_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBSubnetGroup.html"""
    state = call.state(Databases)
    found = state.subnet_group(call.params["DBSubnetGroupName"])
    name, used = found["DBSubnetGroupName"], users(state, "DBSubnetGroup", found)
    if used:
        message = f"Cannot delete the subnet group '{name}' because at least one database instance: {used[0]} is still using it."
        raise AwsError("InvalidDBSubnetGroupStateFault", message)
    del state.subnet_groups[name]
    state.tags.pop(found["DBSubnetGroupArn"], None)
    return {}


@operation("rds", "CreateDBParameterGroup")
def create_db_parameter_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBParameterGroup.html"""
    state, params = call.state(Databases), call.params
    name, kind = check_name("DBParameterGroupName", params["DBParameterGroupName"], 255), params["DBParameterGroupFamily"]
    if name in state.parameter_groups:
        raise AwsError("DBParameterGroupAlreadyExists", f"Parameter group {name} already exists")
    if kind not in {known for engine in engines().values() for known in engine["versions"].values()}:
        raise AwsError("InvalidParameterValue", f"ParameterGroupFamily {kind} is not a valid parameter group family")
    made = state.add_parameter_group(name, kind, params["Description"])
    state.tags[made["DBParameterGroupArn"]] = tags.as_dict(params.get("Tags"))
    return {"DBParameterGroup": made}


@operation("rds", "DescribeDBParameterGroups")
def describe_db_parameter_groups(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameterGroups.html"""
    state, name = call.state(Databases), call.params.get("DBParameterGroupName")
    return {"DBParameterGroups": [state.parameter_group(name)] if name else list(state.parameter_groups.values())}


def described(name: str, known: Thing, changed: Thing) -> Thing:
    own = {"ParameterValue": known["value"], "Source": "system"} if "value" in known else {"Source": "engine-default"}
    return {
        "ParameterName": name,
        "Description": name,
        "ApplyType": "static" if known.get("static") else "dynamic",
        "DataType": known.get("type", "string"),
        "IsModifiable": True,
        "ApplyMethod": "pending-reboot",
        **({"AllowedValues": known["allowed"]} if "allowed" in known else {}),
        **own,
        **({**changed, "Source": "user"} if changed else {}),
    }


def listed(state: Databases, group: Thing) -> list[Thing]:
    """The parameters of MySQL's families; of others those that were changed."""
    changed = state.values[group["DBParameterGroupName"]]
    known = data("parameters") if group["DBParameterGroupFamily"].startswith("mysql") else {name: {} for name in changed}
    return [described(name, about, changed.get(name, {})) for name, about in known.items()]


@operation("rds", "DescribeDBParameters")
def describe_db_parameters(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameters.html"""
    state = call.state(Databases)
    found = listed(state, state.parameter_group(call.params["DBParameterGroupName"]))
    return {"Parameters": [one for one in found if call.params.get("Source") in (None, one["Source"])]}


@operation("rds", "DescribeEngineDefaultParameters")
def describe_engine_default_parameters(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEngineDefaultParameters.html"""
    state, kind = call.state(Databases), call.params["DBParameterGroupFamily"]
    found = listed(state, state.parameter_group(f"default.{kind}"))
    return {"EngineDefaults": {"DBParameterGroupFamily": kind, "Parameters": found}}


def changeable(call: Call) -> str:
    name = call.state(Databases).parameter_group(call.params["DBParameterGroupName"])["DBParameterGroupName"]
    if name.startswith("default."):
        raise AwsError("InvalidParameterValue", f"The parameter DBParameterGroupName must be provided and must not be a default: {name}")
    if len(call.params.get("Parameters", [])) > MOST_PARAMETERS:
        raise AwsError("InvalidParameterValue", f"A maximum of {MOST_PARAMETERS} parameters can be modified in a single request.")
    return name


@operation("rds", "ModifyDBParameterGroup")
def modify_db_parameter_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html"""
    state, name = call.state(Databases), changeable(call)
    changes = call.params["Parameters"]
    if state.parameter_groups[name]["DBParameterGroupFamily"].startswith("mysql"):
        for change in changes:
            check(change)
    for change in changes:
        state.values[name][change["ParameterName"]] = {key: change[key] for key in ("ParameterValue", "ApplyMethod") if key in change}
    tell_instances(state, name, changes)
    return {"DBParameterGroupName": name}


@operation("rds", "ResetDBParameterGroup")
def reset_db_parameter_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ResetDBParameterGroup.html"""
    state, name = call.state(Databases), changeable(call)
    changes = call.params.get("Parameters", [])
    everything = [{"ParameterName": known, "ApplyMethod": "pending-reboot"} for known in list(state.values[name])]
    for change in changes or everything:
        state.values[name].pop(change["ParameterName"], None)
    tell_instances(state, name, changes or everything)
    return {"DBParameterGroupName": name}


def tell_instances(state: Databases, name: str, changes: list[Thing]) -> None:
    """An instance applies what it can at once; for the rest it waits to be rebooted."""
    waiting = any(change.get("ApplyMethod") == "pending-reboot" for change in changes)
    for instance in state.instances.values():
        (group,) = instance["DBParameterGroups"]
        if group["DBParameterGroupName"] == name and waiting:
            group["ParameterApplyStatus"] = "pending-reboot"
        if group["DBParameterGroupName"] == name and (database := instances.real(state, instance)):
            state.clock.play(database.adjust(state, instance, changes))


def check(change: Thing) -> None:
    name, value = change["ParameterName"], change.get("ParameterValue", "")
    known = data("parameters").get(name)
    if known is None:
        raise AwsError("InvalidParameterValue", f"Could not find parameter with name: {name}")
    if known.get("static") and change.get("ApplyMethod") == "immediate":
        raise AwsError("InvalidParameterCombination", "cannot use immediate apply method for static parameter")
    if not fits(value, known.get("allowed", "")):
        raise AwsError("InvalidParameterValue", f"Value: {value} is outside of range: {known['allowed']} for parameter: {name}")


def fits(value: str, allowed: str) -> bool:
    """Whether a value is among those listed, or in the range; a formula (``{DBInstanceClassMemory*3/4}``) is not worked out."""
    if not allowed or value.startswith("{"):
        return True
    span = re.fullmatch(r"(\d+)-(\d+)", allowed)
    if span:
        return value.isdigit() and int(span[1]) <= int(value) <= int(span[2])
    return value in allowed.split(",")


@operation("rds", "DeleteDBParameterGroup")
def delete_db_parameter_group(call: Call) -> Thing:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBParameterGroup.html"""
    state, name = call.state(Databases), changeable(call)
    members = [i for i in state.instances.values() if i["DBParameterGroups"][0]["DBParameterGroupName"] == name]
    if members:
        message = f"One or more database instances are still members of this parameter group {name}, so the group cannot be deleted"
        raise AwsError("InvalidDBParameterGroupState", message)
    state.tags.pop(state.parameter_groups.pop(name)["DBParameterGroupArn"], None)
    del state.values[name]
    return {}


def tags_of(call: Call, arn: str) -> Any:
    return call.state(Databases).holder(arn)


# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddTagsToResource.html, and those beside it
TAGGING = ("ListTagsForResource", "AddTagsToResource", "RemoveTagsFromResource")
tags.register("rds", tags_of, operations=TAGGING, members=("ResourceName", "Tags", "TagKeys", "TagList"))
