"""Service Quotas, in place of moto's few: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/Welcome.html"""

from __future__ import annotations

import functools
import pathlib
from typing import Any

import yaml

from sandbox.core.gateway import Call, operation
from sandbox.core.wire import AwsError

SERVICE = "service-quotas"


@functools.cache
def known() -> dict[str, dict[str, list[Any]]]:
    return yaml.safe_load(pathlib.Path(__file__).with_name("quotas.yml").read_text(encoding="utf-8"))


def described(call: Call, service: str, code: str) -> dict[str, Any]:
    if code not in known().get(service, {}):
        raise AwsError("NoSuchResourceException", f"The request failed because the specified quota {code} of {service} does not exist.")
    name, value, adjustable = known()[service][code]
    return {
        "ServiceCode": service,
        "ServiceName": service,
        "QuotaArn": f"arn:aws:servicequotas:{call.region}:{call.account}:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": adjustable,
        "GlobalQuota": service == "iam",
    }


def one(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html, and the default one beside it"""
    return {"Quota": described(call, call.params["ServiceCode"], call.params["QuotaCode"])}


def all_of(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html, and the default ones beside it"""
    service = call.params["ServiceCode"]
    if service not in known():
        raise AwsError("NoSuchResourceException", f"The request failed because the specified service {service} does not exist.")
    return {"Quotas": [described(call, service, code) for code in known()[service]]}


for prefix in ("", "AWSDefault"):
    operation(SERVICE, f"Get{prefix}ServiceQuota")(one)
    operation(SERVICE, f"List{prefix}ServiceQuotas")(all_of)


@operation(SERVICE)
def list_services(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServices.html"""
    return {"Services": [{"ServiceCode": service, "ServiceName": service} for service in known()]}
