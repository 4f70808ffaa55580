"""Tags of what has an ARN, by each service's own names for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.core.gateway import Call, operation

Find = Callable[[Call, str], dict[str, str]]


def as_dict(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """A request's tags, spelled ``Key`` or ``key``."""
    return {tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags or []}


def register(
    service: str, find: Find, *, operations: tuple[str, str, str], members: tuple[str, str, str, str], answers: bool = False
) -> None:
    """Register a service's operations to list, add and remove tags; ``find`` gives the tags that a resource has.

    ``members``: the parameters for ARN, tags and keys, and the answer's list; it is also the answer to a change where ``answers``.
    """
    lists, adds, removes = operations
    arn, tags, keys, answer = members
    key, value = ("key", "value") if tags[0].islower() else ("Key", "Value")

    def listed(call: Call) -> dict[str, Any]:
        return {answer: [{key: name, value: text} for name, text in sorted(find(call, call.params[arn]).items())]}

    def added(call: Call) -> dict[str, Any]:
        find(call, call.params[arn]).update(as_dict(call.params[tags]))
        return listed(call) if answers else {}

    def removed(call: Call) -> dict[str, Any]:
        for name in call.params[keys]:
            find(call, call.params[arn]).pop(name, None)
        return listed(call) if answers else {}

    for name, handler in ((lists, listed), (adds, added), (removes, removed)):
        operation(service, name)(handler)
