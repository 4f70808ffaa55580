"""EC2 and load balancers: the order in which things can be deleted, and the states that they pass through, where moto has neither.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import re
from typing import Any

from moto.ec2.models import ec2_backends

from sandbox.core import networking
from sandbox.core.gateway import Answer, Call, State, operation
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
def create_security_group(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html: few signs in its name and description."""
    check_description(call.params["Description"], "security group")
    check_description(call.params["GroupName"], "group")
    return call.forward()


def check_description(text: str, kind: str) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}", text):
        signs = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        message = f"Invalid {kind} description. Valid descriptions are strings less than 256 characters from the following set: {signs}"
        raise AwsError("InvalidParameterValue", message, 400)


def described_rules(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html, Description"""
    for permission in call.params.get("IpPermissions", []):
        for kind in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"):
            for target in permission.get(kind, []):
                check_description(target.get("Description", ""), "rule")
    return call.forward()


for name in ("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"):
    operation("ec2", name)(described_rules)


@operation("ec2")
def delete_security_group(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html: not one in use, or named by another's rule."""
    group = call.params.get("GroupId")
    if group:
        (found,) = call.invoke("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"]
        if found["GroupName"] == "default":
            raise AwsError("CannotDelete", f'the specified group: "{group}" name: "default" cannot be deleted by a user')
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


@operation("ec2")
def detach_internet_gateway(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html: not while something has a public address."""
    vpc = call.params["VpcId"]
    interfaces = listed(call, "DescribeNetworkInterfaces", "NetworkInterfaces", "vpc-id", vpc)
    if any(interface.get("Association", {}).get("PublicIp") for interface in interfaces):
        message = f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
        raise AwsError("DependencyViolation", message)
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


def interface_of(arn: str) -> str:
    """How EC2 describes the interfaces of a load balancer (docs: elasticloadbalancing, "ELB app/name/id")."""
    return f"ELB {arn.partition('loadbalancer/')[2]}"


@operation("elbv2")
def create_load_balancer(call: Call) -> Answer:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html: an interface in each subnet."""
    answered = call.ask()
    (made,) = answered["LoadBalancers"]
    for subnet in call.params.get("Subnets", []):
        networking.attach(here(call), interface_of(made["LoadBalancerArn"]), [subnet], call.params.get("SecurityGroups", []))
    return answered


@operation("elbv2")
def set_security_groups(call: Call) -> Answer:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSecurityGroups.html"""
    networking.regroup(here(call), interface_of(call.params["LoadBalancerArn"]), call.params["SecurityGroups"])
    return call.forward()


@operation("elbv2")
def delete_load_balancer(call: Call) -> Answer:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html"""
    answered = call.forward()
    if answered.status_code == 200:
        networking.detach(here(call), interface_of(call.params["LoadBalancerArn"]))
    return answered


@operation("autoscaling")
def put_scaling_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html: with its ARN, which moto misspells."""
    call.ask()
    named = {"AutoScalingGroupName": call.params["AutoScalingGroupName"], "PolicyNames": [call.params["PolicyName"]]}
    (made,) = call.invoke("autoscaling", "DescribePolicies", **named)["ScalingPolicies"]
    return {"PolicyARN": made["PolicyARN"], "Alarms": []}


def here(call: Call) -> State:
    return State(call.sandbox, call.account, call.region)
