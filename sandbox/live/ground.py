"""What runs for Elastic Beanstalk, and what it tells by itself: lines of logs, and which instances are ill."""

from __future__ import annotations

import functools
import time
from typing import Any

from sandbox.core.access import Principal
from sandbox.core.clock import ASIDE, beside
from sandbox.core.gateway import State
from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk import life, running, scaling
from sandbox.elasticbeanstalk.deploying import DeploymentFailed, instance_role
from sandbox.elasticbeanstalk.fleet import Fleet
from sandbox.elasticbeanstalk.models import Beanstalk, Environment
from sandbox.elasticbeanstalk.running import ILL, Story
from sandbox.live.balancer import Balancer
from sandbox.live.instances import Host

LINES = 1000  # in one call; AWS takes ten times as many
SECONDS_BETWEEN = 2
ILL_FOR = 2  # reports in a row until an instance is said to be ill


class Ground(State):
    """What runs for one account in one region: the machine that its instances share, and a balancer before each web environment."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.host = Host(self.sandbox.live, self.account, self.region, self.sandbox.url_inside)
        self.balancers: dict[str, Balancer] = {}  # by environment's id
        self.instances: dict[str, str] = {}  # what something was put on, and the id of its environment
        self.ports: dict[str, int] = {}  # where an instance answers on the machine
        self.ill: dict[str, tuple[int, str]] = {}  # for how many reports, and why
        self.watched = 0.0
        self.healing: set[str] = set()  # environments that get what their group lacks
        self.streams: set[tuple[str, str]] = set()
        self.clock.play(listen(self))

    def of(self, environment: Environment) -> list[str]:
        return [instance for instance, owner in self.instances.items() if owner == environment.id]

    def symptoms(self, environment: Environment) -> dict[str, str]:
        found = {instance: self.ill.get(instance, (0, "")) for instance in self.of(environment)}
        return {instance: why for instance, (times, why) in found.items() if times >= ILL_FOR}

    def balancer(self, environment: Environment) -> Balancer:
        if environment.id not in self.balancers:
            self.balancers[environment.id] = Balancer(self.sandbox.live, f"elb/{environment.name}")
        return self.balancers[environment.id]


def listen(place: Ground) -> Story:
    """Whenever the sandbox wakes: hand on what the machine told meanwhile."""
    while True:
        lines: dict[tuple[str, str], list[str]] = {}
        while not place.host.heard.empty():
            told = place.host.heard.get_nowait()
            if "address" in told:
                place.clock.play(beside(functools.partial(move, list(place.balancers.values()), told["address"])))
            elif "log" in told:
                lines.setdefault((told["instance"], told["log"]), []).append(told["text"])
            elif told["instance"] in place.instances:
                before = place.ill.get(told["instance"], (0, ""))
                place.ill[told["instance"]] = (before[0] + 1, told["ill"]) if told["ill"] else (0, "")
        if lines:
            stream(place, lines)
        watch(place)
        yield ASIDE


def move(balancers: list[Balancer], address: str) -> None:
    for balancer in balancers:
        balancer.move(address)


def owners(place: Ground) -> dict[str, Environment]:
    return place.sandbox.state(Beanstalk, place.account, place.region).environments


def stream(place: Ground, lines: dict[tuple[str, str], list[str]]) -> None:
    """What instances write to their logs goes to CloudWatch Logs under their role; where that may not, nothing is streamed.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html: a group for each file, a stream for each instance.
    """
    beanstalk, now = place.sandbox.state(Beanstalk, place.account, place.region), int(place.clock.now().timestamp() * 1000)
    for (instance, log), texts in lines.items():
        environment = owners(place).get(place.instances.get(instance, ""))
        if environment is None:
            continue
        group = f"/aws/elasticbeanstalk/{environment.name}/var/log/{log}"
        if group not in scaling.log_groups(Fleet(beanstalk, environment)):
            continue
        where = {"logGroupName": group, "logStreamName": instance}
        try:
            role = instance_role(beanstalk, environment)
            if (group, instance) not in place.streams:
                begin(beanstalk, role, where)
                place.streams.add((group, instance))
            for start in range(0, len(texts), LINES):
                events = [{"timestamp": now, "message": text} for text in texts[start : start + LINES]]
                beanstalk.invoke("logs", "PutLogEvents", role, **where, logEvents=events)
        except AwsError:
            continue


def begin(beanstalk: Beanstalk, role: Principal, stream: dict[str, str]) -> None:
    try:
        beanstalk.invoke("logs", "CreateLogStream", role, **stream)
    except AwsError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise


def heal(beanstalk: Beanstalk, environment: Environment) -> Story:
    """Somebody scaled the group, or an instance ended: those that are there now get what is deployed."""
    place, wanted = running.ground(beanstalk), Fleet(beanstalk, environment).ids()
    added, gone = [one for one in wanted if one not in place.instances], [one for one in place.of(environment) if one not in wanted]
    for verb, end, instances in (("Added", "to", added), ("Removed", "from", gone)):
        if instances:
            several = "instances" if len(instances) > 1 else "instance"
            beanstalk.tell(environment, f"{verb} {several} [{', '.join(instances)}] {end} your environment.")
    place.healing.add(environment.id)
    try:
        yield from running.remove(beanstalk, environment, gone)
        yield from running.put(beanstalk, environment, environment.version, added)
    except DeploymentFailed as failure:
        life.command_failed(beanstalk, environment, added, failure)
    finally:  # also where an update comes between
        place.healing.discard(environment.id)
    yield from running.attach(beanstalk, environment, added)
    environment.deployed = dict.fromkeys(wanted, environment.version)


def watch(place: Ground) -> None:
    """An environment that is left in peace is as well as its instances are."""
    if time.monotonic() - place.watched < SECONDS_BETWEEN:
        return
    place.watched = time.monotonic()
    beanstalk = place.sandbox.state(Beanstalk, place.account, place.region)
    for identifier in set(place.instances.values()):
        environment = owners(place).get(identifier)
        if environment is None or environment.status != "Ready" or environment.version is None:
            continue
        if environment.id in place.healing:
            continue
        if set(Fleet(beanstalk, environment).ids()) != set(place.of(environment)):
            beanstalk.play(environment, heal(beanstalk, environment))
            continue
        symptoms, count = place.symptoms(environment), len(place.of(environment))
        every = len(symptoms) == count
        if symptoms and environment.health in ("Ok", "Info"):
            what = "all instances" if every else f"{len(symptoms)} out of {count} instances"
            cause = f"{ILL} on {what}. {next(iter(symptoms.values()))}"
            life.health(beanstalk, environment, "Severe" if every else "Degraded", cause)
        elif not symptoms and environment.causes and environment.causes[0].startswith(ILL):
            life.health(beanstalk, environment, "Ok")
