# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where traffic of a network on AWS goes: https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"""

from __future__ import annotations

from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils.network import Part, filters
from ansible_collections.little_service.factory.plugins.module_utils.network_parts import EVERYWHERE

TARGETS = ("GatewayId", "NatGatewayId", "NetworkInterfaceId", "TransitGatewayId", "VpcPeeringConnectionId", "InstanceId")


class RouteTable(Part):
    """Only where everything else goes is declared, which may be nowhere: a route to another network that somebody added stays."""

    kind, resource_type = "route table", "route-table"
    describe, listed, identifier = "describe_route_tables", "RouteTables", "RouteTableId"
    taken = frozenset({"RouteAlreadyExists", "Resource.AlreadyAssociated"})
    _has_route = False

    def properties(self, found: dict[str, Any]) -> dict[str, Any]:
        route = next((one for one in found["Routes"] if one.get("DestinationCidrBlock") == EVERYWHERE), {})
        self._has_route = bool(route)
        joined = {self.net.called(one.get("SubnetId")) for one in found["Associations"]}
        return {
            "default_route": self.net.called(next((route[key] for key in TARGETS if route.get(key)), None)),
            "subnets": [part for part in self.wanted["subnets"] if part in joined],
        }

    def make(self) -> None:
        self.once("create_route_table", "RouteTable", VpcId=self.net.id("vpc"))

    def set_default_route(self, value: str | None) -> None:
        route = {"RouteTableId": self.net.id(self.part), "DestinationCidrBlock": EVERYWHERE}
        if value:
            target = self.net.id(value)
            option = "NatGatewayId" if target.startswith("nat-") else "GatewayId"
            self.ask("replace_route" if self._has_route else "create_route", **route, **{option: target})
        elif self._has_route:
            self.ask("delete_route", **route)

    def set_subnets(self, value: list[str]) -> None:
        """A subnet has one table: where somebody gave it another, it is taken from there."""
        wanted = {self.net.id(part) for part in value}
        tables = self.ec2.describe_route_tables(Filters=filters({"vpc-id": self.net.id("vpc")}))["RouteTables"]
        joined = {one.get("SubnetId"): (table["RouteTableId"], one) for table in tables for one in table["Associations"]}
        table = self.net.id(self.part)
        for subnet in sorted(wanted):
            now, association = joined.get(subnet, ("", {}))
            if not now:
                self.ask("associate_route_table", RouteTableId=table, SubnetId=subnet)
            elif now != table:
                association = association["RouteTableAssociationId"]
                self.ask("replace_route_table_association", RouteTableId=table, AssociationId=association)

    def delete(self) -> None:
        for association in (self.find() or {"Associations": []})["Associations"]:
            self.ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        self.freed("delete_route_table", RouteTableId=self.net.id(self.part))


class Endpoint(Part):
    """The way to S3 that costs nothing: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html"""

    kind, resource_type = "endpoint", "vpc-endpoint"
    describe, listed, identifier = "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"
    given, fixed = frozenset({"service", "route_tables"}), frozenset({"service"})

    def where(self) -> dict[str, Any]:
        return {**super().where(), "vpc-endpoint-state": ["pending", "available", "Pending", "Available"]}

    def properties(self, found: dict[str, Any]) -> dict[str, Any]:
        joined = {self.net.called(table) for table in found["RouteTableIds"]}
        return {"service": found["ServiceName"], "route_tables": [part for part in self.wanted["route_tables"] if part in joined]}

    def make(self) -> None:
        place = {"VpcId": self.net.id("vpc"), "ServiceName": self.wanted["service"]}
        tables = [self.net.id(part) for part in self.wanted["route_tables"]]
        self.once("create_vpc_endpoint", "VpcEndpoint", VpcEndpointType="Gateway", RouteTableIds=tables, **place)

    def set_route_tables(self, value: list[str]) -> None:
        has = set((self.find() or {}).get("RouteTableIds", []))
        missing = sorted({self.net.id(part) for part in value} - has)
        if missing:
            self.ask("modify_vpc_endpoint", VpcEndpointId=self.net.id(self.part), AddRouteTableIds=missing)

    def delete(self) -> None:
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[self.net.id(self.part)])
