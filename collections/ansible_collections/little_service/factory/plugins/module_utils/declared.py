# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read, compare, plan, apply: how each of our AWS modules brings a thing to what is declared.

A module says what kinds of things there are (subclasses of :class:`Resource`) and hands a list of them to :func:`carry_out`.
:func:`plan` is a pure function; check mode and diff fall out of it, so that they say what a real run then does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.module_utils.common.yaml import yaml_dump

# What AWS decides, as long as it has not: in check mode on a first run.
KNOWN_AFTER_APPLY = "(known after apply)"
# Tags that say whose a thing is. Other tags belong to others.
SERVICE_TAG, ENVIRONMENT_TAG = "little-service:service", "little-service:environment"

LOST_ANSWERS = 10  # so many calls of ours that meet themselves are taken in one step

Properties = dict[str, Any]


class DeclarationError(Exception):
    """What is declared cannot be. Its text says what is wrong, where, and what to do."""


@dataclasses.dataclass(frozen=True)
class Step:
    """What is to be done with one thing: ``create``, ``update`` or ``delete``."""

    verb: str
    before: Properties
    after: Properties

    @property
    def changes(self) -> Properties:
        """The properties that are to change, with their new values."""
        return {key: value for key, value in self.after.items() if self.before.get(key) != value}


class Resource:
    """One thing on AWS: what is wanted of it, and how it is read and changed.

    ``wanted`` holds every property that is declared, in the very form in which :meth:`read` gives it: sorted where the order means
    nothing, with AWS's defaults filled in. What ``read`` gives beyond the keys of ``wanted`` is for the module's own use.
    No secret is ever in either: both are shown in diffs.
    """

    kind = "resource"  # as the user reads it: "repository"
    fixed: frozenset[str] = frozenset()  # properties that AWS never changes once the thing stands
    cure = "Take it down and bring it up again, or undo the change."  # what to type where a fixed property differs
    # Codes of errors that say that somebody, perhaps a call of ours whose answer was lost, was first.
    taken: frozenset[str] = frozenset()

    def __init__(self, name: str, wanted: Mapping[str, Any]) -> None:
        self.name = name
        self.wanted = dict(wanted)

    def read(self) -> Properties | None:
        """What stands, or None."""
        raise NotImplementedError

    def create(self) -> None:
        raise NotImplementedError

    def update(self, step: Step) -> None:
        """Bring ``step.changes`` about."""
        raise NotImplementedError

    def delete(self) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def plan(wanted: Mapping[str, Any] | None, found: Mapping[str, Any] | None) -> Step | None:
    """What brings ``found`` to ``wanted``; None as ``wanted`` asks for nothing to be there. Pure.

    Only properties that are declared count, and of tags only those that are declared: the rest belongs to others.
    """
    if wanted is None:
        return None if found is None else Step("delete", dict(found), {})
    if found is None:
        return Step("create", {}, dict(wanted))
    before = {key: found.get(key) for key in wanted}
    after = dict(wanted)
    if "tags" in after:
        before["tags"] = dict(found.get("tags") or {})
        after["tags"] = {**before["tags"], **wanted["tags"]}
    return None if before == after else Step("update", before, after)


def is_ours(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether the tags of what was found say that it is the declared service's.

    What has no tags by nature is ours by its place, and so is what AWS has made by itself for something of ours.
    """
    if SERVICE_TAG not in (wanted.get("tags") or {}) or found.get("made_by_aws"):
        return True
    tags, own = found.get("tags") or {}, wanted["tags"]
    return tags.get(SERVICE_TAG) == own[SERVICE_TAG] and tags.get(ENVIRONMENT_TAG) in (None, own.get(ENVIRONMENT_TAG))


def difference(resource: Resource, step: Step) -> dict[str, str]:
    """The step as Ansible's ``--diff`` shows it."""
    absent = f"{resource} (absent)"
    changed = step.changes if step.verb == "update" else step.after
    before = {key: step.before.get(key) for key in changed} if step.verb == "update" else step.before
    return {
        "before": yaml_dump(before, default_flow_style=False) if before else "",
        "after": yaml_dump(changed, default_flow_style=False) if changed else "",
        "before_header": absent if step.verb == "create" else str(resource),
        "after_header": absent if step.verb == "delete" else str(resource),
    }


def decided(resource: Resource, found: Properties | None, *, present: bool, adopt: bool) -> Step | None:
    """The step for one thing, less what is not ours to touch."""
    if found is not None and not is_ours(resource.wanted, found):
        if not present:
            return None
        if not adopt:
            own = resource.wanted["tags"]
            raise DeclarationError(
                f"The {resource} exists and is not ours: its tag {SERVICE_TAG} is "
                f"{(found.get('tags') or {}).get(SERVICE_TAG, 'not set')!r} and not {own[SERVICE_TAG]!r}. "
                "Rename or remove it; or, if it belongs to this service, take it over with: -e adopt=true"
            )
    step = plan(resource.wanted if present else None, found)
    if step and step.verb == "update" and (stuck := resource.fixed & set(step.changes)):
        told = ", ".join(f"{key} from {step.before[key]!r} to {step.after[key]!r}" for key in sorted(stuck))
        raise DeclarationError(f"AWS does not change {told} of the {resource} that stands. {resource.cure}")
    return step


def carry_out(module: Any, resources: Iterable[Resource], *, present: bool = True) -> list[tuple[Resource, Step]]:
    """Bring each resource to what is declared, in the order given; what is to go, in the opposite order.

    :param module: an :class:`~.aws.AwsModule`; in check mode nothing is done.
    :returns: what was, or would be, done. The module's exit hands it to the user by ``module.done(steps)``.
    """
    steps: list[tuple[Resource, Step]] = []
    for resource in resources if present else reversed(list(resources)):
        with module.telling(resource):
            step = _brought(module, resource, present)
        if step:
            steps.append((resource, step))
    return steps


def _brought(module: Any, resource: Resource, present: bool) -> Step | None:
    def now() -> Step | None:
        return decided(resource, resource.read(), present=present, adopt=module.params["adopt"])

    step = now()
    if step is None or module.check_mode:
        return step
    if module.lease.take():
        # Until now somebody else may have held it: what was read may be out of date.
        step = now()
    if step:
        _apply_whole(resource, step, now)
    return step


def _apply_whole(resource: Resource, step: Step, now: Callable[[], Step | None]) -> None:
    """Carry a step out, also where calls of ours, whose answers were lost, are asked again and meet themselves."""
    for _ in range(LOST_ANSWERS):
        try:
            _apply(resource, step)
            return
        except Exception as error:
            if code_of(error) not in resource.taken:
                raise
            # It is done after all. What is still to do is to bring the thing to what is declared.
            rest = now()
            if rest and rest.verb == "create":
                raise
        if rest is None:
            return
        step = rest
    raise DeclarationError(f"The {resource} changes each time it is looked at. Is somebody else at work on it? Look, and run this again.")


def code_of(error: BaseException) -> str:
    """The code of AWS's error; empty for any other exception."""
    return (getattr(error, "response", None) or {}).get("Error", {}).get("Code", "")


def _apply(resource: Resource, step: Step) -> None:
    if step.verb == "create":
        resource.create()
    elif step.verb == "update":
        resource.update(step)
    else:
        resource.delete()
