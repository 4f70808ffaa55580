"""Environments: made, kept, changed and ended, whatever they are doing and whatever was done to them."""

from __future__ import annotations

import pytest

from tests.aws.beanstalk import (
    BALANCED,
    COMMAND,
    GROUP,
    PLACEHOLDER,
    SINGLE,
    TYPE,
    WEB,
    WORKER,
    Beanstalk,
    declared,
    setting,
)
from tests.aws.conftest import ACCOUNT, REGION, tags


@pytest.fixture
def beanstalk(aws):
    return Beanstalk(aws)


def test_web_and_worker_are_made_kept_and_ended(aws, beanstalk):
    made = aws.bring("beanstalk_environment", **declared(WEB, WORKER, wait=True))
    assert made.steps == ["create environment orbit-staging", "create environment orbit-staging-worker"]
    web, worker = made["environments"]
    assert (web["cname"], web["status"], web["health"], web["version"]) == (
        f"orbit-staging-{ACCOUNT}.{REGION}.elasticbeanstalk.com",
        "Ready",
        "Ok",
        PLACEHOLDER,
    )
    assert worker["cname"] == ""
    assert beanstalk.found()["SolutionStackName"] == "64bit Amazon Linux 2023 v4.8.0 running Docker"
    assert beanstalk.found("orbit-staging-worker")["Tier"]["Name"] == "Worker"

    ended = aws.bring("beanstalk_environment", **declared({**WEB, "state": "absent"}, {**WORKER, "state": "absent"}, wait=True))
    assert ended.steps == ["delete environment orbit-staging-worker", "delete environment orbit-staging"]
    assert beanstalk.client.describe_environments(IncludeDeleted=False)["Environments"] == []


def test_a_run_without_changes_asks_three_things_of_each(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB, WORKER))
    calls = [call["operation"] for call in aws.settled("beanstalk_environment", **declared(WEB, WORKER)).calls]
    assert calls == ["DescribeEnvironments", "DescribeConfigurationSettings", "ListTagsForResource"] * 2


@pytest.mark.parametrize(
    ("by_hand", "told"),
    [
        ({"OptionSettings": [setting(COMMAND, "DeploymentPolicy", "AllAtOnce")]}, f"{COMMAND} DeploymentPolicy"),
        ({"OptionSettings": [setting(GROUP, "MaxSize", "9"), setting(GROUP, "MinSize", "1")]}, f"{GROUP} MaxSize, {GROUP} MinSize"),
        ({"OptionsToRemove": [{"Namespace": GROUP, "OptionName": "MinSize"}]}, f"{GROUP} MinSize"),
    ],
)
def test_a_setting_that_was_changed_by_hand_is_mended(aws, beanstalk, by_hand, told):
    balanced = declared({**WEB, "options": BALANCED})
    aws.run("beanstalk_environment", **balanced)
    before = beanstalk.settings()
    beanstalk.change(**by_hand)
    mended = aws.bring("beanstalk_environment", **balanced)
    assert mended.steps == [f"update environment orbit-staging ({told})"]
    assert beanstalk.settings() == before


def test_what_others_own_is_left_alone(aws, beanstalk):
    balanced = declared({**WEB, "options": BALANCED})
    aws.run("beanstalk_environment", **balanced)
    beanstalk.version("code-pipeline-1")
    beanstalk.change(VersionLabel="code-pipeline-1")
    beanstalk.change(
        OptionSettings=[setting(GROUP, "Cooldown", "60"), setting("aws:elasticbeanstalk:application:environment", "FLAG", "on")]
    )
    beanstalk.client.update_tags_for_resource(ResourceArn=beanstalk.found()["EnvironmentArn"], TagsToAdd=[{"Key": "team", "Value": "blue"}])
    resources = beanstalk.client.describe_environment_resources(EnvironmentName="orbit-staging")["EnvironmentResources"]
    group = resources["AutoScalingGroups"][0]["Name"]
    aws.client("autoscaling").set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=3)
    aws.settled("beanstalk_environment", **balanced)


def test_a_newer_platform_is_no_difference_and_another_one_is_refused(aws, beanstalk):
    old = {"SolutionStackName": "64bit Amazon Linux 2023 v4.7.3 running Docker", "OptionSettings": []}
    aws.run("beanstalk_environment", **declared(WEB))
    beanstalk.change(SolutionStackName=old["SolutionStackName"])
    aws.settled("beanstalk_environment", **declared(WEB))
    beanstalk.change(SolutionStackName="64bit Amazon Linux 2 v4.4.3 running Docker")
    said = aws.refused("beanstalk_environment", **declared(WEB))
    assert "AWS does not change platform from '64bit Amazon Linux 2 running Docker' to '64bit Amazon Linux 2023 running Docker'" in said
    assert f"aws elasticbeanstalk terminate-environment --environment-name orbit-staging --region {REGION}" in said


def test_a_version_and_settings_are_never_sent_in_one_call(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB))
    changed = {**WEB, "options": {**SINGLE, COMMAND: {"DeploymentPolicy": "AllAtOnce"}}}
    outcome = aws.run("beanstalk_environment", **declared(changed, version_label="another"))
    assert outcome.writes == ["elasticbeanstalk:UpdateEnvironment"]
    assert beanstalk.found()["VersionLabel"] == PLACEHOLDER


def test_secrets_and_schedules_that_are_no_longer_declared_are_removed(aws, beanstalk):
    beanstalk.allow_secrets()
    secret = aws.client("secretsmanager").create_secret(Name="orbit", SecretString='{"a": "1"}')["ARN"]
    evening, morning = ({"name": name, "recurrence": "0 18 * * *", "min": 1, "max": 2} for name in ("evening", "morning"))
    whole = {**WEB, "options": BALANCED, "secrets": {"A": f"{secret}:a", "B": secret}, "schedules": [evening, morning]}
    aws.bring("beanstalk_environment", **declared(whole))
    less = {**whole, "secrets": {"A": f"{secret}:a"}, "schedules": [{**morning, "max": 3}]}
    outcome = aws.bring("beanstalk_environment", **declared(less))
    assert outcome.steps == ["update environment orbit-staging (schedules, secrets)"]
    kept = beanstalk.settings()
    assert ("aws:elasticbeanstalk:application:environmentsecrets", "B") not in kept
    assert kept["aws:autoscaling:scheduledaction", "MaxSize"] == "3"


def test_tags_that_were_removed_come_back_and_settings_with_them(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB))
    arn = beanstalk.found()["EnvironmentArn"]
    beanstalk.client.update_tags_for_resource(ResourceArn=arn, TagsToRemove=["little-service:environment"])
    beanstalk.change(OptionSettings=[setting(COMMAND, "DeploymentPolicy", "AllAtOnce")])
    assert aws.bring("beanstalk_environment", **declared(WEB)).steps == [
        f"update environment orbit-staging ({COMMAND} DeploymentPolicy, tags)"
    ]


def test_small_becomes_balanced_and_small_again(aws, beanstalk):
    aws.bring("beanstalk_environment", **declared(WEB))
    aws.bring("beanstalk_environment", **declared({**WEB, "options": BALANCED}, WORKER, wait=True))
    assert len(aws.client("elbv2").describe_load_balancers()["LoadBalancers"]) == 1
    aws.bring("beanstalk_environment", **declared(WEB, {**WORKER, "state": "absent"}, wait=True))
    assert aws.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert [one["EnvironmentName"] for one in beanstalk.client.describe_environments(IncludeDeleted=False)["Environments"]] == [
        "orbit-staging"
    ]


def test_another_kind_of_load_balancer_is_refused_before_anything_is_done(aws, beanstalk):
    aws.run("beanstalk_environment", **declared({**WEB, "options": BALANCED}))
    network = {**BALANCED, TYPE: {"EnvironmentType": "LoadBalanced", "LoadBalancerType": "network"}}
    assert "AWS does not change aws:elasticbeanstalk:environment LoadBalancerType" in aws.refused(
        "beanstalk_environment", **declared({**WEB, "options": network})
    )


def test_a_new_sister_runs_what_the_others_run(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB))
    beanstalk.version("code-pipeline-1")
    beanstalk.change(VersionLabel="code-pipeline-1")
    aws.run("beanstalk_environment", **declared(WEB, WORKER))
    assert beanstalk.found("orbit-staging-worker")["VersionLabel"] == "code-pipeline-1"


def test_what_was_ended_comes_back_with_the_version_that_it_ran(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB))
    beanstalk.version("code-pipeline-1")
    beanstalk.change(VersionLabel="code-pipeline-1")
    beanstalk.client.terminate_environment(EnvironmentName="orbit-staging")
    assert aws.bring("beanstalk_environment", **declared(WEB)).steps == ["create environment orbit-staging"]
    assert beanstalk.found()["VersionLabel"] == "code-pipeline-1"


def test_a_version_that_is_gone_is_not_missed(aws, beanstalk):
    beanstalk.version("code-pipeline-1")
    aws.run("beanstalk_environment", **declared(WEB))
    beanstalk.change(VersionLabel="code-pipeline-1")
    beanstalk.client.terminate_environment(EnvironmentName="orbit-staging")
    beanstalk.found()
    beanstalk.client.delete_application_version(ApplicationName="orbit-staging", VersionLabel="code-pipeline-1")
    aws.run("beanstalk_environment", **declared(WEB))
    assert beanstalk.found()["VersionLabel"] == PLACEHOLDER


def test_what_belongs_to_another_service_is_neither_changed_nor_ended(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB, tags=tags("ledger")))
    assert "is 'ledger' and not 'orbit'" in aws.refused("beanstalk_environment", **declared(WEB))
    aws.settled("beanstalk_environment", **declared({**WEB, "state": "absent"}, wait=True))


def test_an_address_that_somebody_has_is_named(aws, beanstalk):
    stack = beanstalk.client.list_available_solution_stacks()["SolutionStacks"][0]
    elsewhere = {"ApplicationName": "orbit-staging", "EnvironmentName": "somebodys", "SolutionStackName": stack}
    options = [
        setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "orbit-instances"),
        setting(TYPE, "EnvironmentType", "SingleInstance"),
    ]
    beanstalk.client.create_environment(**elsewhere, CNAMEPrefix=WEB["cname_prefix"], OptionSettings=options)
    said = aws.refused("beanstalk_environment", **declared(WEB))
    assert said.startswith(f"The address orbit-staging-{ACCOUNT}.{REGION}.elasticbeanstalk.com is taken")


@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "lost"])
def test_a_fault_in_any_one_call_makes_no_difference(aws, beanstalk, kind):
    operations = ("CreateEnvironment", "UpdateEnvironment", "UpdateTagsForResource", "TerminateEnvironment", "Describe*", "List*")
    aws.faults(*({"kind": kind, "service": "elasticbeanstalk", "operation": operation, "times": 1} for operation in operations))
    aws.run("beanstalk_environment", **declared(WEB))
    changed = declared({**WEB, "options": {**SINGLE, COMMAND: {"DeploymentPolicy": "AllAtOnce"}}}, tags={**tags(), "team": "blue"})
    aws.run("beanstalk_environment", **changed)
    aws.settled("beanstalk_environment", **changed)
    gone = declared({**WEB, "state": "absent"}, wait=True)
    aws.run("beanstalk_environment", **gone)
    aws.settled("beanstalk_environment", **gone)
