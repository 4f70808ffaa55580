"""The network interfaces of managed services: they hold subnets and security groups in place, as on AWS."""

from __future__ import annotations

from typing import Any

from sandbox.core.gateway import State


def attach(state: State, description: str, subnets: list[str], groups: list[str]) -> None:
    """Make the interface of one node, in the first of its subnets."""
    params = {"Groups": groups} if groups else {}
    state.invoke("ec2", "CreateNetworkInterface", SubnetId=subnets[0], Description=description, **params)


def described(state: State, description: str) -> list[dict[str, Any]]:
    found = state.invoke("ec2", "DescribeNetworkInterfaces", Filters=[{"Name": "description", "Values": [description]}])
    return found["NetworkInterfaces"]


def interfaces(state: State, description: str) -> list[str]:
    return [interface["NetworkInterfaceId"] for interface in described(state, description)]


def subnets(state: State, description: str) -> list[str]:
    return [interface["SubnetId"] for interface in described(state, description)]


def regroup(state: State, description: str, groups: list[str]) -> None:
    for interface in interfaces(state, description):
        state.invoke("ec2", "ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=groups)


def rename(state: State, before: str, after: str) -> None:
    for interface in interfaces(state, before):
        state.invoke("ec2", "ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Description={"Value": after})


def detach(state: State, description: str) -> None:
    for interface in interfaces(state, description):
        state.invoke("ec2", "DeleteNetworkInterface", NetworkInterfaceId=interface)
