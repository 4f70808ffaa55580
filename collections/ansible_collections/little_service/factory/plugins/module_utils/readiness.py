# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Databases, caches and environments that are waited for: whether each serves, what it is at, and whether there is hope."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import beanstalk, declared, elasticache, rds
from ansible_collections.little_service.factory.plugins.module_utils.releases import minutes

Facts = dict[str, Any]
# What was just made may not be seen at once: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/query-api-troubleshooting.html#eventual-consistency
MISSES = 4
UNKNOWN = declared.KNOWN_AFTER_APPLY


class Awaited:
    """One thing that is waited for."""

    kind = "thing"
    working: tuple[str, ...] = ()
    failed: Mapping[str, str] = {}  # states that it does not leave by itself, and why

    def __init__(self, module: Any, name: str) -> None:
        self.module, self.name = module, name
        self.found: dict[str, Any] | None = None
        self.status, self.begun, self.misses = "", time.monotonic(), 0
        self.was_busy = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def describe(self) -> dict[str, Any] | None:
        """What stands, in AWS's words, with its state as ``Status``."""
        raise NotImplementedError

    def last_event(self) -> str:
        """What AWS last said of it."""
        raise NotImplementedError

    def last_errors(self) -> str:
        return self.last_event()

    def facts(self) -> Facts:
        """What others need to know of it, once it serves."""
        raise NotImplementedError

    def unknown(self) -> Facts:
        """The same as long as AWS has not decided."""
        raise NotImplementedError

    @property
    def is_ready(self) -> bool:
        return self.status in self.working

    def look(self) -> None:
        self.found = self.describe()
        self.status = self.found["Status"] if self.found else "not there"
        self.misses = 0 if self.found else self.misses + 1
        self.was_busy = self.was_busy or not self.is_ready

    def reason_to_despair(self) -> str:
        """Why it cannot become ready; empty where it can."""
        if self.misses > MISSES:
            return "nothing of that name stands in this account and region; it is made by aws_up.yml"
        return self.failed.get(self.status, "")

    def check(self) -> None:
        if reason := self.reason_to_despair():
            told = f" AWS said last: {said}" if self.found and (said := self.last_errors()) else ""
            raise declared.DeclarationError(f"The {self} is {self.status} and cannot become ready: {reason}.{told}")

    def said(self) -> str:
        event = self.last_event() if self.found else ""
        return f"{self} {self.status} for {minutes(time.monotonic() - self.begun)}" + (f" ({event})" if event else "")


class Database(Awaited):
    """An instance on RDS."""

    kind, working = "database", rds.WORKING
    failed = (
        rds.FAILED
        | dict.fromkeys(("stopped", "stopping"), "somebody stopped it; aws_up.yml starts it")
        | {"deleting": "it is being removed"}
    )

    def describe(self) -> dict[str, Any] | None:
        client = self.module.client("rds")
        try:
            (found,) = client.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"]
        except client.exceptions.DBInstanceNotFoundFault:
            return None
        return {**found, "Status": found["DBInstanceStatus"]}

    def last_event(self) -> str:
        events = self.module.client("rds").describe_events(SourceIdentifier=self.name, SourceType="db-instance")["Events"]
        return newest(events)

    def facts(self) -> Facts:
        return {"host": self.found["Endpoint"]["Address"], "port": self.found["Endpoint"]["Port"]}

    def unknown(self) -> Facts:
        return {"host": UNKNOWN, "port": UNKNOWN}


class Cache(Awaited):
    """A replication group on ElastiCache."""

    kind, working = "cache", elasticache.WORKING
    failed = {**elasticache.FAILED, "deleting": "it is being removed"}

    def describe(self) -> dict[str, Any] | None:
        client = self.module.client("elasticache")
        try:
            return client.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"][0]
        except client.exceptions.ReplicationGroupNotFoundFault:
            return None

    def last_event(self) -> str:
        asked = {"SourceIdentifier": self.name, "SourceType": "replication-group"}
        return newest(self.module.client("elasticache").describe_events(**asked)["Events"])

    def facts(self) -> Facts:
        endpoint = self.found["NodeGroups"][0]["PrimaryEndpoint"]
        return {"host": endpoint["Address"], "port": endpoint["Port"], "nodes": sorted(self.found["MemberClusters"])}

    def unknown(self) -> Facts:
        return {"host": UNKNOWN, "port": UNKNOWN, "nodes": [UNKNOWN]}


class Environment(Awaited):
    """An environment on Elastic Beanstalk. One that failed to start is Ready as well: its health and its events tell."""

    kind, working = "environment", ("Ready",)
    failed = {"Terminating": "it is being terminated", "Terminated": "it was terminated"}

    def describe(self) -> dict[str, Any] | None:
        listed = self.module.client("elasticbeanstalk").describe_environments(EnvironmentNames=[self.name])["Environments"]
        # One of this name that was ended is listed for an hour.
        return max(listed, key=lambda one: (one["Status"] != "Terminated", one["DateCreated"]), default=None)

    def _events(self, **more: Any) -> list[dict[str, Any]]:
        asked = {"EnvironmentId": self.found["EnvironmentId"], **more}
        return self.module.client("elasticbeanstalk").describe_events(**asked)["Events"]

    def last_event(self) -> str:
        return newest(self._events(MaxRecords=1))

    def judged(self) -> beanstalk.Verdict:
        return beanstalk.judged(self.found, self._events(MaxRecords=200))

    def last_errors(self) -> str:
        return str(self.judged())

    @property
    def health(self) -> str:
        return self.found.get("HealthStatus") or self.found.get("Health", "")

    def reason_to_despair(self) -> str:
        # What ended before is told by facts: whoever did it knows.
        if self.is_ready and self.was_busy and self.judged().state in ("unhealthy", "failed"):
            return f"its last operation ended with its health {self.health}"
        return super().reason_to_despair()

    def facts(self) -> Facts:
        asked = self.module.client("elasticbeanstalk").describe_environment_resources(EnvironmentName=self.name)
        resources, judged = asked["EnvironmentResources"], self.judged()
        balancers = [one["Name"] for one in resources.get("LoadBalancers", [])]
        return {
            "health": self.health,
            "errors": str(judged) if judged.is_bad else "",
            "version": self.found.get("VersionLabel", ""),
            "cname": self.found.get("CNAME", ""),
            "groups": sorted(one["Name"] for one in resources.get("AutoScalingGroups", [])),
            "balancers": [suffix(arn) for arn in balancers],
            "target_groups": [suffix(arn) for balancer in balancers for arn in self._target_groups(balancer)],
        }

    def _target_groups(self, balancer: str) -> list[str]:
        listed = self.module.client("elbv2").describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
        return sorted(group["TargetGroupArn"] for group in listed)

    def unknown(self) -> Facts:
        texts = dict.fromkeys(("health", "version", "cname"), UNKNOWN)
        return texts | {"errors": ""} | {name: [UNKNOWN] for name in ("groups", "balancers", "target_groups")}


def suffix(arn: str) -> str:
    """What CloudWatch calls a load balancer (``app/…``) or a target group (``targetgroup/…``):
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html#load-balancer-metric-dimensions-alb
    """
    return arn.rpartition(":")[2].removeprefix("loadbalancer/")


def newest(events: Iterable[Mapping[str, Any]]) -> str:
    told = sorted(events, key=lambda event: event.get("Date") or event["EventDate"])
    return told[-1]["Message"] if told else ""
