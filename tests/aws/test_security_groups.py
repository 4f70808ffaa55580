"""Security groups: the rules that are declared are the only ones, and they go in whatever order they hang together."""

from __future__ import annotations

import pytest
from ansible_collections.little_service.factory.plugins.module_utils.declared import KNOWN_AFTER_APPLY

from tests.aws.conftest import tags

GROUPS = {
    "tags": tags(),
    "groups": [
        {"name": "orbit-database", "description": "The database", "ingress": ["tcp 3306 from orbit-web"], "egress": []},
        {"name": "orbit-web", "description": "The web", "ingress": ["tcp 80 from 0.0.0.0/0", "tcp 81-90 from orbit-web"]},
    ],
}


@pytest.fixture
def ec2(aws):
    return aws.client("ec2")


@pytest.fixture
def declared(ec2):
    return {"vpc_id": ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"], **GROUPS}


def rules(ec2, identifier: str) -> list[tuple]:
    (group,) = ec2.describe_security_groups(GroupIds=[identifier])["SecurityGroups"]
    return [
        (permission["IpProtocol"], permission.get("FromPort"), peer.get("CidrIp") or peer.get("GroupId"))
        for way in ("IpPermissions", "IpPermissionsEgress")
        for permission in group[way]
        for peer in (*permission["IpRanges"], *permission["UserIdGroupPairs"])
    ]


def test_they_are_made_with_their_rules_and_removed(aws, ec2, declared):
    made = aws.bring("security_groups", **declared)
    assert made.steps == ["create security group orbit-web", "create security group orbit-database"]
    web, database = made["ids"]["orbit-web"], made["ids"]["orbit-database"]
    assert rules(ec2, database) == [("tcp", 3306, web)]
    assert sorted(rules(ec2, web)) == [("-1", None, "0.0.0.0/0"), ("tcp", 80, "0.0.0.0/0"), ("tcp", 81, web)]

    removed = aws.bring("security_groups", **declared, state="absent")
    assert removed.steps == ["delete security group orbit-database", "delete security group orbit-web"]


def test_before_there_is_a_network_they_are_foreseen(aws):
    foreseen = aws.run("security_groups", check=True, vpc_id=KNOWN_AFTER_APPLY, **GROUPS)
    assert foreseen.steps == ["create security group orbit-web", "create security group orbit-database"]
    assert set(foreseen["ids"].values()) == {KNOWN_AFTER_APPLY}


def test_rules_that_were_changed_by_hand_are_put_right(aws, ec2, declared):
    ids = aws.bring("security_groups", **declared)["ids"]
    by_hand = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "for a moment"}]}
    ec2.authorize_security_group_ingress(GroupId=ids["orbit-database"], IpPermissions=[by_hand])
    back = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": ids["orbit-database"]}]}
    ec2.authorize_security_group_ingress(GroupId=ids["orbit-web"], IpPermissions=[back])
    out = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_egress(GroupId=ids["orbit-web"], IpPermissions=[out])
    assert aws.bring("security_groups", **declared).steps == [
        "update security group orbit-web (egress, ingress)",
        "update security group orbit-database (ingress)",
    ]
    assert rules(ec2, ids["orbit-database"]) == [("tcp", 3306, ids["orbit-web"])]


def test_a_declared_change_and_lost_tags_are_brought_about(aws, ec2, declared):
    ids = aws.bring("security_groups", **declared)["ids"]
    ec2.create_tags(Resources=[ids["orbit-web"]], Tags=[{"Key": "cost-center", "Value": "42"}])
    aws.settled("security_groups", **declared)
    ec2.delete_tags(Resources=[ids["orbit-web"]], Tags=[{"Key": "little-service:environment"}])
    more = [declared["groups"][0], {**declared["groups"][1], "ingress": ["tcp 443 from 10.0.0.7/8"]}]
    assert aws.bring("security_groups", **{**declared, "groups": more}).steps == ["update security group orbit-web (ingress, tags)"]


def test_a_group_that_another_of_ours_names_can_be_removed(aws, ec2, declared):
    ids = aws.bring("security_groups", **declared)["ids"]
    back = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": ids["orbit-database"]}]}
    ec2.authorize_security_group_ingress(GroupId=ids["orbit-web"], IpPermissions=[back])
    ec2.authorize_security_group_egress(GroupId=ids["orbit-web"], IpPermissions=[back])
    aws.bring("security_groups", **declared, state="absent")


def test_a_group_that_somebody_elses_names_stays_until_that_is_mended(aws, ec2, declared):
    ids = aws.bring("security_groups", **declared)["ids"]
    theirs = ec2.create_security_group(GroupName="theirs", Description="Of somebody", VpcId=declared["vpc_id"])["GroupId"]
    rule = {"GroupId": theirs, "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": ids["orbit-web"]}]}]}
    ec2.authorize_security_group_ingress(**rule)
    said = aws.refused("security_groups", **declared, state="absent")
    assert f"rules of {theirs} (theirs), which is somebody else's, name {ids['orbit-web']}" in said
    ec2.revoke_security_group_ingress(**rule)
    assert aws.bring("security_groups", **declared, state="absent").steps == ["delete security group orbit-web"]


def test_a_group_in_use_is_waited_for_and_then_named(aws, ec2, declared):
    ids = aws.bring("security_groups", **declared)["ids"]
    subnet = ec2.create_subnet(VpcId=declared["vpc_id"], CidrBlock="10.20.0.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=[ids["orbit-web"]])["NetworkInterface"]["NetworkInterfaceId"]
    assert "orbit-web is still in use" in aws.refused("security_groups", **declared, state="absent", timeout=0)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert aws.bring("security_groups", **declared, state="absent").steps == ["delete security group orbit-web"]


@pytest.mark.parametrize("kind", ["lost", "drop", "error", "throttle"])
def test_answers_that_do_not_arrive_make_no_difference(aws, declared, kind):
    aws.faults(*({"kind": kind, "operation": f"{verb}*", "times": 2} for verb in ("Create", "Authorize", "Revoke")))
    aws.run("security_groups", **declared)
    aws.faults()
    aws.settled("security_groups", **declared)


def test_a_group_of_the_name_in_another_network_is_another_one(aws, ec2, declared):
    aws.bring("security_groups", **declared)
    elsewhere = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    assert len(aws.bring("security_groups", **{**declared, "vpc_id": elsewhere}).steps) == 2


def test_what_is_somebody_elses_is_neither_changed_nor_removed(aws, ec2, declared):
    ec2.create_security_group(GroupName="orbit-web", Description="The web", VpcId=declared["vpc_id"])
    assert "-e adopt=true" in aws.refused("security_groups", **declared)
    aws.settled("security_groups", **declared, state="absent")
