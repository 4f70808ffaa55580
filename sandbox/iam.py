"""What moto's IAM and STS lack: limits, simulation, the administrator's name, trust policies that hold.

https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html, https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
"""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.iam.models import IAMBackend, iam_backends

from sandbox.core import access, policies
from sandbox.core.gateway import Answer, Call, operation
from sandbox.core.wire import AwsError

read_managed_policies = IAMBackend._init_aws_policies
AWS_MANAGED: list[Any] = []


def managed_policies(backend: IAMBackend) -> list[Any]:
    """AWS's own policies: read once, not anew for each account and each time that the sandbox is emptied (a tenth of a second)."""
    AWS_MANAGED[:] = AWS_MANAGED or read_managed_policies(backend)
    found = [copy.copy(policy) for policy in AWS_MANAGED]
    for policy in found:
        policy.account_id = backend.account_id
    return found


IAMBackend._init_aws_policies = managed_policies

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: characters, without white space
MOST_INLINE, MOST_MANAGED, MOST_TRUST, MOST_ATTACHED = 10_240, 6_144, 2_048, 10
ADMINISTRATOR = "user/administrator"


def size(document: str) -> int:
    return len("".join(document.split()))


def exceeded(message: str) -> AwsError:
    return AwsError("LimitExceeded", message, 409)


@operation("iam")
def put_role_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html: all inline policies of a role share one limit."""
    name, document = call.params["RoleName"], call.params["PolicyDocument"]
    role = access.role_named(call.account, name)
    others = [text for key, text in role.policies.items() if key != call.params["PolicyName"]] if role else []
    if sum(size(text) for text in (*others, document)) > MOST_INLINE:
        raise exceeded(f"Maximum policy size of {MOST_INLINE} bytes exceeded for role {name}")
    return call.forward()


@operation("iam")
def create_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html"""
    if size(call.params["PolicyDocument"]) > MOST_MANAGED:
        raise exceeded(f"Cannot exceed quota for PolicySize: {MOST_MANAGED}")
    return call.forward()


@operation("iam")
def attach_role_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html"""
    attached = call.invoke("iam", "ListAttachedRolePolicies", RoleName=call.params["RoleName"])["AttachedPolicies"]
    if len({policy["PolicyArn"] for policy in attached} | {call.params["PolicyArn"]}) > MOST_ATTACHED:
        raise exceeded(f"Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}")
    return call.forward()


def check_trust(text: str) -> None:
    """What IAM refuses of a trust policy (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html)."""
    if size(text) > MOST_TRUST:
        raise exceeded(f"Cannot exceed quota for ACLSizePerRole: {MOST_TRUST}")
    document = policies.read(text)
    statements = policies.listed(document["Statement"]) if document else []
    if not statements:
        raise AwsError("MalformedPolicyDocument", "Syntax errors in policy.")
    for part in ("Effect", "Principal", "Action"):
        if any(part not in statement for statement in statements):
            raise AwsError("MalformedPolicyDocument", f"Missing required field {part}")
    if any("Resource" in statement for statement in statements):
        raise AwsError("MalformedPolicyDocument", "Has prohibited field Resource")
    unknown = policies.unknown_principal(document)
    if unknown:
        raise AwsError("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{unknown}"')


@operation("iam")
def create_role(call: Call) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html"""
    check_trust(call.params["AssumeRolePolicyDocument"])
    return call.forward()


@operation("iam")
def update_assume_role_policy(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html; moto refuses principals in lists."""
    check_trust(call.params["PolicyDocument"])
    role = access.role_named(call.account, call.params["RoleName"])
    if role is None:
        raise missing(call.params["RoleName"])
    role.assume_role_policy_document = call.params["PolicyDocument"]
    return {}


def missing(name: str) -> AwsError:
    return AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)


@operation("iam")
def list_instance_profile_tags(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfileTags.html"""
    found = call.invoke("iam", "GetInstanceProfile", InstanceProfileName=call.params["InstanceProfileName"])["InstanceProfile"]
    return {"Tags": found.get("Tags", []), "IsTruncated": False}


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
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html: of roles, and of the administrator."""
    arn = call.params["PolicySourceArn"]
    if arn.endswith(ADMINISTRATOR):
        return simulated(call, [access.EVERYTHING])
    if ":role/" not in arn:
        raise AwsError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    if access.role_named(account, name) is None:
        raise missing(name)
    return simulated(call, access.role_policies(account, name) + [json.loads(text) for text in call.params.get("PolicyInputList", [])])


@operation("iam")
def simulate_custom_policy(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html"""
    return simulated(call, [json.loads(text) for text in call.params["PolicyInputList"]])


@operation("iam")
def remove_role_from_instance_profile(call: Call) -> Any:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html: only a role that is in it."""
    profile, role = call.params["InstanceProfileName"], call.params["RoleName"]
    if role not in [one.name for one in iam_backends[call.account]["aws"].get_instance_profile(profile).roles]:
        raise AwsError("NoSuchEntity", f"Role {role} in Instance Profile {profile} cannot be found.", 404)
    return call.forward()


@operation("sts")
def get_caller_identity(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    who = call.principal
    identifier = "AIDASANDBOXADMINISTRATOR" if who.role is None else f"AROASANDBOX{who.role.upper()}:{who.arn.rpartition('/')[2]}"
    return {"UserId": identifier, "Account": who.account, "Arn": who.arn}


@operation("sts")
def assume_role(call: Call) -> Any:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: only where the role's trust policy names the caller."""
    arn, who = call.params["RoleArn"], call.principal
    role = access.role_of(arn)
    names = (who.account, f"arn:aws:iam::{who.account}:root", who.arn, f"arn:aws:iam::{who.account}:role/{who.role}")
    context = {"sts:ExternalId": call.params["ExternalId"]} if "ExternalId" in call.params else {}
    if role is None or access.decide([json.loads(role.assume_role_policy_document)], "sts:AssumeRole", "*", context, names) != "allowed":
        raise AwsError("AccessDenied", f"User: {who.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}", 403)
    return call.forward()
