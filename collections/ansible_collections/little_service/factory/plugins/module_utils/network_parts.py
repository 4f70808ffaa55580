# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a network on AWS is made of: https://docs.aws.amazon.com/vpc/latest/userguide/how-it-works.html"""

from __future__ import annotations

from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.network import Network, Part

EVERYWHERE = "0.0.0.0/0"
INTERNET_GATEWAY, NAT_GATEWAY, NAT_ADDRESS = "internet gateway", "NAT gateway", "NAT address"
SECONDS_NAT_GATEWAY = 600  # it takes two minutes as a rule


class Vpc(Part):
    kind, resource_type = "network", "vpc"
    describe, listed, identifier = "describe_vpcs", "Vpcs", "VpcId"
    belongs_to, given, fixed = "", frozenset({"cidr"}), frozenset({"cidr"})

    def where(self) -> dict[str, str]:
        return {}

    def properties(self, found: dict[str, Any]) -> dict[str, Any]:
        names = {"dns_support": "enableDnsSupport", "dns_hostnames": "enableDnsHostnames"}
        asked = {key: self.ec2.describe_vpc_attribute(VpcId=found["VpcId"], Attribute=name) for key, name in names.items()}
        return {"cidr": found["CidrBlock"], **{key: asked[key][name[0].upper() + name[1:]]["Value"] for key, name in names.items()}}

    def make(self) -> None:
        self.once("create_vpc", "Vpc", CidrBlock=self.wanted["cidr"])

    def set_dns_support(self, value: bool) -> None:
        self.ask("modify_vpc_attribute", VpcId=self.net.id("vpc"), EnableDnsSupport={"Value": value})

    def set_dns_hostnames(self, value: bool) -> None:
        self.ask("modify_vpc_attribute", VpcId=self.net.id("vpc"), EnableDnsHostnames={"Value": value})

    def delete(self) -> None:
        self.freed("delete_vpc", VpcId=self.net.id("vpc"))


class InternetGateway(Part):
    kind, resource_type = "gateway", "internet-gateway"
    describe, listed, identifier = "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    belongs_to, taken = "", frozenset({"Resource.AlreadyAssociated"})

    def where(self) -> dict[str, str]:
        return {}

    def properties(self, found: dict[str, Any]) -> dict[str, Any]:
        return {"attached": any(one["VpcId"] == self.net.id("vpc") for one in found["Attachments"])}

    def make(self) -> None:
        self.once("create_internet_gateway", "InternetGateway")

    def set_attached(self, _value: bool) -> None:
        self.ask("attach_internet_gateway", **self._both())

    def _both(self) -> dict[str, str]:
        return {"InternetGatewayId": self.net.id(self.part), "VpcId": self.net.id("vpc")}

    def delete(self) -> None:
        found = self.find()
        if found and self.properties(found)["attached"]:
            self.freed("detach_internet_gateway", **self._both())
        self.ec2.delete_internet_gateway(InternetGatewayId=self.net.id(self.part))


class Subnet(Part):
    """Its zone is the one that it has; a new one's is declared, or the first or second that there is."""

    kind, resource_type = "subnet", "subnet"
    describe, listed, identifier = "describe_subnets", "Subnets", "SubnetId"
    given = fixed = frozenset({"cidr", "zone"})

    def __init__(self, network: Network, part: str, wanted: dict[str, Any], number: int) -> None:
        self._number, self._declared = number, network.module.params["zones"]
        super().__init__(network, part, wanted)

    def read(self) -> dict[str, Any] | None:
        found = super().read()
        self.wanted["zone"] = found["zone"] if found and not self._declared else self._zone()
        return found

    def _zone(self) -> str:
        zones = self._declared or self.net.zones()
        if self._number >= len(zones):
            raise declared.DeclarationError(
                f"The {self} wants a second zone, and there is only {', '.join(zones)}. Take a region with more, or declare two zones."
            )
        return zones[self._number]

    def properties(self, found: dict[str, Any]) -> dict[str, Any]:
        return {"cidr": found["CidrBlock"], "zone": found["AvailabilityZone"], "public": found["MapPublicIpOnLaunch"]}

    def make(self) -> None:
        place = {"VpcId": self.net.id("vpc"), "CidrBlock": self.wanted["cidr"], "AvailabilityZone": self.wanted["zone"]}
        self.once("create_subnet", "Subnet", **place)

    def set_public(self, value: bool) -> None:
        self.ask("modify_subnet_attribute", SubnetId=self.net.id(self.part), MapPublicIpOnLaunch={"Value": value})

    def delete(self) -> None:
        self.freed("delete_subnet", SubnetId=self.net.id(self.part))


class Address(Part):
    kind, resource_type = "address", "elastic-ip"
    describe, listed, identifier = "describe_addresses", "Addresses", "AllocationId"
    belongs_to = ""

    def where(self) -> dict[str, str]:
        return {}

    def properties(self, found: dict[str, Any]) -> dict[str, Any]:
        return {}

    def make(self) -> None:
        self.once("allocate_address", Domain="vpc")

    def delete(self) -> None:
        self.freed("release_address", AllocationId=self.net.id(self.part))


class NatGateway(Part):
    kind, resource_type = "gateway", "natgateway"
    describe, listed, identifier, filter_option = "describe_nat_gateways", "NatGateways", "NatGatewayId", "Filter"
    given = fixed = frozenset({"subnet"})

    def where(self) -> dict[str, Any]:
        return {**super().where(), "state": ["pending", "available"]}

    def properties(self, found: dict[str, Any]) -> dict[str, Any]:
        return {"subnet": self.net.called(found["SubnetId"]), "state": found["State"]}

    def make(self) -> None:
        place = {"SubnetId": self.net.id(self.wanted["subnet"]), "AllocationId": self.net.id(NAT_ADDRESS)}
        self.once("create_nat_gateway", "NatGateway", **place)

    def set_state(self, _value: str) -> None:
        self.net.module.wait_until(self, lambda: self._seen("available"), SECONDS_NAT_GATEWAY)

    def _seen(self, wanted: str) -> tuple[bool, str]:
        listed = self.ec2.describe_nat_gateways(Filter=[{"Name": "nat-gateway-id", "Values": [self.net.id(self.part)]}])[self.listed]
        state = listed[0]["State"] if listed else "deleted"
        if state != wanted and state in ("failed", "deleted"):
            raise declared.DeclarationError(f"The {self} {state}: {listed[0].get('FailureMessage', '') if listed else 'it is gone'}")
        return state == wanted, state

    def delete(self) -> None:
        self.ec2.delete_nat_gateway(NatGatewayId=self.net.id(self.part))
        self.net.module.wait_until(self, lambda: self._seen("deleted"), SECONDS_NAT_GATEWAY)
