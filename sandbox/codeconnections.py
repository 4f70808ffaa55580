"""AWS CodeConnections, which moto does not have: https://docs.aws.amazon.com/codeconnections/latest/APIReference/Welcome.html"""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.request import Request

from sandbox.core import tags
from sandbox.core.gateway import Call, Sandbox, State, operation
from sandbox.core.wire import AwsError


class Connections(State):
    """Connections by ARN. AWS makes them PENDING; a person completes them in the console, here by ``PUT /_sandbox/connections``."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.connections: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def get(self, arn: str) -> dict[str, Any]:
        if arn not in self.connections:
            raise AwsError("ResourceNotFoundException", f"Connection {arn} not found", 400)
        return self.connections[arn]


def owner(call: Call, arn: str) -> Connections:
    """The connections of the region that an ARN names."""
    return call.state(Connections, arn.split(":")[3])


@operation("codeconnections")
def create_connection(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_CreateConnection.html: its status is PENDING."""
    state, params = call.state(Connections), call.params
    if not params.get("ProviderType") and not params.get("HostArn"):
        raise AwsError("InvalidInputException", "ProviderType or HostArn must be specified")
    arn = state.arn("codeconnections", f"connection/{uuid.uuid4()}")
    state.connections[arn] = {
        "ConnectionName": params["ConnectionName"],
        "ConnectionArn": arn,
        "ProviderType": params.get("ProviderType", "GitHubEnterpriseServer"),
        "OwnerAccountId": call.account,
        "ConnectionStatus": "PENDING",
    }
    state.tags[arn] = tags.as_dict(params.get("Tags"))
    return {"ConnectionArn": arn, "Tags": params.get("Tags", [])}


@operation("codeconnections")
def get_connection(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_GetConnection.html"""
    arn = call.params["ConnectionArn"]
    return {"Connection": owner(call, arn).get(arn)}


@operation("codeconnections")
def list_connections(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_ListConnections.html"""
    found = list(call.state(Connections).connections.values())
    wanted = call.params.get("ProviderTypeFilter")
    found = [connection for connection in found if wanted in (None, connection["ProviderType"])]
    return {"Connections": found}


@operation("codeconnections")
def delete_connection(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_DeleteConnection.html"""
    arn = call.params["ConnectionArn"]
    owner(call, arn).get(arn)
    del owner(call, arn).connections[arn], owner(call, arn).tags[arn]
    return {}


def tags_of(call: Call, arn: str) -> dict[str, str]:
    owner(call, arn).get(arn)
    return owner(call, arn).tags[arn]


# https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_TagResource.html, and those beside it
TAGGING = ("ListTagsForResource", "TagResource", "UntagResource")
tags.register("codeconnections", tags_of, operations=TAGGING, members=("ResourceArn", "Tags", "TagKeys", "Tags"))


def complete(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """``{"arn": ARN}``: what a person does in the console, so that the connection is AVAILABLE."""
    arn = request.get_json()["arn"]
    found = sandbox.state(Connections, arn.split(":")[4], arn.split(":")[3]).get(arn)
    found["ConnectionStatus"] = "AVAILABLE"
    return found
