"""The order in which things can be deleted, and the states that they pass through, where moto's own services have neither."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.secretsmanager.models import secretsmanager_backends

from sandbox.core.gateway import Answer, Call, operation
from sandbox.core.wire import AwsError

SECONDS_NAT_GATEWAY = {"pending": 120, "deleting": 60}  # public Terraform logs; docs/sandbox.md
SECONDS_LISTED = 3600  # https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html


def held(kind: str, name: str) -> AwsError:
    return AwsError("DependencyViolation", f"The {kind} '{name}' has dependencies and cannot be deleted.")


def listed(call: Call, name: str, key: str, filter_name: str, value: str) -> list[dict[str, Any]]:
    return call.invoke("ec2", name, Filters=[{"Name": filter_name, "Values": [value]}])[key]


@operation("ec2")
def describe_network_interfaces(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html: of what still runs."""
    backend = ec2_backends[call.account][call.region]
    for interface in list(backend.enis.values()):
        if interface.instance and interface.instance.state == "terminated":
            backend.enis.pop(interface.id)
    return call.forward()


@operation("ec2")
def delete_subnet(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html: not with a network interface in it."""
    subnet = call.params["SubnetId"]
    if listed(call, "DescribeNetworkInterfaces", "NetworkInterfaces", "subnet-id", subnet):
        raise held("subnet", subnet)
    return call.forward()


@operation("ec2")
def delete_security_group(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html: not one in use, or named by another's rule."""
    group = call.params.get("GroupId")
    if group:
        used = listed(call, "DescribeNetworkInterfaces", "NetworkInterfaces", "group-id", group)
        others = call.invoke("ec2", "DescribeSecurityGroups")["SecurityGroups"]
        named = [other for other in others if other["GroupId"] != group and group in named_groups(other)]
        if used or named:
            raise AwsError("DependencyViolation", f"resource {group} has a dependent object")
    return call.forward()


def named_groups(group: dict[str, Any]) -> set[str]:
    rules = [*group.get("IpPermissions", []), *group.get("IpPermissionsEgress", [])]
    return {pair["GroupId"] for rule in rules for pair in rule.get("UserIdGroupPairs", [])}


@operation("ec2")
def delete_vpc(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html: an empty one."""
    vpc = call.params["VpcId"]
    groups = [group for group in listed(call, "DescribeSecurityGroups", "SecurityGroups", "vpc-id", vpc) if group["GroupName"] != "default"]
    gateways = listed(call, "DescribeInternetGateways", "InternetGateways", "attachment.vpc-id", vpc)
    if groups or gateways or listed(call, "DescribeSubnets", "Subnets", "vpc-id", vpc):
        raise held("vpc", vpc)
    return call.forward()


def nat_gateway(call: Call, name: str) -> Any:
    return ec2_backends[call.account][call.region].nat_gateways.get(name)


@operation("ec2")
def create_nat_gateway(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html: pending, then available."""
    answered = call.ask()
    model = nat_gateway(call, answered["NatGateway"]["NatGatewayId"])
    model.state = "pending"
    call.clock.after(SECONDS_NAT_GATEWAY["pending"], lambda: become(model, "pending", "available"))
    return {**answered, "NatGateway": {**answered["NatGateway"], "State": "pending"}}


def become(model: Any, before: str, after: str) -> None:
    if model.state == before:
        model.state = after


@operation("ec2")
def delete_nat_gateway(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html: deleting, deleted, and still listed for an hour."""
    name = call.params["NatGatewayId"]
    model, backend = nat_gateway(call, name), ec2_backends[call.account][call.region]
    if model is None:
        raise AwsError("NatGatewayNotFound", f"NatGateway {name} was not found")
    answered = call.ask()
    model.state = "deleting"

    def end() -> None:
        become(model, "deleting", "deleted")
        backend.delete_network_interface(model._eni.id)

    call.clock.after(SECONDS_NAT_GATEWAY["deleting"], end)
    call.clock.after(SECONDS_LISTED, lambda: backend.nat_gateways.pop(name, None), as_is=True)
    return answered


@operation("secretsmanager")
def create_secret(call: Call) -> Answer:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html: not while its name is being deleted."""
    secrets = secretsmanager_backends[call.account][call.region].secrets
    existing = secrets.get(call.params["Name"])
    if existing is not None and existing.is_deleted():
        message = "You can't create this secret because a secret with this name is already scheduled for deletion."
        raise AwsError("InvalidRequestException", message)
    return call.forward()
