# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Compose project has and what it should have, compared. Pure functions over what docker prints."""

from __future__ import annotations

import dataclasses
import re

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"

# A container that was restarted so often while it was waited for will not come up; Docker itself would go on for ever.
LOOP = 3


@dataclasses.dataclass(frozen=True)
class Service:
    """A service as the compose files declare it."""

    name: str
    image: str
    built: bool  # from the project's own Dockerfile
    ends: bool  # does its work and ends; others wait for that
    depends: bool  # is to be started after others


@dataclasses.dataclass(frozen=True)
class Container:
    """A container of the project as `docker inspect` shows it."""

    id: str
    name: str
    service: str
    status: str  # created, running, paused, restarting, exited, dead
    health: str = ""  # healthy, unhealthy, starting; empty where none is asked for
    exit_code: int = 0
    finished: str = ""  # in ISO 8601, UTC
    restarts: int = 0
    complaint: str = ""  # what its last health check printed, where that failed

    @property
    def words(self) -> str:
        """Its state, to follow its name."""
        if self.status == "created":
            return "was not started"
        if self.status in ("exited", "dead"):
            return f"ended with exit status {self.exit_code}"
        if self.status == "restarting":
            return f"ends again and again, with exit status {self.exit_code}"
        return f"is {self.status}" + (f" and {self.health}" if self.health not in ("", "healthy") else "")

    def is_well(self, ends: bool) -> bool:
        """Whether it runs and is healthy; or, where it does its work and ends, has ended well."""
        if ends:
            return self.status == "exited" and self.exit_code == 0
        return self.status == "running" and self.health in ("", "healthy")

    def is_on_its_way(self, service: Service) -> bool:
        """Whether waiting is all that is needed.

        Not of what depends on others: after a kill of the engine Docker starts all at once, and what did not find its database
        then may wait for ever, as Django's runserver does.
        """
        return self.status == "running" and (service.ends or (self.health == "starting" and not service.depends))


def services(config: dict) -> dict[str, Service]:
    """The services of `docker compose config --format json`."""
    declared = config["services"]
    ends = {
        name
        for service in declared.values()
        for name, condition in (service.get("depends_on") or {}).items()
        if condition.get("condition") == "service_completed_successfully"
    }
    # Compose's own name for an image that is built and not named: https://docs.docker.com/reference/compose-file/build/#using-build-and-image
    return {
        name: Service(
            name, service.get("image") or f"{config['name']}-{name}", "build" in service, name in ends, bool(service.get("depends_on"))
        )
        for name, service in declared.items()
    }


def containers(inspected: list[dict]) -> list[Container]:
    """The project's containers, without those of `docker compose run`."""
    found = []
    for item in inspected:
        labels, state = item["Config"]["Labels"], item["State"]
        if labels.get(ONE_OFF, "False") == "True":
            continue
        health = state.get("Health") or {}
        status = health.get("Status", "")
        found.append(
            Container(
                id=item["Id"],
                name=item["Name"].lstrip("/"),
                service=labels[SERVICE],
                status=state["Status"],
                health="" if status == "none" else status,
                exit_code=state["ExitCode"],
                finished=state["FinishedAt"],
                restarts=item["RestartCount"],
                complaint=_complaint(health),
            )
        )
    return found


def _complaint(health: dict) -> str:
    last = (health.get("Log") or [{}])[-1]
    return last.get("Output", "").strip() if last.get("ExitCode") else ""


def differing(dry_run: str) -> set[str]:
    """The names of the containers that are not as declared, from what `docker compose --dry-run create` prints.

    Compose is asked, since the digests of `docker compose config --hash` are not those of the containers' labels for a service
    with an env_file: https://github.com/docker/compose/issues/14001
    """
    return set(re.findall(r"Container (\S+)\s+Recreate\b", dry_run))


def plan(wanted: dict[str, Service], found: list[Container], other: set[str], outdated: set[str]) -> dict[str, str]:
    """What has to be done, by service. Empty where all is as declared and well, or on its way.

    A service that does its work and ends is left alone where it ended well: `docker compose up` would run it again.

    :param other: the names of containers that are not as declared.
    :param outdated: services that end, and whose work has to be done again.
    """
    steps = dict.fromkeys(wanted, "create")
    for container in found:
        service = wanted.get(container.service)
        if service is None:
            steps[container.service] = "remove"
        elif container.name in other or steps.get(service.name) != "create":
            steps[service.name] = "recreate"  # also where a killed run left two of them
        elif service.name in outdated and container.is_well(service.ends):
            steps[service.name] = "run again"
        elif container.is_well(service.ends) or container.is_on_its_way(service):
            steps[service.name] = ""
        else:
            steps[service.name] = {"created": "start", "exited": "start", "paused": "resume"}.get(container.status, "restart")
    return {name: step for name, step in steps.items() if step}


def unwell(wanted: dict[str, Service], found: list[Container]) -> list[Container]:
    """The containers that are not (yet) as they should be."""
    return [one for one in found if one.service in wanted and not one.is_well(wanted[one.service].ends)]


def lost(sick: list[Container]) -> bool:
    """Whether, once `docker compose up` has ended, no waiting helps. (The unhealthy may recover by themselves.)"""
    return any(one.status in ("created", "exited", "dead", "paused") for one in sick)


def looping(found: list[Container], restarts: dict[str, int]) -> list[Container]:
    """The containers that end again and again."""
    return [one for one in found if one.restarts - restarts.get(one.id, 0) >= LOOP]


def culprits(wanted: dict[str, Service], found: list[Container], looping: list[Container]) -> tuple[list[Container], list[Container]]:
    """Of what is not well, the containers that say something about why, the worst first, and those that were never started because of them.

    What is only starting is one of them where nothing is worse.
    """
    sick = unwell(wanted, found)
    ended = looping + [one for one in sick if one not in looping and one.status in ("restarting", "exited", "dead")]
    starting = [one for one in sick if one not in ended and one.health == "starting"]
    waiting = [one for one in sick if one.status == "created"]
    others = [one for one in sick if one not in (*ended, *starting, *waiting)]
    return [*ended, *others] or starting, waiting


def last_lines(text: str, count: int) -> str:
    """The end of a text, in a form that Ansible shows as lines: without white space at their ends."""
    return "\n".join([stripped for line in text.splitlines() if (stripped := line.expandtabs().rstrip())][-count:])
