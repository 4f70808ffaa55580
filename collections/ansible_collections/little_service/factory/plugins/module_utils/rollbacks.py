# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which version a service can go back to, and whether its database lets it. Pure. The rules are in docs/decisions/0009-rollback.md."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils.declared import DeclarationError

Told = Mapping[str, Any]
LEFT = "little-service:left"  # the tag of a version that a rollback went away from
SHOWN = 10  # versions, in a message
# A line of `showmigrations --plan`: "[X]  accounts.0002_email  ... (accounts.0001_initial)".
PLANNED = re.compile(r"^\[[X ]\]\s+(\w+\.\w+)")
SLACK = datetime.timedelta(seconds=5)  # Beanstalk's and CodePipeline's clocks are two


@dataclasses.dataclass(frozen=True)
class Release:
    """What one execution of the pipeline deployed, everywhere and well. Each environment's action may have made a version of its own."""

    execution: str
    commit: str
    labels: tuple[str, ...]
    created: datetime.datetime

    def __str__(self) -> str:
        return f"{self.labels[0]} (commit {self.commit[:12] or 'unknown'}, {self.created:%Y-%m-%d %H:%M} UTC)"


def releases_of(versions: Iterable[Told], actions: Iterable[Told], commits: Mapping[str, str]) -> list[Release]:
    """The releases that were once well, newest first: each of their deployments succeeded.

    :param versions: as DescribeApplicationVersions tells them.
    :param actions: those that deploy to Elastic Beanstalk, as ListActionExecutions tells them.
    :param commits: the commit of each execution.
    """
    listed = list(actions)
    made = sorted(versions, key=lambda version: version["DateCreated"])
    labels: dict[str, list[Told]] = {}
    for version in made:
        if execution := made_by(version, listed):
            labels.setdefault(execution, []).append(version)
    found = [
        Release(execution, commits.get(execution, ""), tuple(one["VersionLabel"] for one in own), own[0]["DateCreated"])
        for execution, own in labels.items()
        if _all_went_well(one for one in listed if one["pipelineExecutionId"] == execution)
    ]
    return sorted(found, key=lambda release: release.created, reverse=True)


def made_by(version: Told, actions: Iterable[Told]) -> str:
    """The execution that made a version. Its name begins with ``code-pipeline-``, and it was made while that one deployed."""
    label, created = version["VersionLabel"], version["DateCreated"]
    if not label.startswith("code-pipeline-"):
        return ""
    named = [one for one in actions if one.get("output", {}).get("executionResult", {}).get("externalExecutionId") == label]
    during = named or [one for one in actions if one["startTime"] - SLACK <= created <= one["lastUpdateTime"] + SLACK]
    return max(during, key=lambda one: one["startTime"])["pipelineExecutionId"] if during else ""


def _all_went_well(actions: Iterable[Told]) -> bool:
    last = {one["actionName"]: one["status"] for one in sorted(actions, key=lambda action: action["startTime"])}
    return all(status == "Succeeded" for status in last.values())


def target(
    releases: Sequence[Release],
    serving: str,
    created: datetime.datetime | None,
    wanted: str = "",
    was_left: Callable[[Release], bool] = lambda _: False,
) -> Release:
    """The release to go back to: the named one, else the newest that is older than what serves and was not left by a rollback.

    :param serving: the label that the web's environment runs.
    :param created: when that version was made.
    :param wanted: a label, or a commit, or its first letters.
    :param was_left: whether a rollback went away from a release; asked of as few as can be.
    """
    if wanted:
        named = [one for one in releases if wanted in one.labels or (one.commit and one.commit.startswith(wanted.lower()))]
        if not named:
            raise DeclarationError(f"No version {wanted} was ever deployed well by the pipeline. {_listed(releases)}")
        return named[0]
    own = next((one for one in releases if serving in one.labels), None)
    limit = own.created if own else created
    older = next((one for one in releases if one is not own and (limit is None or one.created < limit) and not was_left(one)), None)
    if older is None:
        raise DeclarationError(f"There is nothing to go back to: no version older than {serving} was deployed well. {_listed(releases)}")
    return older


def _listed(releases: Sequence[Release]) -> str:
    return f"Those that were: {'; '.join(map(str, releases[:SHOWN]))}." if releases else "None was yet."


def migrations(text: str | None) -> frozenset[str] | None:
    """The migrations that a bundle's ``migrations.txt`` names; None where there is no such file."""
    return None if text is None else frozenset(found[1] for line in text.splitlines() if (found := PLANNED.match(line)))


def in_the_way(serving: frozenset[str] | None, older: frozenset[str] | None, safe: Iterable[str]) -> str:
    """Why the database does not let a version go back; empty where it does.

    :param safe: migrations of which the linter found, when what serves was built, that the version before them goes on working.
    """
    if serving is None or older is None:
        return "one of the two bundles has no migrations.txt, so that nobody knows which migrations lie between them"
    unsafe = sorted(serving - older - set(safe))
    if not unsafe:
        return ""
    return f"the database has had migrations of which nobody proved that the older version can do with them: {', '.join(unsafe)}"
