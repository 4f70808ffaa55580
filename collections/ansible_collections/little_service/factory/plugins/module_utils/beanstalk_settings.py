# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Option settings of Elastic Beanstalk as properties that can be compared, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

ENVIRONMENT = "aws:elasticbeanstalk:environment"
SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"
SCHEDULES = "aws:autoscaling:scheduledaction"
LOAD_BALANCER_TYPE = f"{ENVIRONMENT} LoadBalancerType"
SETS = ("Subnets", "ELBSubnets", "SecurityGroups", "SSLCertificateArns")  # lists without an order
ROLES = ("IamInstanceProfile", "ServiceRole", "ServiceRoleForManagedUpdates")  # by name or by ARN

Setting = dict[str, str]


def text_of(value: Any) -> str:
    """A value as the API takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def normal(option: str, value: Any) -> str:
    """A value in one form, so that two that mean the same are equal. Values come back as they were sent, lists in any order."""
    text = text_of(value)
    if option in SETS:
        return ",".join(sorted(part.strip() for part in text.split(",")))
    if option == "InstanceTypes":  # their order counts: the first is taken where there are no Spot instances
        return ",".join(part.strip() for part in text.split(","))
    if option in ROLES:
        return text.rpartition("/")[2]
    return json.dumps(json.loads(text), sort_keys=True) if option == "ConfigDocument" and text else text


def declared_properties(options: Mapping[str, Any], secrets: Mapping[str, str], schedules: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What is declared, in the form of :func:`properties`."""
    return {
        "secrets": dict(secrets),
        "schedules": {
            one["name"]: {"Recurrence": one["recurrence"], "MinSize": str(one["min"]), "MaxSize": str(one["max"])} for one in schedules
        },
        **{key: normal(key.partition(" ")[2], value) for key, value in flat(options).items()},
    }


def flat(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Options by namespace as ``"namespace option": value``. What is empty is not declared: Beanstalk keeps no empty values."""
    return {
        f"{namespace} {option}": value
        for namespace, within in options.items()
        for option, value in within.items()
        if value not in (None, "", [])
    }


def properties(settings: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Option settings as DescribeConfigurationSettings lists them, as properties; secrets and schedules each whole."""
    found: dict[str, Any] = {"secrets": {}, "schedules": {}}
    for one in settings:
        namespace, option, value = one["Namespace"], one["OptionName"], one.get("Value", "")
        if namespace == SECRETS:
            found["secrets"][option] = value
        elif namespace == SCHEDULES and "ResourceName" in one:
            if option in ("Recurrence", "MinSize", "MaxSize"):  # the others are left alone, where they are set at all
                found["schedules"].setdefault(one["ResourceName"], {})[option] = value
        elif value != "":
            found[f"{namespace} {option}"] = normal(option, value)
    return found


def as_settings(changes: Mapping[str, Any]) -> list[Setting]:
    """Properties as UpdateEnvironment takes them; the opposite of :func:`properties`."""
    listed: list[Setting] = []
    for key, value in changes.items():
        if key == "secrets":
            listed += [{"Namespace": SECRETS, "OptionName": name, "Value": arn} for name, arn in value.items()]
        elif key == "schedules":
            listed += [
                {"Namespace": SCHEDULES, "ResourceName": name, "OptionName": option, "Value": str(text)}
                for name, within in value.items()
                for option, text in within.items()
            ]
        elif " " in key:
            namespace, _, option = key.partition(" ")
            listed.append({"Namespace": namespace, "OptionName": option, "Value": value})
    return listed


def removed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Setting]:
    """Secrets and schedules that are no longer declared: what may not be left, as a secret that is gone makes each deployment fail."""
    kept = [{k: v for k, v in one.items() if k != "Value"} for one in as_settings(after)]
    whole = {key: before[key] for key in ("secrets", "schedules") if key in before and key in after}
    gone = [{k: v for k, v in one.items() if k != "Value"} for one in as_settings(whole)]
    return [one for one in gone if one not in kept]
