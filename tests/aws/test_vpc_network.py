"""The network: two zones, private subnets that are private, and every part mended."""

from __future__ import annotations

import pytest
from ansible_collections.little_service.factory.plugins.module_utils.declared import KNOWN_AFTER_APPLY

from tests.aws.conftest import tags

NAME = "little-service-staging"
NETWORK = {"name": NAME, "tags": tags("shared")}
SUBNETS = ["public-1", "public-2", "private-1", "private-2"]


@pytest.fixture
def ec2(aws):
    return aws.client("ec2")


@pytest.fixture
def ids(aws, ec2):
    """Makes the network, and gives what it returned and its parts' identifiers by their short names."""
    made = aws.run("vpc_network", **NETWORK)
    found = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["Name"]}])["Tags"]
    return {"vpc": made["vpc_id"], **{one["Value"].removeprefix(f"{NAME}-"): one["ResourceId"] for one in found}}


def test_it_is_made_and_removed_whole(aws, ec2):
    before = aws.cloud.standing()
    foreseen = aws.run("vpc_network", check=True, **NETWORK)
    assert {foreseen["vpc_id"], *foreseen["public_subnets"], *foreseen["private_subnets"]} == {KNOWN_AFTER_APPLY}

    made = aws.bring("vpc_network", **NETWORK)
    assert len(made.steps) == 9
    (vpc,) = ec2.describe_vpcs(VpcIds=[made["vpc_id"]])["Vpcs"]
    assert vpc["CidrBlock"] == "10.20.0.0/16"
    assert ec2.describe_vpc_attribute(VpcId=made["vpc_id"], Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    public = ec2.describe_subnets(SubnetIds=made["public_subnets"])["Subnets"]
    private = ec2.describe_subnets(SubnetIds=made["private_subnets"])["Subnets"]
    assert [one["MapPublicIpOnLaunch"] for one in (*public, *private)] == [True, True, False, False]
    for pair in (public, private):
        assert sorted(one["AvailabilityZone"] for one in pair) == ["us-west-2a", "us-west-2b"]
    (endpoint,) = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert (endpoint["VpcEndpointType"], endpoint["ServiceName"]) == ("Gateway", "com.amazonaws.us-west-2.s3")
    assert len(endpoint["RouteTableIds"]) == 2

    assert len(aws.bring("vpc_network", **NETWORK, state="absent").steps) == 9
    assert aws.cloud.standing() == before


def test_only_public_subnets_have_a_way_out(ids, ec2):
    def way_out(part: str) -> str | None:
        (table,) = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [ids[part]]}])["RouteTables"]
        return next((route["GatewayId"] for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"), None)

    assert [way_out(part) for part in SUBNETS] == [ids["internet-gateway"], ids["internet-gateway"], None, None]


def test_changes_by_hand_are_mended(aws, ec2, ids):
    ec2.modify_vpc_attribute(VpcId=ids["vpc"], EnableDnsHostnames={"Value": False})
    ec2.detach_internet_gateway(InternetGatewayId=ids["internet-gateway"], VpcId=ids["vpc"])
    ec2.modify_subnet_attribute(SubnetId=ids["private-1"], MapPublicIpOnLaunch={"Value": True})
    ec2.delete_tags(Resources=[ids["public-2"]], Tags=[{"Key": "little-service:environment"}])
    everywhere = {"DestinationCidrBlock": "0.0.0.0/0"}
    ec2.delete_route(RouteTableId=ids["public"], **everywhere)
    ec2.create_route(RouteTableId=ids["private"], GatewayId=ids["internet-gateway"], **everywhere)
    ec2.modify_vpc_endpoint(VpcEndpointId=ids["s3"], RemoveRouteTableIds=[ids["private"]])
    assert aws.bring("vpc_network", **NETWORK).steps == [
        f"update network {NAME} (dns_hostnames)",
        f"update gateway {NAME}-internet-gateway (attached)",
        f"update subnet {NAME}-public-2 (tags)",
        f"update subnet {NAME}-private-1 (public)",
        f"update route table {NAME}-public (default_route)",
        f"update route table {NAME}-private (default_route)",
        f"update endpoint {NAME}-s3 (route_tables)",
    ]


def test_a_subnet_in_another_table_is_taken_back(aws, ec2, ids):
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [ids["private-1"]]}])["RouteTables"]
    association = next(one for one in table["Associations"] if one.get("SubnetId") == ids["private-1"])
    ec2.replace_route_table_association(AssociationId=association["RouteTableAssociationId"], RouteTableId=ids["public"])
    assert aws.bring("vpc_network", **NETWORK).steps == [f"update route table {NAME}-private (subnets)"]


def test_a_way_to_another_network_that_others_added_stays(aws, ec2, ids):
    ec2.create_route(RouteTableId=ids["private"], DestinationCidrBlock="172.16.0.0/16", GatewayId=ids["internet-gateway"])
    ec2.create_tags(Resources=[ids["public-1"]], Tags=[{"Key": "kubernetes.io/role/elb", "Value": "1"}])
    aws.settled("vpc_network", **NETWORK)


def test_a_subnet_that_was_deleted_is_made_again_where_it_was(aws, ec2, ids):
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [ids["private-2"]]}])["RouteTables"]
    association = next(one for one in table["Associations"] if one.get("SubnetId") == ids["private-2"])
    ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.delete_subnet(SubnetId=ids["private-2"])
    mended = aws.bring("vpc_network", **NETWORK)
    assert mended.steps == [f"create subnet {NAME}-private-2", f"update route table {NAME}-private (subnets)"]
    (subnet,) = ec2.describe_subnets(SubnetIds=[mended["private_subnets"][1]])["Subnets"]
    assert subnet["AvailabilityZone"] == "us-west-2b"


def test_subnets_stay_in_their_zones_whatever_zones_there_are(aws):
    first = aws.bring("vpc_network", **NETWORK, zones=["us-west-2c", "us-west-2b"])
    assert aws.settled("vpc_network", **NETWORK)["private_subnets"] == first["private_subnets"]
    assert "does not change zone" in aws.refused("vpc_network", **NETWORK, zones=["us-west-2a", "us-west-2b"])


def test_a_nat_gateway_comes_is_waited_for_and_goes(aws, ec2):
    aws.bring("vpc_network", **NETWORK)
    aws.cloud.control("PUT", "clock", {"profile": "real", "speed": 600})
    foreseen = aws.run("vpc_network", check=True, **NETWORK, nat_gateway=True)
    added = aws.run("vpc_network", **NETWORK, nat_gateway=True)
    assert added.steps == foreseen.steps
    assert added.steps == [
        f"create address {NAME}-nat-address",
        f"create gateway {NAME}-nat-gateway",
        f"update route table {NAME}-private (default_route)",
    ]
    (gateway,) = ec2.describe_nat_gateways()["NatGateways"]
    assert gateway["State"] == "available"
    aws.settled("vpc_network", **NETWORK, nat_gateway=True)

    removed = aws.run("vpc_network", **NETWORK)
    assert len(removed.steps) == 3
    assert ec2.describe_addresses()["Addresses"] == []
    aws.settled("vpc_network", **NETWORK)
    aws.run("vpc_network", **NETWORK, nat_gateway=True)
    aws.run("vpc_network", **NETWORK, nat_gateway=True, state="absent")
    assert ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [NAME]}])["Vpcs"] == []


def test_a_wait_for_the_nat_gateway_that_was_cut_off_is_taken_up(aws, ec2, tmp_path):
    aws.cloud.control("PUT", "clock", {"profile": "real", "speed": 20})
    log = tmp_path / "log"
    process = aws.start("vpc_network", **NETWORK, nat_gateway=True, log=str(log))
    aws.wait_for(lambda: log.exists() and "pending" in log.read_text())
    process.kill()
    process.communicate()
    again = aws.run("vpc_network", **NETWORK, nat_gateway=True)
    assert again.steps[0] == f"update gateway {NAME}-nat-gateway (state)"
    assert len(ec2.describe_nat_gateways()["NatGateways"]) == 1
    aws.settled("vpc_network", **NETWORK, nat_gateway=True)


@pytest.mark.parametrize("kind", ["lost", "drop", "error", "throttle"])
def test_answers_that_do_not_arrive_make_nothing_twice(aws, ec2, kind):
    changing = ("Create", "Attach", "Associate", "Modify")
    aws.faults(*({"kind": kind, "operation": f"{verb}*", "times": 4, "share": 0.5} for verb in changing))
    aws.run("vpc_network", **NETWORK)
    aws.faults()
    aws.settled("vpc_network", **NETWORK)
    ours = [{"Name": "tag:little-service:service", "Values": ["shared"]}]
    assert len(ec2.describe_vpcs(Filters=ours)["Vpcs"]) == len(ec2.describe_internet_gateways(Filters=ours)["InternetGateways"]) == 1
    assert len(ec2.describe_subnets(Filters=ours)["Subnets"]) == 4
    assert len(ec2.describe_route_tables(Filters=ours)["RouteTables"]) == 2


def test_what_still_uses_it_is_waited_for_and_then_named(aws, ec2, ids):
    interface = ec2.create_network_interface(SubnetId=ids["private-1"])["NetworkInterface"]["NetworkInterfaceId"]
    assert f"The subnet {NAME}-private-1 is still in use" in aws.refused("vpc_network", **NETWORK, state="absent", timeout=0)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    aws.bring("vpc_network", **NETWORK, state="absent")


def test_addresses_that_cannot_be_are_refused_with_an_example(aws):
    for cidr in ("10.20.0.0/8", "10.20.0.1/16", "all"):
        assert "Declare for example: 10.20.0.0/16" in aws.refused("vpc_network", check=True, **NETWORK, cidr=cidr)
