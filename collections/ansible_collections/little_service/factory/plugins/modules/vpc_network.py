#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A network of our own."""

DOCUMENTATION = r"""
---
module: vpc_network
short_description: Keep a network with public and private subnets in two zones
description:
  - Makes a VPC with an internet gateway, two public and two private subnets in two zones, their route tables and an endpoint for S3, and
    keeps each as declared; or removes them all.
  - Private subnets have no way out, but for S3, unless O(nat_gateway) is true. A route to another network that somebody added stays.
  - "Not the seven modules of amazon.aws and community.aws: in check mode C(amazon.aws.ec2_vpc_net) returns no network where there is none
    yet, so that nothing of what is to be in it can be foreseen; and each would be a task of its own."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The network's name. The names of its parts begin with it.
    type: str
    required: true
  state:
    description: C(absent) removes the network. What others put into it must be gone before.
    type: str
    choices: [present, absent]
    default: present
  cidr:
    description: Its addresses; each subnet gets a sixteenth of them.
    type: str
    default: 10.20.0.0/16
  zones:
    description: The two zones. Without it, subnets stay where they are, and new ones get the first two zones of the region.
    type: list
    elements: str
    default: []
  nat_gateway:
    description: Whether private subnets reach the internet. A NAT gateway costs about as much as a small service.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for what still uses a part that is to be removed.
    type: int
    default: 600
  tags:
    description: Tags to set on each part, beside its name; others are left alone.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Keep a network
  little_service.factory.vpc_network:
    name: little-service-production
    cidr: 10.20.0.0/16
    tags: {"little-service:service": shared}
"""

RETURN = r"""
vpc_id:
  description: The network's identifier.
  type: str
  returned: success
public_subnets:
  description: The identifiers of the subnets that the internet reaches.
  type: list
  elements: str
  returned: success
private_subnets:
  description: The identifiers of the others.
  type: list
  elements: str
  returned: success
"""

import ipaddress

from ansible_collections.little_service.factory.plugins.module_utils import declared, network_parts, network_routes
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.network import Network

PUBLIC, PRIVATE = ("public-1", "public-2"), ("private-1", "private-2")


# A subnet's prefix is from 16 to 28: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
PREFIXES = range(16, 25)


def subnet_blocks(cidr):
    """The addresses of each subnet: a sixteenth of the network's, so that there is room for more. Pure."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise refused(cidr, error) from None
    if network.prefixlen not in PREFIXES:
        raise refused(cidr, f"its prefix must be from /{PREFIXES[0]} to /{PREFIXES[-1]}")
    blocks = network.subnets(prefixlen_diff=4)
    return {part: str(next(blocks)) for part in (*PUBLIC, *PRIVATE)}


def refused(cidr, why):
    return declared.DeclarationError(f"The network's addresses cannot be {cidr!r}: {why}. Declare for example: 10.20.0.0/16")


def parts_of(network, options):
    """The parts in the order in which they are made, and those of the NAT gateway."""
    blocks = subnet_blocks(options["cidr"])
    subnets = [
        network_parts.Subnet(network, part, {"cidr": blocks[part], "public": part in PUBLIC}, number)
        for kind in (PUBLIC, PRIVATE)
        for number, part in enumerate(kind)
    ]
    nat = [
        network_parts.Address(network, network_parts.NAT_ADDRESS, {}),
        network_parts.NatGateway(network, network_parts.NAT_GATEWAY, {"subnet": PUBLIC[0], "state": "available"}),
    ]
    ways_out = {"public": (network_parts.INTERNET_GATEWAY, PUBLIC), "private": ((options["nat_gateway"] and nat[1].part) or None, PRIVATE)}
    tables = [
        network_routes.RouteTable(network, part, {"default_route": way, "subnets": list(kind)}) for part, (way, kind) in ways_out.items()
    ]
    service = f"com.amazonaws.{network.module.region}.s3"
    first = [
        network_parts.Vpc(network, "vpc", {"cidr": options["cidr"], "dns_support": True, "dns_hostnames": True}),
        network_parts.InternetGateway(network, network_parts.INTERNET_GATEWAY, {"attached": True}),
    ]
    last = [network_routes.Endpoint(network, "s3", {"service": service, "route_tables": list(ways_out)})]
    return first + subnets, nat, tables + last


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "cidr": {"type": "str", "default": "10.20.0.0/16"},
            "zones": {"type": "list", "elements": "str", "default": []},
            "nat_gateway": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 600},
            "tags": {"type": "dict", "default": {}},
        }
    )
    network = Network(module)
    with module.telling("network"):
        ground, nat, ways = parts_of(network, module.params)
        if absent := module.params["state"] == "absent":
            ground[0].read()  # the parts, which go before it, are found by what they belong to
    if absent:
        steps = declared.carry_out(module, [*ground, *nat, *ways], present=False)
    elif module.params["nat_gateway"]:
        steps = declared.carry_out(module, [*ground, *nat, *ways])
    else:
        steps = declared.carry_out(module, [*ground, *ways]) + declared.carry_out(module, nat, present=False)
    subnets = {"public_subnets": [network.id(part) for part in PUBLIC], "private_subnets": [network.id(part) for part in PRIVATE]}
    module.done(steps, vpc_id=network.id("vpc"), **subnets)


if __name__ == "__main__":
    main()
