# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Elastic Beanstalk says, understood: which platforms there are, and whether what it did came to a good end. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils.declared import DeclarationError

BUSY = ("Launching", "Updating", "Aborting", "LinkingFrom", "LinkingTo", "Terminating")
# The messages that tell how an operation ended: awsebcli's ebcli/resources/strings.py has them, and knows an end by nothing else.
GOOD = (
    "Successfully launched environment:",
    "Environment update completed successfully.",
    "Successfully deployed new configuration to environment.",
    "restartAppServer completed successfully.",
)
LAUNCH_FAILED = ("Create environment operation is complete, but with errors", "Failed to launch environment.")
BAD = (
    *LAUNCH_FAILED,
    "Failed to deploy application.",
    "Failed to deploy configuration.",
    "The environment was reverted to the previous configuration setting.",
    "Update environment operation is complete, but with errors.",
    "Failed to terminate environment.",
)
# What says no more than that it failed, where another message says why.
EMPTY = (*BAD, "Unsuccessful command execution on instance id(s)", "Instance deployment failed. For details, see 'eb-engine.log'.")

Event = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How an environment is: ``busy``, ``settling``, ``good``, ``warned``, ``unhealthy``, ``failed`` or ``gone``; and why."""

    state: str
    said: str
    causes: tuple[str, ...] = ()

    @property
    def is_bad(self) -> bool:
        """Whether somebody has to look after it; what is only warned may still become well."""
        return self.state in ("warned", "unhealthy", "failed")

    def __str__(self) -> str:
        return ". ".join([self.said, *(cause.rstrip(".") for cause in self.causes)])


def judged(environment: Mapping[str, Any] | None, events: Sequence[Event], version: str | None = None) -> Verdict:
    """How an environment is, and how what was last done with it ended. A failed deployment ends Ready: the status alone tells nothing.

    :param environment: as DescribeEnvironments gives it; None where there is none.
    :param events: the environment's, newest first, since what is to be judged began.
    :param version: the label that is to be deployed, if that is what was done.
    """
    status = (environment or {}).get("Status", "Terminated")
    failure = next((event["Message"].rstrip(".") for event in events if _ends(event)), "") if ended_badly(events) else ""
    if status in BUSY and not (status == "Terminating" and failure):
        return Verdict("busy", f"{status}{_latest(events)}")
    if status in ("Terminated", "Terminating"):
        return Verdict("gone", failure or status, causes(events))
    if failure:
        return Verdict("failed", failure, causes(events))
    label = environment.get("VersionLabel", "no version")
    if version and label != version:
        return Verdict("failed", f"It runs {label} and not {version}", causes(events))
    return _health(environment, events)


def _health(environment: Mapping[str, Any], events: Sequence[Event]) -> Verdict:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-status.html; basic health has a colour only."""
    health, color = environment.get("HealthStatus"), environment.get("Health")
    if (health or color) in ("Ok", "Info", "Green"):
        return Verdict("good", "Ready")
    for state, bad in (("unhealthy", ("Degraded", "Severe", "Red")), ("warned", ("Warning", "Yellow"))):
        if (health or color) in bad:
            return Verdict(state, f"Ready, but its health is {health or color}", causes(events))
    return Verdict("settling", f"Ready, its health is {health or color or 'not known yet'}")


def ended_badly(events: Iterable[Event]) -> bool:
    """Whether the newest event that tells of an end tells of a bad one."""
    return next((event["Message"].startswith(BAD) for event in events if _ends(event)), False)


def launch_failed(events: Iterable[Event]) -> bool:
    """Whether the launch failed, and nothing has gone well since."""
    last = next((event["Message"] for event in events if event["Message"].startswith((*GOOD, *LAUNCH_FAILED))), "")
    return last.startswith(LAUNCH_FAILED)


def _ends(event: Event) -> bool:
    return event["Message"].startswith((*GOOD, *BAD))


def causes(events: Iterable[Event]) -> tuple[str, ...]:
    """The errors since the last good end, oldest first, each once; those that only say that it failed, where there is nothing better."""
    errors: list[str] = []
    for event in events:
        if event["Message"].startswith(GOOD):
            break
        if event.get("Severity") in ("ERROR", "FATAL") and event["Message"] not in errors:
            errors.insert(0, event["Message"])
    return tuple([text for text in errors if not text.startswith(EMPTY)] or errors)


def _latest(events: Sequence[Event]) -> str:
    return f": {events[0]['Message'].rstrip('.')}" if events else ""


def newest_platform(stacks: Iterable[str], branch: str) -> str:
    """The newest of the solution stacks of a branch, such as ``64bit Amazon Linux 2023 running Docker``."""
    known = [stack for stack in stacks if branch_of(stack) == branch]
    if not known:
        raise DeclarationError(
            f"Elastic Beanstalk has no platform '{branch}' in this region. Those there are, are told by: "
            "aws elasticbeanstalk list-available-solution-stacks --query SolutionStacks"
        )
    return max(known, key=lambda stack: [int(part) for part in re.findall(r"\d+", stack.partition(" v")[2].partition(" running ")[0])])


def branch_of(stack: str) -> str:
    """A solution stack's name without its version, which managed updates move on."""
    return re.sub(r" v[\d.]+ running ", " running ", stack)
