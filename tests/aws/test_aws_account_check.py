"""The account is checked before anything is made in it."""

from __future__ import annotations

from tests.aws.conftest import ACCOUNT

CHECK = {"account": ACCOUNT, "network": "little-service-staging"}


def test_the_declared_account_is_told_who_calls(aws):
    assert aws.settled("aws_account_check", **CHECK)["arn"].startswith(f"arn:aws:iam::{ACCOUNT}:")


def test_keys_of_another_account_are_refused_with_what_to_mend(aws):
    words = aws.refused("aws_account_check", **{**CHECK, "account": "111122223333"})
    assert f"in account {ACCOUNT}; the inventory means account 111122223333" in words
    assert "aws_account_id in group_vars/all.yml" in words


def test_without_room_for_a_network_nothing_is_begun(aws):
    ec2 = aws.client("ec2")
    while len(ec2.describe_vpcs()["Vpcs"]) < 5:
        ec2.create_vpc(CidrBlock="10.9.0.0/16")
    words = aws.refused("aws_account_check", **CHECK)
    assert "5 of 5 VPCs stand" in words
    assert "--desired-value 10" in words


def test_where_the_network_stands_already_no_room_is_needed(aws):
    ec2 = aws.client("ec2")
    while len(ec2.describe_vpcs()["Vpcs"]) < 5:
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "little-service-staging"}])
    aws.settled("aws_account_check", **CHECK)
