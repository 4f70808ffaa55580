"""What RDS keeps: groups, instances, snapshots, what happened; and what it offers (catalogue.yml, parameters.yml)."""

from __future__ import annotations

import functools
import hashlib
import pathlib
import re
import secrets
from typing import Any

import yaml

from sandbox.core.gateway import State
from sandbox.core.wire import AwsError

Thing = dict[str, Any]
NAME = r"[A-Za-z](?:-?[A-Za-z0-9])*"
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Tag.html; the kinds of resource in an ARN
KINDS = {"db": "instances", "subgrp": "subnet_groups", "pg": "parameter_groups", "snapshot": "snapshots"}


@functools.cache
def data(name: str) -> Thing:
    return yaml.safe_load(pathlib.Path(__file__).with_name(f"{name}.yml").read_text(encoding="utf-8"))


def engines() -> dict[str, Thing]:
    return data("catalogue")["engines"]


def family(engine: str, version: str) -> str:
    return engines()[engine]["versions"][version]


def version_of(engine: str, wanted: str | None) -> str:
    """The version that a request names: a major one alone is its newest minor one."""
    if engine not in engines():
        raise AwsError("InvalidParameterValue", f"Invalid DB engine: {engine}")
    for version in engines()[engine]["versions"]:
        if wanted is None or version == wanted or version.startswith(f"{wanted}."):
            return version
    raise AwsError("InvalidParameterCombination", f"Cannot find version {wanted} for {engine}")


class Databases(State):
    """RDS in one region of an account."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.instances: dict[str, Thing] = {}
        self.snapshots: dict[str, Thing] = {}
        self.sources: dict[str, Thing] = {}  # by snapshot, the instance as it was
        self.subnet_groups: dict[str, Thing] = {}
        self.parameter_groups: dict[str, Thing] = {}
        self.values: dict[str, dict[str, Thing]] = {}  # what each parameter group changes: name → value, apply method
        self.tags: dict[str, dict[str, str]] = {}
        self.events: list[Thing] = []
        # Of those that really run, by resource: the master user's password, those without data and those that did not start; and the
        # sandbox's own way in.
        self.passwords: dict[str, str] = {}
        self.empty: set[str] = set()
        self.broken: set[str] = set()
        self.admin_password = secrets.token_urlsafe()
        for name in sorted({family for engine in engines().values() for family in engine["versions"].values()}):
            self.add_parameter_group(f"default.{name}", name, f"Default parameter group for {name}")

    def add_parameter_group(self, name: str, kind: str, description: str) -> Thing:
        self.values[name] = {}
        self.parameter_groups[name] = {
            "DBParameterGroupName": name,
            "DBParameterGroupFamily": kind,
            "Description": description,
            "DBParameterGroupArn": self.arn("rds", f"pg:{name}"),
        }
        return self.parameter_groups[name]

    def instance(self, name: str) -> Thing:
        name = name.rpartition(":")[2].lower()
        if name not in self.instances:
            raise AwsError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
        return self.instances[name]

    def snapshot(self, name: str) -> Thing:
        name = name.rpartition("snapshot:")[2].lower()
        if name not in self.snapshots:
            raise AwsError("DBSnapshotNotFound", f"DBSnapshot {name} not found.", 404)
        return self.snapshots[name]

    def subnet_group(self, name: str) -> Thing:
        if name.lower() not in self.subnet_groups:
            raise AwsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.", 404)
        return self.subnet_groups[name.lower()]

    def parameter_group(self, name: str) -> Thing:
        if name.lower() not in self.parameter_groups:
            raise AwsError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
        return self.parameter_groups[name.lower()]

    def asks_too_much(self, instance: Thing) -> bool:
        """Of the parameters with which MySQL does not start, the best known: more memory than there is."""
        given = self.values[instance["DBParameterGroups"][0]["DBParameterGroupName"]].get("innodb_buffer_pool_size", {})
        memory = {"micro": 1, "small": 2, "medium": 4, "large": 8}.get(instance["DBInstanceClass"].rpartition(".")[2], 16)
        asked = given.get("ParameterValue", "")
        return asked.isdigit() and int(asked) > memory << 30

    def tell(self, about: Thing, message: str, *categories: str) -> None:
        """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html"""
        kind = "db-snapshot" if "DBSnapshotIdentifier" in about else "db-instance"
        where = (about["DBSnapshotIdentifier"], about["DBSnapshotArn"]) if kind == "db-snapshot" else identity(about)
        event = {"SourceIdentifier": where[0], "SourceArn": where[1], "SourceType": kind, "Message": message}
        self.events.append({**event, "EventCategories": list(categories), "Date": self.clock.now()})

    def tagged(self, arn: str) -> list[dict[str, str]]:
        return [{"Key": key, "Value": text} for key, text in self.tags.get(arn, {}).items()]

    def holder(self, arn: str) -> dict[str, str]:
        """The tags of what an ARN names."""
        kind, _, name = arn.split(":", 5)[-1].partition(":")
        if name not in getattr(self, KINDS.get(kind, ""), {}):
            raise AwsError("InvalidParameterValue", f"The specified resource name does not match an RDS resource in this region: {arn}")
        return self.tags.setdefault(arn, {})

    def endpoint(self, name: str) -> str:
        code = hashlib.sha256(f"{self.account}{self.region}".encode()).hexdigest()[:12]
        return f"{name}.c{code}.{self.region}.rds.amazonaws.com"


def identity(instance: Thing) -> tuple[str, str]:
    return instance["DBInstanceIdentifier"], instance["DBInstanceArn"]


def check_name(kind: str, name: str, longest: int = 63) -> str:
    """A name, in lower case (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html, DBInstanceIdentifier)."""
    if len(name) > longest or not re.fullmatch(NAME, name):
        rule = "Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen "
        raise AwsError(
            "InvalidParameterValue", f"The parameter {kind} is not a valid identifier. {rule}or contain two consecutive hyphens."
        )
    return name.lower()
