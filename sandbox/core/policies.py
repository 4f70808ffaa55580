"""Policies of resources: what AWS refuses of them, and whether they let in the public."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.backends import get_backend

# A condition with one of these keys, on a fixed value, makes a statement for everybody one for somebody:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
RESTRICTING = re.compile(r"aws:(Principal|Source)(Arn|Account|OrgID|OrgPaths|Vpc|Vpce|Owner|Ip)|aws:userid|aws:PrincipalServiceName", re.I)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def read(text: str) -> dict[str, Any] | None:
    """A policy's document; None where it is none."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) and isinstance(document.get("Statement"), list | dict) else None


def principals(statement: dict[str, Any], kind: str = "AWS") -> list[str]:
    named = statement.get("Principal", {})
    return listed(named.get(kind, [])) if isinstance(named, dict) else listed(named)


def unknown_principal(document: dict[str, Any]) -> str | None:
    """A role or user that a policy names and that is not there (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html)."""
    for statement in listed(document["Statement"]):
        for name in principals(statement):
            account, _, path = name.removeprefix("arn:aws:iam::").partition(":")
            kind, _, path = path.partition("/")
            known = get_backend("iam")[account]["aws"] if re.fullmatch(r"\d{12}", account) else None
            if known is not None and kind == "role" and name not in {role.arn for role in known.roles.values()}:
                return name
            if name.startswith("A") and re.fullmatch(r"A(RO|ID)A[A-Z0-9]{16,}", name):  # what is left of a deleted one
                return name
    return None


def public(document: dict[str, Any]) -> bool:
    """Whether a policy allows anything to everybody."""
    return any(
        statement.get("Effect") == "Allow"
        and "*" in principals(statement)
        and not any(RESTRICTING.match(key) for keys in statement.get("Condition", {}).values() for key in keys)
        for statement in listed(document["Statement"])
    )
