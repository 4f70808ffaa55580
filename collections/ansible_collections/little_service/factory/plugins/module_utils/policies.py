# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policy documents in one form, so that two that mean the same are equal."""

from __future__ import annotations

import json
from typing import Any

# Elements of which AWS gives back one value where a list of one was sent, in any order:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
LISTS = ("Action", "NotAction", "Resource", "NotResource", "AWS", "Service", "Federated", "CanonicalUser")


def canonical(document: str | dict[str, Any] | None) -> dict[str, Any] | None:
    """The document as a dictionary, with lists that have no order sorted; None for none."""
    if not document:
        return None
    return _canonical(json.loads(document) if isinstance(document, str) else document, "", "")


def _canonical(value: Any, key: str, above: str) -> Any:
    if isinstance(value, dict):
        return {name: _canonical(one, name, key) for name, one in value.items()}
    if key == "Statement":
        return [_canonical(one, "", "") for one in (value if isinstance(value, list) else [value])]
    if key in LISTS or above in ("StringEquals", "StringLike", "ArnEquals", "ArnLike"):
        return sorted(value) if isinstance(value, list) else [value]
    if isinstance(value, list):
        return [_canonical(one, "", key) for one in value]
    return value
