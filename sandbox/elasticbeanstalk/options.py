"""Option settings: which there are, which values they take, and what they are when nobody sets them (data: options.yml)."""

from __future__ import annotations

import functools
import pathlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from sandbox.core.wire import AwsError

DATA = pathlib.Path(__file__).with_name("options.yml")
ENVIRONMENT = "aws:elasticbeanstalk:environment"
SEVERITY = {"replace": "RestartEnvironment", "restart": "RestartApplicationServer"}


class Name(NamedTuple):
    """An option's full name. Scheduled actions have a resource's name besides."""

    namespace: str
    option: str
    resource: str | None = None

    @classmethod
    def of(cls, setting: dict[str, str]) -> Name:
        return cls(setting.get("Namespace", ""), setting.get("OptionName", ""), setting.get("ResourceName"))

    def __str__(self) -> str:
        return f"(Namespace: '{self.namespace}', OptionName: '{self.option}')"


Settings = dict[Name, str]


@functools.cache
def documented() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(DATA.read_text(encoding="utf-8"))


def shape(settings: Settings, tier: str) -> set[str]:
    """What an environment is, as the namespaces' ``only`` puts it."""
    single = value(settings, ENVIRONMENT, "EnvironmentType") == "SingleInstance"
    scaled = set() if single else {"scaled"}
    if tier == "Worker":
        return {"worker", *scaled}
    if single:
        return set()
    kind = value(settings, ENVIRONMENT, "LoadBalancerType")
    return {"balanced", "application", *scaled} if kind in ("application", "network") else {"balanced", *scaled}


def namespace_data(namespace: str) -> dict[str, Any] | None:
    """A namespace's data, or that of the pattern that it fits (``aws:elbv2:listener:<port>``)."""
    known = documented()
    if namespace in known:
        return known[namespace]
    for pattern, data in known.items():
        head, sign, _ = pattern.partition("<")
        if sign and namespace.startswith(head) and re.fullmatch(r"[\w-]+", namespace.removeprefix(head)):
            return data
    return None


def option_data(name: Name) -> dict[str, Any] | None:
    data = namespace_data(name.namespace)
    if data is None:
        return None
    return data["any"] if "any" in data else data["options"].get(name.option)


def value(settings: Settings, namespace: str, option: str) -> str | None:
    """What applies: what is set, or the default."""
    name = Name(namespace, option)
    return settings[name] if name in settings else (option_data(name) or {}).get("default")


def listed(settings: Settings, namespace: str, option: str) -> list[str]:
    return [part.strip() for part in (value(settings, namespace, option) or "").split(",") if part.strip()]


def complaint(name: Name, given: str, kinds: set[str]) -> str | None:
    """What Beanstalk says against a setting.

    Texts: aws/aws-elastic-beanstalk-cli#77, pulumi/pulumi-aws#3461; those for lists and numbers follow them.
    """
    namespace, data = namespace_data(name.namespace), option_data(name)
    if namespace is None or data is None or namespace.get("only") not in (None, *kinds):
        return f"Invalid option specification {name}: Unknown configuration setting."
    wrong = None
    if given == "" and data.get("default") is None:
        return None
    if "values" in data and given not in data["values"]:
        wrong = f"Value is not one of the allowed values: {data['values']}"
    elif "min" in data and not re.fullmatch(r"-?\d+", given):
        wrong = "Value is not a number"
    elif "min" in data and int(given) < data["min"]:
        wrong = f"Value is less than minimum allowed value: {data['min']}"
    elif "max" in data and int(given) > data["max"]:
        wrong = f"Value is greater than maximum allowed value: {data['max']}"
    elif "regex" in data and not re.search(data["regex"], given):
        wrong = f"Value does not satisfy regex: '{data['regex']}'"
    return f"Invalid option value: '{given}' {name}: {wrong}" if wrong else None


def contradictions(settings: Settings, tier: str) -> list[str]:
    """What each setting allows but the settings together do not (documented beside the options)."""
    wrong = []
    smallest, largest = (int(value(settings, "aws:autoscaling:asg", size)) for size in ("MinSize", "MaxSize"))
    if "balanced" in shape(settings, tier) and smallest > largest:
        wrong.append(
            f"Invalid option value: '{smallest}' {Name('aws:autoscaling:asg', 'MinSize')}: MinSize is greater than MaxSize {largest}"
        )
    policy = Name("aws:elasticbeanstalk:command", "DeploymentPolicy")
    single = value(settings, ENVIRONMENT, "EnvironmentType") == "SingleInstance"
    if single and settings.get(policy, "AllAtOnce") not in ("AllAtOnce", "Immutable"):
        wrong.append(f"Invalid option value: '{settings[policy]}' {policy}: A single-instance environment takes AllAtOnce or Immutable")
    managed = "aws:elasticbeanstalk:managedactions"
    if value(settings, managed, "ManagedActionsEnabled") == "true":
        needed = [Name(managed, "PreferredStartTime"), Name(f"{managed}:platformupdate", "UpdateLevel")]
        wrong += [
            f"Invalid option specification {name}: Required when ManagedActionsEnabled is true" for name in needed if name not in settings
        ]
    return wrong


def complaints(changes: Settings, settings: Settings, tier: str) -> list[str]:
    """What is wrong with changes that lead to these settings."""
    kinds = shape(settings, tier)
    single = [complaint(name, given, kinds) for name, given in changes.items()]
    return [text for text in single if text] or contradictions(settings, tier)


def change(settings: Settings, changes: Iterable[dict[str, str]], removed: Iterable[dict[str, str]], tier: str) -> Settings:
    """The settings after a change; refused with Beanstalk's own words where it is none."""
    given = {Name.of(setting): setting.get("Value", "") for setting in changes}
    gone = {Name.of(setting) for setting in removed}
    after = {name: text for name, text in {**settings, **given}.items() if name not in gone}
    wrong = complaints(given, after, tier)
    kinds = [value(known, ENVIRONMENT, "LoadBalancerType") for known in (settings, after)]
    if settings and kinds[0] != kinds[1] and all("balanced" in shape(known, tier) for known in (settings, after)):
        wrong = ["LoadBalancer type option cannot be changed."]  # hashicorp/terraform-provider-aws#812
    if wrong:
        raise AwsError("ConfigurationValidationException", f"Configuration validation exception: {wrong[0]}")
    return after


def severity(before: Settings, after: Settings) -> str:
    """The worst of what the changed options do: ``RestartEnvironment`` replaces instances."""
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    found = {(option_data(name) or {}).get("change") for name in changed}
    return next((SEVERITY[kind] for kind in ("replace", "restart") if kind in found), "NoInterruption")


def described(settings: Settings, tier: str) -> list[dict[str, str]]:
    """All settings that apply, as DescribeConfigurationSettings lists them."""
    kinds = shape(settings, tier)
    defaults = {
        Name(namespace, option): data["default"]
        for namespace, known in documented().items()
        for option, data in known.get("options", {}).items()
        if "<" not in namespace and "default" in data and not known.get("resources") and known.get("only") in (None, *kinds)
    }
    return [setting(name, text) for name, text in sorted({**defaults, **settings}.items(), key=str)]


def setting(name: Name, text: str) -> dict[str, str]:
    parts = {"Namespace": name.namespace, "OptionName": name.option, "ResourceName": name.resource, "Value": text}
    return {key: part for key, part in parts.items() if part is not None}


def description(namespace: str, option: str, data: dict[str, Any]) -> dict[str, Any]:
    """One entry of DescribeConfigurationOptions."""
    found = {
        "Namespace": namespace,
        "Name": option,
        "DefaultValue": data.get("default"),
        "ChangeSeverity": SEVERITY.get(data.get("change"), "NoInterruption"),
        "UserDefined": False,
        "ValueType": "List" if data.get("list") else "Scalar",
        "ValueOptions": data.get("values"),
        "MinValue": data.get("min"),
        "MaxValue": data.get("max"),
        "Regex": {"Pattern": data["regex"], "Label": option} if "regex" in data else None,
    }
    return {key: part for key, part in found.items() if part is not None}


def descriptions(settings: Settings, tier: str) -> list[dict[str, Any]]:
    kinds = shape(settings, tier)
    return [
        description(namespace, option, data)
        for namespace, known in documented().items()
        for option, data in known.get("options", {}).items()
        if known.get("only") in (None, *kinds)
    ]
