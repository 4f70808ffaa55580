# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policy documents in one form, so that two that mean the same are equal."""

from __future__ import annotations

import json
from typing import Any

# Elements that hold one value or a list of them, in any order:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
LISTS = ("Action", "NotAction", "Resource", "NotResource")


def canonical(document: str | dict[str, Any] | None) -> dict[str, Any] | None:
    """The document as a dictionary, with lists that have no order sorted; None for none. Other documents are only read."""
    if not document:
        return None
    read = json.loads(document) if isinstance(document, str) else document
    if "Statement" not in read:
        return read
    statements = read["Statement"] if isinstance(read["Statement"], list) else [read["Statement"]]
    return {**read, "Statement": [{name: _element(name, value) for name, value in one.items()} for one in statements]}


def _element(name: str, value: Any) -> Any:
    if name in LISTS:
        return _sorted(value)
    if name in ("Principal", "NotPrincipal") and isinstance(value, dict):
        return {kind: _sorted(who) for kind, who in value.items()}
    if name == "Condition":
        return {operator: {key: _sorted(wanted) for key, wanted in keys.items()} for operator, keys in value.items()}
    return value


def _sorted(value: Any) -> list[str]:
    return sorted(json.dumps(one) if isinstance(one, bool | int) else one for one in (value if isinstance(value, list) else [value]))
