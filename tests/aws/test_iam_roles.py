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


@pytest.mark.parametrize("kind", ["lost", "drop", "error", "throttle"])
def test_answers_that_do_not_arrive_make_no_difference(aws, kind):
    for verbs, state in ((("Create", "Put", "Attach", "Add"), "present"), (("Delete", "Detach", "Remove"), "absent")):
        aws.faults(*({"kind": kind, "operation": f"{verb}*", "times": 2} for verb in verbs))
        aws.run("iam_roles", **ROLES, state=state)
        aws.faults()
        aws.settled("iam_roles", **ROLES, state=state)


def test_a_removal_that_was_cut_off_is_taken_up(aws, iam):
    aws.faults({"kind": "lost", "operation": "DetachRolePolicy"})
    aws.refused("iam_roles", **ROLES, state="absent", aws_config={"retries": {"total_max_attempts": 1}})
    aws.faults()
    aws.bring("iam_roles", **ROLES, state="absent")
    assert aws.cloud.standing() == set()


def test_documents_that_mean_the_same_and_tags_of_others_are_left_alone(aws, iam):
    same = {"Statement": {"Resource": "arn:aws:logs:*:*:*", "Effect": "Allow", "Action": "logs:PutLogEvents"}, "Version": "2012-10-17"}
    iam.put_role_policy(RoleName="orbit-build", PolicyName="log", PolicyDocument=json.dumps(same))
    iam.tag_role(RoleName="orbit-build", Tags=[{"Key": "cost-center", "Value": "42"}])
    aws.settled("iam_roles", **ROLES)


def test_another_path_is_another_role(aws, iam):
    assert "does not change path" in aws.refused("iam_roles", **{**ROLES, "path": "/"})


def test_a_strangers_role_of_the_same_name_is_refused_and_never_removed(aws):
    aws.bring("iam_roles", **{**ROLES, "tags": tags("ledger")})
    assert "is 'ledger' and not 'orbit'" in aws.refused("iam_roles", **ROLES)
    aws.settled("iam_roles", **ROLES, state="absent")
