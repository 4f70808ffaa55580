"""Roles with their policies and profiles: brought to what is declared."""

from __future__ import annotations

import json

import pytest

from tests.aws.conftest import tags

LOG = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": ["arn:aws:logs:*:*:*"]}]}
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
ROLES = {
    "path": "/little-service/",
    "roles": [
        {"name": "orbit-build", "service": "codebuild.amazonaws.com", "policies": {"log": LOG}},
        {"name": "orbit-instances", "service": "ec2.amazonaws.com", "managed_policies": [CORE], "instance_profile": True},
    ],
    "tags": tags(),
}


@pytest.fixture
def iam(aws):
    aws.bring("iam_roles", **ROLES)
    return aws.client("iam")


def test_they_are_made_kept_and_removed_with_all_that_hangs_on_them(aws):
    made = aws.bring("iam_roles", **ROLES)
    assert made.steps == ["create role orbit-build", "create role orbit-instances", "create instance profile orbit-instances"]
    # Somebody put the role into a profile of their own, and a policy into the role.
    iam = aws.client("iam")
    iam.create_instance_profile(InstanceProfileName="of-somebody")
    iam.add_role_to_instance_profile(InstanceProfileName="of-somebody", RoleName="orbit-build")
    iam.put_role_policy(RoleName="orbit-build", PolicyName="more", PolicyDocument=json.dumps(LOG))
    aws.bring("iam_roles", **ROLES, state="absent")
    assert [role for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("orbit")] == []
    assert [one["InstanceProfileName"] for one in iam.list_instance_profiles()["InstanceProfiles"]] == ["of-somebody"]


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda iam: iam.delete_role_policy(RoleName="orbit-build", PolicyName="log"), "role orbit-build (policies)"),
        (
            lambda iam: iam.put_role_policy(RoleName="orbit-build", PolicyName="more", PolicyDocument=json.dumps(LOG)),
            "role orbit-build (policies)",
        ),
        (lambda iam: iam.attach_role_policy(RoleName="orbit-build", PolicyArn=CORE), "role orbit-build (managed_policies)"),
        (lambda iam: iam.detach_role_policy(RoleName="orbit-instances", PolicyArn=CORE), "role orbit-instances (managed_policies)"),
        (lambda iam: iam.update_role(RoleName="orbit-build", Description="x"), "role orbit-build (description)"),
        (
            lambda iam: iam.update_assume_role_policy(
                RoleName="orbit-build",
                PolicyDocument=json.dumps(
                    {
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
                    }
                ),
            ),
            "role orbit-build (trust)",
        ),
        (
            lambda iam: iam.remove_role_from_instance_profile(InstanceProfileName="orbit-instances", RoleName="orbit-instances"),
            "instance profile orbit-instances (roles)",
        ),
        (lambda iam: iam.untag_role(RoleName="orbit-build", TagKeys=["little-service:environment"]), "role orbit-build (tags)"),
    ],
)
def test_what_was_changed_by_hand_is_mended(aws, iam, change, step):
    change(iam)
    assert aws.bring("iam_roles", **ROLES).steps == [f"update {step}"]


def test_a_role_whose_answer_was_lost_is_made_once(aws):
    aws.faults({"kind": "lost", "operation": "CreateRole", "times": 1}, {"kind": "lost", "operation": "CreateInstanceProfile", "times": 1})
    aws.run("iam_roles", **ROLES)
    aws.faults()
    aws.settled("iam_roles", **ROLES)


def test_a_strangers_role_of_the_same_name_is_refused_and_never_removed(aws):
    aws.bring("iam_roles", **{**ROLES, "tags": tags("ledger")})
    assert "is 'ledger' and not 'orbit'" in aws.refused("iam_roles", **ROLES)
    aws.settled("iam_roles", **ROLES, state="absent")
