# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of a network on AWS, each known by its name and what it belongs to.

In what is planned and shown they call each other by their names (``internet gateway``, ``public-1``), so that a plan reads the same
before and after AWS has given out its identifiers.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared

# How EC2 says that it does not see yet what was made a moment ago.
KINDS = ("VpcID", "SubnetID", "InternetGatewayID", "RouteTableID", "AllocationID", "Group")
UNSEEN = tuple(f"Invalid{kind}.NotFound" for kind in KINDS)
IN_USE = ("DependencyViolation", "InvalidIPAddress.InUse")


class Network:
    """What the parts of one network know of each other."""

    def __init__(self, module: Any) -> None:
        self.module, self.ec2 = module, module.client("ec2")
        self.name, self.tags = module.params["name"], module.params["tags"]
        self._ids: dict[str, str] = {}

    def note(self, part: str, identifier: str | None) -> None:
        self._ids.pop(part, None)
        if identifier:
            self._ids[part] = identifier

    def id(self, part: str) -> str:
        """AWS's identifier of a part."""
        return self._ids.get(part, declared.KNOWN_AFTER_APPLY)

    def stands(self, part: str) -> bool:
        return part in self._ids

    def called(self, identifier: str | None) -> str | None:
        """The name of the part of that identifier; of what is not ours, the identifier."""
        return next((part for part, known in self._ids.items() if known == identifier), identifier)

    def zones(self) -> list[str]:
        """The zones that can be used, first to last; not those of single cities."""
        usable = filters({"state": "available", "zone-type": "availability-zone"})
        return sorted(zone["ZoneName"] for zone in self.ec2.describe_availability_zones(Filters=usable)["AvailabilityZones"])


class Part(declared.Resource):
    """One part; what AWS calls it and its operations is said by each kind."""

    describe, listed, identifier, resource_type = "", "", "", ""
    filter_option = "Filters"
    given: frozenset[str] = frozenset()  # what is said when it is made, and not after
    belongs_to = "vpc"  # without which it cannot be there

    def __init__(self, network: Network, part: str, wanted: dict[str, Any]) -> None:
        self.net, self.ec2, self.part = network, network.ec2, part
        name = network.name if part == "vpc" else f"{network.name}-{part.replace(' ', '-').lower()}"
        super().__init__(name, {**wanted, "tags": {**network.tags, "Name": name}})

    def where(self) -> dict[str, str]:
        """By which else than its name it is found."""
        return {"vpc-id": self.net.id("vpc")}

    def properties(self, found: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def make(self) -> None:
        raise NotImplementedError

    def read(self) -> dict[str, Any] | None:
        found = self.find()
        self.net.note(self.part, found and found[self.identifier])
        return {**self.properties(found), "tags": tag_dict(found.get("Tags", []))} if found else None

    def find(self) -> dict[str, Any] | None:
        """What has its name; if several have, one of ours."""
        if self.belongs_to and not self.net.stands(self.belongs_to):
            return None
        asked = {self.filter_option: filters({"tag:Name": self.name, **self.where()})}
        found = getattr(self.ec2, self.describe)(**asked)[self.listed]
        ours = [one for one in found if declared.is_ours(self.wanted, {"tags": tag_dict(one.get("Tags", []))})]
        return min(ours or found, key=lambda one: one[self.identifier], default=None)

    def create(self) -> None:
        """Each of these operations makes another thing whenever it is asked."""
        self.make()
        after = {key: value for key, value in self.wanted.items() if key not in (*self.given, "tags")}
        self.update(declared.Step("update", {}, after))

    def once(self, operation: str, *answered: str, **params: Any) -> None:
        """Make the part, with its tags from the first moment on; ``answered`` leads to its identifier in the answer."""
        kind = [{"ResourceType": self.resource_type, "Tags": tag_list(self.wanted["tags"])}]
        found = self.net.module.patiently(
            lambda: self.net.module.once("ec2", operation, self.find, TagSpecifications=kind, **params), *UNSEEN
        )
        for key in answered:
            found = found.get(key, found)
        self.net.note(self.part, found[self.identifier])

    def update(self, step: declared.Step) -> None:
        for key, value in step.changes.items():
            getattr(self, f"set_{key}")(value)

    def set_tags(self, value: dict[str, str]) -> None:
        self.ec2.create_tags(Resources=[self.net.id(self.part)], Tags=tag_list(value))

    def ask(self, operation: str, **params: Any) -> Any:
        """Change what may have been made a moment ago."""
        return self.net.module.patiently(getattr(self.ec2, operation), *UNSEEN, **params)

    def freed(self, operation: str, **params: Any) -> None:
        """Delete, and wait meanwhile for what still uses it: interfaces outlive their instance, database or load balancer by minutes."""

        def look() -> tuple[bool, str]:
            try:
                getattr(self.ec2, operation)(**params)
            except self.ec2.exceptions.ClientError as error:
                if declared.code_of(error) not in IN_USE:
                    raise
                return False, f"in use ({error.response['Error']['Message']})"
            return True, "deleted"

        self.net.module.wait_until(self, look, self.net.module.params["timeout"])


def filters(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": value if isinstance(value, list) else [value]} for name, value in wanted.items()]
