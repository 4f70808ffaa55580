# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What databases and caches have in common: they stand on groups, pass through states, and are told apart by tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared

# The options of both modules that are about states and groups.
OPTIONS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "subnets": {"type": "list", "elements": "str", "default": []},
    "security_groups": {"type": "list", "elements": "str", "default": []},
    "parameters": {"type": "dict", "default": {}},
    "secret": {"type": "str", "no_log": False},
    "apply_immediately": {"type": "bool", "default": True},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 3600},
    "tags": {"type": "dict", "default": {}},
}


def tags_of(thing: Mapping[str, Any]) -> dict[str, str]:
    return tag_dict(thing.get("TagList") or [])


def is_version(wanted: str, found: str) -> bool:
    """Whether a version is the one that is wanted, or a later patch of it: 8.4.7 is 8.4, and 8.4.7 will do for 8.4.6."""
    ours, theirs = ([int(part) for part in version.split(".") if part.isdigit()] for version in (wanted, found))
    series = ours[:2]
    return theirs[: len(series)] == series and theirs >= ours


def batches(listed: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parameters, as many as a call takes."""
    for start in range(0, len(listed), 20):
        yield listed[start : start + 20]


class Tagged(declared.Resource):
    """What has an ARN, by which its tags are asked for."""

    def __init__(self, module: Any, client: Any, wanted: Mapping[str, Any]) -> None:
        self._module, self._client, self._params = module, client, module.params
        self.arn = declared.KNOWN_AFTER_APPLY
        super().__init__(module.params["name"], {**wanted, "tags": module.params["tags"]})

    def _tags(self) -> dict[str, str]:
        return tags_of(self._client.list_tags_for_resource(ResourceName=self.arn))

    def _tag(self) -> None:
        self._client.add_tags_to_resource(ResourceName=self.arn, Tags=tag_list(self.wanted["tags"]))


class Lasting(Tagged):
    """What takes minutes: its state is looked at, and waited for where there is no other way."""

    working: tuple[str, ...] = ()  # states in which it serves
    settled: tuple[str, ...] = ()  # in which it can be changed
    failed: Mapping[str, str] = {}  # that it does not leave by itself, and why

    def __init__(self, module: Any, client: Any, wanted: Mapping[str, Any]) -> None:
        self.found: dict[str, Any] | None = None
        super().__init__(module, client, wanted)

    def describe(self) -> dict[str, Any] | None:
        """What stands, in AWS's words, with its state as ``Status``."""
        raise NotImplementedError

    def look(self) -> None:
        self.found = self.describe()

    @property
    def status(self) -> str:
        return self.found["Status"] if self.found else "gone"

    @property
    def is_gone(self) -> bool:
        return self.found is None

    @property
    def is_going(self) -> bool:
        """Whether it is gone, or will be without anybody's doing."""
        return self.status in ("gone", "deleting")

    def again(self, *, present: bool) -> declared.Step | None:
        """The plan made again, once it is no longer busy: only then AWS tells all of it, and changes it."""
        self.wait_until(lambda: self.status in self.settled or self.status in self.failed or self.is_gone)
        return declared.decided(self, self.read(), present=present, adopt=self._params["adopt"])

    def wait_until_it_is_gone(self) -> None:
        if not self.is_gone:
            self.wait_until(lambda: self.is_gone)

    def wait_until_it_works(self) -> None:
        def works() -> bool:
            if self.status in self.failed:
                raise declared.DeclarationError(f"The {self} is {self.status}: {self.failed[self.status]}.")
            return self.status in self.working

        self.wait_until(works)

    def wait_until(self, done: Callable[[], bool]) -> None:
        def look() -> tuple[bool, str]:
            self.look()
            return done(), self.status

        self._module.wait_until(self, look, self._params["wait_timeout"])


def keep(module: Any, thing: Lasting, groups: list[declared.Resource]) -> list[tuple[declared.Resource, declared.Step]]:
    """Bring a thing and the groups that it stands on to what is declared. They can only go when it is gone."""
    wait = module.params["wait"]
    if module.params["state"] == "present":
        steps = declared.carry_out(module, [*groups, thing])
        if wait and not module.check_mode:
            with module.telling(thing):
                thing.wait_until_it_works()
        return steps
    steps = declared.carry_out(module, [thing], present=False)
    if wait and not module.check_mode:
        with module.telling(thing):
            thing.wait_until_it_is_gone()
    if thing.is_gone or (wait and module.check_mode):
        steps += declared.carry_out(module, groups, present=False)
    return steps
