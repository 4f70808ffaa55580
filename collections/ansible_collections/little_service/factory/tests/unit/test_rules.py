"""A security group's rules: what is declared and what EC2 gives back mean the same, or it is refused."""

from __future__ import annotations

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import rules
from ansible_collections.little_service.factory.plugins.module_utils.declared import DeclarationError
from ansible_collections.little_service.factory.plugins.modules import security_groups, vpc_network
from hypothesis import given
from hypothesis import strategies as st

IDS = {"web": "sg-0a", "database": "sg-0b"}
ports = st.integers(0, 65535)
words = st.just("all") | st.builds("{} {}".format, st.sampled_from(["tcp", "udp"]), ports | st.builds("{}-{}".format, ports, ports))
blocks = st.builds(str, st.ip_addresses().flatmap(lambda address: st.builds("{}/{}".format, st.just(address), st.integers(0, 32))))
peers = st.sampled_from(["web", "database", "sg-0c", "pl-0d"]) | blocks


@given(rule=st.builds("{} from {}".format, words, peers))
def test_a_rule_that_was_set_is_found_as_it_was_declared(rule):
    rule = rules.canonical(rule, "from")
    names = {identifier: name for name, identifier in IDS.items()}
    assert list(rules.rules_of([rules.as_permission(rule, IDS)], "from", names)) == [rule]


def test_one_permission_of_ec2_is_a_rule_for_each_whom_it_is_about():
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 80,
        "ToPort": 80,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "by hand"}, {"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "UserIdGroupPairs": [{"GroupId": "sg-0a", "UserId": "123456789012"}],
    }
    ping = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    found = rules.rules_of([permission, ping], "from", {"sg-0a": "web"})
    assert sorted(found) == ["icmp -1 from 0.0.0.0/0", *(f"tcp 80 from {peer}" for peer in ("0.0.0.0/0", "10.0.0.0/8", "::/0", "web"))]
    assert found["tcp 80 from web"] == {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": "sg-0a"}]}


@pytest.mark.parametrize(
    "rule", ["tcp from web", "80 from web", "tcp 80 to web", "tcp 80", "tcp eighty from web", "tcp 80 from 10.0.0.0/99"]
)
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(DeclarationError, match="The rule '"):
        rules.canonical(rule, "from")


def group(name: str, *ingress: str) -> dict:
    return {"name": name, "ingress": list(ingress), "egress": []}


def test_a_group_comes_after_those_that_its_rules_name():
    listed = [group("database", "tcp 1 from web", "tcp 1 from database"), group("web", "tcp 80 from balancer"), group("balancer")]
    assert [one["name"] for one in security_groups.ordered(listed)] == ["balancer", "web", "database"]
    with pytest.raises(DeclarationError, match="in a circle"):
        security_groups.ordered([group("a", "all from b"), group("b", "all from a")])


def test_each_subnet_has_a_sixteenth_of_the_network():
    assert vpc_network.subnet_blocks("10.20.0.0/16") == {
        "public-1": "10.20.0.0/20",
        "public-2": "10.20.16.0/20",
        "private-1": "10.20.32.0/20",
        "private-2": "10.20.48.0/20",
    }
