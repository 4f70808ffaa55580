# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Compose project has and what it should have, compared. Pure functions over what docker prints."""

from __future__ import annotations

import dataclasses
import re

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"


@dataclasses.dataclass(frozen=True)
class Container:
    """A container of the project as `docker inspect` shows it."""

    service: str
    status: str  # created, running, paused, restarting, exited, dead
    health: str  # healthy, unhealthy, starting; empty where none is asked for
    exit_code: int

    def is_well(self, ends: bool) -> bool:
        """Whether it runs and is healthy; or, where it does its work and ends, has ended well."""
        if ends:
            return self.status == "exited" and self.exit_code == 0
        return self.status == "running" and self.health in ("", "healthy")


def containers(inspected: list[dict]) -> list[Container]:
    """The project's containers, without those of `docker compose run`."""
    found = []
    for item in inspected:
        labels, state = item["Config"]["Labels"], item["State"]
        if labels.get(ONE_OFF, "False") != "True":
            health = (state.get("Health") or {}).get("Status", "")
            found.append(Container(labels[SERVICE], state["Status"], health.replace("none", ""), state["ExitCode"]))
    return found


def ends(config: dict) -> dict[str, bool]:
    """The services of a configuration, each with whether it does its work and ends (``restart: "no"``) or goes on."""
    return {name: service.get("restart") == "no" for name, service in config["services"].items()}


def differences(dry_run: str, project: str) -> dict[str, str]:
    """The services whose containers are missing or not as declared, from what `docker compose --dry-run up --no-start` prints."""
    steps = {}
    for service, word in re.findall(rf"Container {re.escape(project)}-(\S+)-\d+ +(Creat(?:e|ing)|Recreate|Remov(?:e|ing))\b", dry_run):
        steps[service] = {"C": "create", "R": "recreate"}[word[0]] if not word.startswith("Remov") else "remove"
    return steps


def plan(services: dict[str, bool], found: list[Container], differing: dict[str, str]) -> dict[str, str]:
    """What has to be done, by service. Empty where all is as declared and well.

    A service that does its work and ends is left alone where it ended well: `docker compose up` would run it again.
    """
    steps = dict.fromkeys(services, "create")
    for container in found:
        if container.service not in services:
            steps[container.service] = "remove"
        elif container.is_well(services[container.service]):
            del steps[container.service]
        else:
            steps[container.service] = "start"
    return {**steps, **differing}


def unwell(services: dict[str, bool], found: list[Container]) -> dict[str, str]:
    """The services that did not come up, each with its state in words."""
    words = {}
    for container in found:
        if container.service not in services or container.is_well(services[container.service]):
            continue
        if container.status == "created":
            words[container.service] = "was not started, since what it depends on did not come up"
        elif container.status in ("exited", "dead"):
            words[container.service] = f"ended with exit status {container.exit_code}"
        else:
            words[container.service] = f"is {container.status}" + (f" and {container.health}" if container.health else "")
    return words
