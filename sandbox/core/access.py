"""Who calls, and what IAM lets them do.

Any access key is the administrator of the account; one of twelve digits, of the account of that number. Assumed roles are held to
their policies as in https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, less permission
boundaries, session policies and organisations' policies, which nothing here uses.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from sandbox.core import permissions
from sandbox.core.policies import listed
from sandbox.core.wire import AwsError, protocol_of

if TYPE_CHECKING:
    from sandbox.core.gateway import Call

ACCOUNT = "123456789012"
SECONDS_UNSEEN = 10  # for how long the services do not see a new role


@dataclasses.dataclass(frozen=True)
class Principal:
    """A caller: an account's administrator, an assumed role, or one of AWS's own services."""

    arn: str
    account: str
    role: str | None = None
    access_key: str = "AKIASANDBOX000000000"
    internal: bool = False  # called from inside the sandbox: faults are not for it

    def names(self, *, foreign: bool) -> tuple[str, ...]:
        """How a resource's policy names it; an account as a whole only lets in what its own policies let out."""
        role = f"arn:aws:iam::{self.account}:role/{self.role}"
        return (self.arn, role, *((self.account, f"arn:aws:iam::{self.account}:root") if foreign else ()))


def administrator(account: str = ACCOUNT) -> Principal:
    return Principal(f"arn:aws:iam::{account}:user/administrator", account)


def principal_of(access_key: str) -> Principal:
    """Whose access key this is."""
    if not access_key.startswith("ASIA"):  # of a session: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
        return administrator(access_key if re.fullmatch(r"\d{12}", access_key) else ACCOUNT)
    for account, backends in get_backend("sts").items():
        for assumed in backends["aws"].assumed_roles:
            if assumed.access_key_id == access_key:
                owner = assumed.role_arn.split(":")[4]
                name = assumed.role_arn.rpartition("/")[2]
                return Principal(f"arn:aws:sts::{owner}:assumed-role/{name}/{assumed.session_name}", owner or account, name, access_key)
    return administrator()


def like(pattern: str, value: str, *, fold: bool = False) -> bool:
    """IAM's wildcards: ``*`` and ``?``, and nothing else is special."""
    if fold:
        pattern, value = pattern.lower(), value.lower()
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


CONDITIONS = {
    "StringEquals": lambda want, have: want == have,
    "StringEqualsIgnoreCase": lambda want, have: want.lower() == have.lower(),
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda want, have: want.lower() == have.lower(),
    "NumericEquals": lambda want, have: float(want) == float(have),
    "NumericLessThan": lambda want, have: float(have) < float(want),
    "NumericLessThanEquals": lambda want, have: float(have) <= float(want),
    "NumericGreaterThanEquals": lambda want, have: float(have) >= float(want),
    "IpAddress": lambda want, have: want in (f"{have}/32", "0.0.0.0/0"),
}


def condition_holds(operator: str, key: str, wanted: list[str], context: dict[str, str]) -> bool:
    """One condition (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html)."""
    name = operator.rpartition(":")[2]
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    have = next((value for known, value in context.items() if known.lower() == key.lower()), None)
    if name == "Null":
        return (have is None) == (wanted[0].lower() == "true")
    negated = name.startswith(("StringNot", "ArnNot"))
    test = CONDITIONS[name.replace("Not", "", 1) if negated else name]
    if have is None:
        return optional or negated
    return any(test(str(want), have) for want in wanted) != negated


def principal_named(statement: dict[str, Any], who: Iterable[str]) -> bool:
    """Whether a statement of a resource's policy or a trust policy is about one of these principals."""
    named = statement.get("Principal", "*")
    values = listed(named) if isinstance(named, str) else [v for given in named.values() for v in listed(given)]
    return "*" in values or any(name in values for name in who)


def statement_concerns(statement: dict[str, Any], action: str, resource: str, context: dict[str, str]) -> bool:
    actions = "Action" if "Action" in statement else "NotAction"
    resources = "Resource" if "Resource" in statement else "NotResource"
    named = any(like(pattern, action, fold=True) for pattern in listed(statement[actions]))
    covered = resources not in statement or any(like(pattern, resource) for pattern in listed(statement[resources]))
    conditions = ((op, key, listed(want)) for op, keys in statement.get("Condition", {}).items() for key, want in keys.items())
    return (
        named == (actions == "Action")
        and covered == (resources == "Resource" or resources not in statement)
        and all(condition_holds(op, key, want, context) for op, key, want in conditions)
    )


def decide(documents: Iterable[dict[str, Any]], action: str, resource: str, context: dict[str, str], who: tuple[str, ...] = ()) -> str:
    """``explicitDeny``, ``allowed`` or ``implicitDeny``, the three words of SimulatePrincipalPolicy."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in listed(document["Statement"])
        if principal_named(statement, who) and statement_concerns(statement, action, resource, context)
    }
    return "explicitDeny" if "Deny" in effects else "allowed" if "Allow" in effects else "implicitDeny"


def role_of(arn: str) -> Any:
    """moto's role of this ARN; None where there is none."""
    return next((role for role in get_backend("iam")[arn.split(":")[4]]["aws"].roles.values() if role.arn == arn), None)


def role_named(account: str, name: str | None) -> Any:
    return next((role for role in get_backend("iam")[account]["aws"].roles.values() if role.name == name), None)


def role_policies(account: str, role_name: str | None) -> list[dict[str, Any]]:
    """The documents of a role's inline and attached policies."""
    role = role_named(account, role_name)
    if role is None:  # deleted, and its sessions with it
        return []
    attached = [next(v.document for v in policy.versions if v.is_default) for policy in role.managed_policies.values()]
    return [json.loads(document) if isinstance(document, str) else document for document in (*role.policies.values(), *attached)]


def trusts(role: Any, service: str) -> bool:
    """Whether a role's trust policy lets a service assume it."""
    document = json.loads(role.assume_role_policy_document)
    return decide([document], "sts:AssumeRole", "*", {}, (service,)) == "allowed"


EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def authorise(call: Call) -> None:
    """Refuse what the caller's policies, or the resource's own, do not allow. AWS itself may do anything.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html: in another account both must
    allow, in one's own either may, unless it is the account that the resource's policy names.
    """
    who, own = call.principal, permissions.resource_policy(call)
    foreign = call.owner != who.account
    if (who.role is None and (who.internal or not (own or foreign))) or (call.service, call.operation) == ("sts", "GetCallerIdentity"):
        return
    documents = role_policies(who.account, who.role) if who.role else [EVERYTHING]
    context = {
        "aws:SecureTransport": "true",
        "aws:PrincipalArn": who.arn,
        "aws:PrincipalAccount": who.account,
        "aws:RequestedRegion": call.region,
    }
    for action, spellings in permissions.needed(call):
        answers = {decide(documents, action, resource, context) for resource in spellings}
        granted = {decide([own], action, resource, context, who.names(foreign=foreign)) for resource in spellings} if own else set()
        forbidden = {decide([own], action, resource, context, who.names(foreign=True)) for resource in spellings} if own else set()
        allowed_by = [kind for kind, found in (("identity", answers), ("resource", granted)) if "allowed" in found]
        if "explicitDeny" in answers | forbidden:
            kind = "an identity" if "explicitDeny" in answers else "a resource"
            raise denied(call.service, refusal(who, action, spellings[0], f"with an explicit deny in {kind}-based policy"))
        if len(allowed_by) < (2 if foreign else 1):
            kind = "resource" if "identity" in allowed_by else "identity"
            raise denied(call.service, refusal(who, action, spellings[0], f"because no {kind}-based policy allows the {action} action"))
    for arn in passed_roles(call.params) if call.service != "sts" else []:
        passing = {**context, "iam:PassedToService": f"{call.service}.amazonaws.com"}
        if decide(documents, "iam:PassRole", arn, passing) != "allowed":
            why = "because no identity-based policy allows the iam:PassRole action"
            raise denied(call.service, refusal(who, "iam:PassRole", arn, why))


def refusal(who: Principal, action: str, resource: str, because: str = "") -> str:
    """IAM's words (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)."""
    because = because or f"because no identity-based policy allows the {action} action"
    return f"User: {who.arn} is not authorized to perform: {action} on resource: {resource} {because}"


def passed_roles(params: Any) -> list[str]:
    """The roles that a request hands to a service (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html)."""
    if isinstance(params, list):
        return [arn for value in params for arn in passed_roles(value)]
    if not isinstance(params, dict):
        return []
    here = [value for key, value in params.items() if key.lower() in ("rolearn", "servicerole") and isinstance(value, str)]
    return here + [arn for value in params.values() for arn in passed_roles(value)]


def denied(service: str, message: str) -> AwsError:
    if service == "ec2":
        return AwsError("UnauthorizedOperation", f"You are not authorized to perform this operation. {message}", 403)
    if protocol_of(service) in ("json", "rest-json"):
        return AwsError("AccessDeniedException", message, 400)
    return AwsError("AccessDenied", message, 403)


def role_session(role_arn: str, session: str) -> Principal:
    """One of AWS's services in a role."""
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    return Principal(f"arn:aws:sts::{account}:assumed-role/{name}/{session}", account, name)


def allowed(who: Principal, action: str, resource: str) -> bool:
    """Whether a role's policies allow what is no operation of its own."""
    return decide(role_policies(who.account, who.role), action, resource, {"aws:SecureTransport": "true"}) == "allowed"


def assumable(call: Call, role_arn: str, service: str) -> bool:
    """Whether a service that is given a role could assume it by now.

    IAM's changes take seconds to be seen elsewhere (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency):
    for so long, or without latencies the first time it is asked, a service does not see a new role.
    """
    role = role_of(role_arn)
    if role is None:
        return False
    age = (call.clock.now() - role.create_date.replace(tzinfo=datetime.UTC)).total_seconds()
    asked = call.sandbox.asked_for(f"{role.id} {service}")
    seen = age > SECONDS_UNSEEN or (asked if call.clock.profile == "none" else age > call.clock.length(SECONDS_UNSEEN))
    return seen and trusts(role, service)


def assume(role_arn: str, service: str) -> dict[str, str]:
    """The credentials that one of AWS's services gets for a role that trusts it; its session carries the service's name."""
    account, role = role_arn.split(":")[4], role_of(role_arn)
    if role is None or not trusts(role, service):
        raise AwsError("AccessDenied", f"{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}", 403)
    session = get_backend("sts")[account]["aws"].assume_role("aws", service.partition(".")[0], role_arn, "", 3600, "")
    return {"AccessKeyId": session.access_key_id, "SecretAccessKey": session.secret_access_key, "SessionToken": session.session_token}
