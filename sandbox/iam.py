"""What moto's IAM and STS lack: simulation, the administrator's name, trust policies that hold.

https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html, https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends

from sandbox.core import access
from sandbox.core.gateway import Call, operation
from sandbox.core.wire import AwsError


def simulated(call: Call, documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Each action on each resource (https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html)."""
    context = {entry["ContextKeyName"]: str(entry["ContextKeyValues"][0]) for entry in call.params.get("ContextEntries", [])}
    found = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": access.decide(documents, action, resource, context),
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
        for action in call.params["ActionNames"]
        for resource in call.params.get("ResourceArns", ["*"])
    ]
    return {"EvaluationResults": found, "IsTruncated": False}


@operation("iam")
def simulate_principal_policy(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html: of roles."""
    arn = call.params["PolicySourceArn"]
    if ":role/" not in arn:
        raise AwsError("InvalidInput", "The sandbox simulates the policies of roles (docs/sandbox.md).")
    try:
        documents = access.role_policies(arn.split(":")[4], arn.rpartition("/")[2])
    except NotFoundException as error:
        raise AwsError("NoSuchEntity", f"The role with name {arn.rpartition('/')[2]} cannot be found.", 404) from error
    return simulated(call, documents + [json.loads(text) for text in call.params.get("PolicyInputList", [])])


@operation("iam")
def simulate_custom_policy(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html"""
    return simulated(call, [json.loads(text) for text in call.params["PolicyInputList"]])


@operation("sts")
def get_caller_identity(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    who = call.principal
    identifier = "AIDASANDBOXADMINISTRATOR" if who.role is None else f"AROASANDBOX{who.role.upper()}:{who.arn.rpartition('/')[2]}"
    return {"UserId": identifier, "Account": who.account, "Arn": who.arn}


@operation("sts")
def assume_role(call: Call) -> Any:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: only where the role's trust policy names the caller."""
    arn = call.params["RoleArn"]
    account = arn.split(":")[4]
    try:
        role = iam_backends[account]["aws"].get_role_by_arn(arn)
    except NotFoundException:
        role = None
    who = call.principal
    names = (who.account, f"arn:aws:iam::{who.account}:root", who.arn, f"arn:aws:iam::{who.account}:role/{who.role}")
    context = {"sts:ExternalId": call.params["ExternalId"]} if "ExternalId" in call.params else {}
    if role is None or access.decide([json.loads(role.assume_role_policy_document)], "sts:AssumeRole", "*", context, names) != "allowed":
        raise AwsError("AccessDenied", f"User: {who.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}", 403)
    return call.forward()
