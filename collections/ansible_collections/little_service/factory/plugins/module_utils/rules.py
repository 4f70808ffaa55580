# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A security group's rules as one line each, ``tcp 443 from 0.0.0.0/0``, and as EC2 has them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils.declared import DeclarationError

EVERYTHING = "all to 0.0.0.0/0"
RULE = re.compile(r"(all|(?P<protocol>tcp|udp) (?P<first>\d+)(?:-(?P<last>\d+))?) (?P<way>from|to) (?P<peer>\S+)")
# Where EC2 keeps whom a rule is about, and what names them there.
PEERS = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "PrefixListIds": "PrefixListId", "UserIdGroupPairs": "GroupId"}


def peer_of(rule: str) -> str:
    """Whom a rule is about."""
    return rule.rpartition(" ")[2]


def canonical(rule: str, way: str) -> str:
    """A declared rule as EC2 gives it back.

    :param way: ``from`` or ``to``.
    """
    found = RULE.fullmatch(rule)
    if not found or found["way"] != way:
        raise DeclarationError(f"The rule {rule!r} is not one. Write for example: tcp 443 {way} 0.0.0.0/0, or: all {way} NAME")
    ports = "all"
    if found["protocol"]:
        first, last = int(found["first"]), int(found["last"] or found["first"])
        ports = f"{found['protocol']} {first}" if first == last else f"{found['protocol']} {first}-{last}"
    return f"{ports} {way} {_block(found['peer'], rule) if '/' in found['peer'] else found['peer']}"


def _block(peer: str, rule: str) -> str:
    try:
        return str(ipaddress.ip_network(peer, strict=False))
    except ValueError:
        raise DeclarationError(f"The rule {rule!r} is about {peer!r}, which is no block of addresses such as 10.0.0.0/8.") from None


def as_permission(rule: str, ids: Mapping[str, str]) -> dict[str, Any]:
    """A canonical rule as EC2 has it.

    :param ids: the identifiers of the groups that rules may name.
    """
    parts = RULE.fullmatch(rule).groupdict()  # type: ignore[union-attr]
    peer = ids.get(parts["peer"], parts["peer"])
    kind = "Ipv6Ranges" if ":" in peer else "IpRanges" if "/" in peer else "PrefixListIds" if peer.startswith("pl-") else "UserIdGroupPairs"
    ports = {"FromPort": int(parts["first"]), "ToPort": int(parts["last"] or parts["first"])} if parts["protocol"] else {}
    return {"IpProtocol": parts["protocol"] or "-1", **ports, kind: [{PEERS[kind]: peer}]}


def rules_of(permissions: list[dict[str, Any]], way: str, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What EC2 gives, as lines, each with the permission that it stands for.

    :param way: ``from`` or ``to``.
    :param names: the names of groups by their identifiers.
    """
    return dict(pair for permission in permissions for pair in _lines(permission, way, names))


def _lines(permission: dict[str, Any], way: str, names: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    protocol, first, last = permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort")
    words = "all" if protocol == "-1" else protocol
    if protocol != "-1" and first is not None:
        words += f" {first}" if first == last else f" {first}-{last}"
    alone = {key: value for key, value in permission.items() if key in ("IpProtocol", "FromPort", "ToPort")}
    for place, key in PEERS.items():
        for peer in permission.get(place, []):
            yield f"{words} {way} {names.get(peer[key], peer[key])}", {**alone, place: [{key: peer[key]}]}
