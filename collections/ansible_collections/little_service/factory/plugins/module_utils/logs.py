# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of CloudWatch Logs: since when, whose they are, and how they are shown. Pure."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils.declared import DeclarationError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> int:
    """``90s``, ``10m``, ``2h`` or ``1d`` in seconds."""
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text.strip().lower())
    if not found:
        raise DeclarationError(f"since is '{text}', and takes a number and s, m, h or d, such as 10m.")
    return int(found[1]) * UNITS[found[2]]


def part_of(message: str) -> str:
    """Which part of the service wrote a line; its own lines are JSON and say so. Empty where it does not say."""
    try:
        said = json.loads(message)
    except ValueError:
        return ""
    return str(said.get("part", "")) if isinstance(said, dict) else ""


def is_of(message: str, parts: Iterable[str]) -> bool:
    """Whether a line is of one of these parts. A line that does not say whose it is may be anybody's, and is shown."""
    wanted, said = list(parts), part_of(message)
    return not wanted or not said or said in wanted


def shown(event: Mapping[str, Any], group: str) -> str:
    """An event as one line: when, from where, what."""
    when = datetime.datetime.fromtimestamp(event["timestamp"] / 1000, datetime.UTC)
    message = event["message"].rstrip("\n")
    return f"{when:%Y-%m-%dT%H:%M:%SZ} {part_of(message) or group.rpartition('/')[2]} {message}"
