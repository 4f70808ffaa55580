"""What Elastic Beanstalk keeps: applications, their versions, environments, and what happened to them."""

from __future__ import annotations

import dataclasses
import datetime
import random
import string
from collections.abc import Generator
from typing import Any

from sandbox.core.gateway import State
from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk.options import Settings

# Name and version, newest first. Which are current is looked up by those who use them: ListAvailableSolutionStacks.
STACKS = [
    "64bit Amazon Linux 2023 v4.8.0 running Docker",
    "64bit Amazon Linux 2023 v4.7.3 running Docker",
    "64bit Amazon Linux 2023 v4.3.1 running ECS",
    "64bit Amazon Linux 2023 v4.7.3 running Python 3.13",
    "64bit Amazon Linux 2 v4.4.3 running Docker",
]
SECONDS_LISTED_AFTER_TERMINATION = 3600  # https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironments.html
COLORS = {"Ok": "Green", "Info": "Green", "Warning": "Yellow", "Degraded": "Red", "Severe": "Red"}


@dataclasses.dataclass
class Environment:
    """One environment: what was asked for, what it consists of, and what it is doing."""

    name: str
    id: str
    application: str
    tier: str
    stack: str
    cname: str
    settings: Settings
    created: datetime.datetime
    updated: datetime.datetime
    version: str | None = None
    description: str | None = None
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    status: str = "Launching"
    health: str = "Pending"
    causes: list[str] = dataclasses.field(default_factory=list)
    draft: Settings | None = None
    draft_failed: bool = False
    deployment: int = 1
    parts: dict[str, Any] = dataclasses.field(default_factory=dict)  # what it consists of, by kind (fleet.py)
    deployed: dict[str, str | None] = dataclasses.field(default_factory=dict)  # instance → version
    logs: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # those that were asked for, in a live sandbox
    address: str | None = None  # where it answers on this machine, in a live sandbox
    request: str = ""  # by which its events are asked for
    story: Generator[float, None, None] | None = None

    @property
    def color(self) -> str:
        return COLORS.get(self.health, "Grey")

    @property
    def ended(self) -> bool:
        return self.status == "Terminated"


@dataclasses.dataclass
class Version:
    application: str
    label: str
    bundle: dict[str, str] | None
    description: str | None
    created: datetime.datetime
    status: str = "Unprocessed"
    tags: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Application:
    name: str
    description: str | None
    created: datetime.datetime
    updated: datetime.datetime
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    lifecycle: dict[str, Any] = dataclasses.field(default_factory=dict)
    versions: dict[str, Version] = dataclasses.field(default_factory=dict)


class Beanstalk(State):
    """Elastic Beanstalk in one region of an account."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.applications: dict[str, Application] = {}
        self.environments: dict[str, Environment] = {}  # by id
        self.events: list[dict[str, Any]] = []
        self.request = ""  # the call that is being answered

    @property
    def bucket(self) -> str:
        return f"elasticbeanstalk-{self.region}-{self.account}"

    def application(self, name: str) -> Application:
        if name not in self.applications:
            raise AwsError("InvalidParameterValue", f"No Application named '{name}' found.")
        return self.applications[name]

    def version(self, application: str, label: str) -> Version:
        found = self.application(application).versions.get(label)
        if found is None:
            raise AwsError("InvalidParameterValue", f"No Application Version named '{label}' found.")
        return found

    def environment(self, params: dict[str, Any]) -> Environment:
        """The environment that a request names by id or name; of several with one name, the one that lives."""
        wanted = {"EnvironmentId": params.get("EnvironmentId"), "EnvironmentName": params.get("EnvironmentName")}
        if not any(wanted.values()):
            raise AwsError("MissingRequiredParameter", "You must specify either EnvironmentId or EnvironmentName.")
        for environment in self.environments.values():
            named = wanted["EnvironmentName"] in (None, environment.name) and wanted["EnvironmentId"] in (None, environment.id)
            if named and not environment.ended:
                return environment
        key = next(key for key, text in wanted.items() if text)
        raise AwsError("InvalidParameterValue", f"No Environment found for {key} = '{wanted[key]}'.")

    def living(self, application: str | None = None) -> list[Environment]:
        return [env for env in self.environments.values() if not env.ended and application in (None, env.application)]

    def tell(self, about: Environment | Application, message: str, severity: str = "INFO") -> None:
        """Write an event down, newest first. No two have one time: `eb` asks for those after the last that it saw, by the millisecond."""
        latest = self.events[0]["EventDate"] if self.events else self.sandbox.started
        event = {"EventDate": max(self.clock.now(), latest + datetime.timedelta(milliseconds=2)), "Message": message, "Severity": severity}
        if isinstance(about, Environment):
            event |= {"ApplicationName": about.application, "EnvironmentName": about.name}
            event |= {"VersionLabel": about.version} if about.version else {}
            event |= {"PlatformArn": self.platform_arn(about.stack), "RequestId": about.request}
        else:
            event |= {"ApplicationName": about.name}
        self.events.insert(0, event)

    def play(self, environment: Environment, story: Generator[float, None, None]) -> None:
        """Have an environment do this and nothing else: what it did before ends here."""
        if environment.story is not None:
            environment.story.close()
        environment.story = story
        self.clock.play(story)

    def platform_arn(self, stack: str) -> str:
        system, _, rest = stack.partition(" v")
        version, _, language = rest.partition(" running ")
        return f"arn:aws:elasticbeanstalk:{self.region}::platform/{language} running on {system}/{version}"


def random_id() -> str:
    """An environment's id: ``e-`` and ten letters or digits."""
    return "e-" + "".join(random.choices(string.ascii_lowercase + string.digits, k=10))  # noqa: S311 a name, not a secret


def random_suffix() -> str:
    """What CloudFormation puts behind the names that it makes up."""
    return "".join(random.choices(string.ascii_uppercase + string.digits, k=12))  # noqa: S311 a name, not a secret
