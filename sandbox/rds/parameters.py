"""DB parameter groups: moto keeps what was changed, but neither knows which parameters there are nor misses a group.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html
"""

from __future__ import annotations

import functools
import pathlib
import re
from typing import Any

import yaml
from moto.rds.models import rds_backends

from sandbox.core.gateway import Answer, Call, operation
from sandbox.core.wire import AwsError


@functools.cache
def documented() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(pathlib.Path(__file__).with_name("parameters.yml").read_text(encoding="utf-8"))


def group(call: Call) -> Any:
    name = call.params["DBParameterGroupName"]
    found = rds_backends[call.account][call.region].db_parameter_groups.get(name.lower())
    if found is None:
        raise AwsError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    return found


def described(name: str, data: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    static = data.get("static", False)
    own = {"ParameterValue": data["value"], "Source": "system"} if "value" in data else {"Source": "engine-default"}
    return {
        "ParameterName": name,
        "Description": name,
        "ApplyType": "static" if static else "dynamic",
        "DataType": data.get("type", "string"),
        "IsModifiable": True,
        "ApplyMethod": "pending-reboot",
        **({"AllowedValues": data["allowed"]} if "allowed" in data else {}),
        **own,
        **({**changed, "Source": "user"} if changed else {}),
    }


@operation("rds", "DescribeDBParameterGroups")
def describe_db_parameter_groups(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameterGroups.html"""
    if "DBParameterGroupName" in call.params:
        group(call)
    return call.forward()


@operation("rds", "DescribeDBParameters")
def describe_db_parameters(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameters.html: all in one page."""
    found = group(call)
    if not (found.family or "").startswith("mysql"):
        return call.forward()
    listed = [described(name, data, dict(found.parameters.get(name, {}))) for name, data in documented().items()]
    return {"Parameters": [one for one in listed if call.params.get("Source") in (None, one["Source"])]}


@operation("rds", "ModifyDBParameterGroup")
def modify_db_parameter_group(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html"""
    if (group(call).family or "").startswith("mysql"):
        for parameter in call.params["Parameters"]:
            check(parameter)
    return call.forward()


def check(parameter: dict[str, str]) -> None:
    name, value = parameter["ParameterName"], parameter.get("ParameterValue", "")
    data = documented().get(name)
    if data is None:
        raise AwsError("InvalidParameterValue", f"Could not find parameter with name: {name}")
    if data.get("static") and parameter.get("ApplyMethod") == "immediate":
        raise AwsError("InvalidParameterCombination", "cannot use immediate apply method for static parameter")
    if not fits(value, data.get("allowed", "")):
        raise AwsError("InvalidParameterValue", f"Value: {value} is outside of range: {data['allowed']} for parameter: {name}")


def fits(value: str, allowed: str) -> bool:
    """Whether a value is among those listed, or in the range; a formula (``{DBInstanceClassMemory*3/4}``) is not worked out."""
    if not allowed or value.startswith("{"):
        return True
    span = re.fullmatch(r"(\d+)-(\d+)", allowed)
    if span:
        return value.isdigit() and int(span[1]) <= int(value) <= int(span[2])
    return value in allowed.split(",")
