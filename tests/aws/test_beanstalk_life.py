"""Environments that are busy, that fail, and that are held fast."""

from __future__ import annotations

import time

import pytest

from tests.aws.beanstalk import BALANCED, COMMAND, COMMON, SINGLE, TYPE, WEB, WORKER, Beanstalk, declared, setting
from tests.aws.conftest import tags

MISSING = {**SINGLE, "aws:autoscaling:launchconfiguration": {"IamInstanceProfile": "missing"}}
OTHER = declared({**WEB, "options": {**SINGLE, COMMAND: {"DeploymentPolicy": "AllAtOnce"}}})
GONE = declared({**WEB, "state": "absent"}, wait=True)


@pytest.fixture
def beanstalk(aws):
    return Beanstalk(aws)


def pace(aws, speed: int) -> None:
    """From now on AWS takes its time, this many times faster: a launch lasts five minutes."""
    aws.cloud.control("PUT", "clock", {"profile": "real", "speed": speed})


def test_nothing_is_waited_for_unless_told(aws, beanstalk):
    pace(aws, 1)
    assert aws.run("beanstalk_environment", **declared(WEB))["environments"][0]["status"] == "Launching"
    assert beanstalk.found()["Status"] == "Launching"
    pace(aws, 1000)
    waited = aws.settled("beanstalk_environment", **declared(WEB, wait=True))
    assert (waited["environments"][0]["status"], waited["environments"][0]["health"]) == ("Ready", "Ok")


def test_a_busy_environment_is_waited_for_before_it_is_changed(aws, beanstalk):
    pace(aws, 100)
    aws.run("beanstalk_environment", **declared(WEB))
    assert aws.run("beanstalk_environment", **OTHER).steps == [f"update environment orbit-staging ({COMMAND} DeploymentPolicy)"]
    aws.settled("beanstalk_environment", **OTHER)
    aws.settled("beanstalk_environment", **declared(*OTHER["environments"], wait=True))


def test_what_is_waited_for_is_told_with_its_last_event(beanstalk, patient, aws, tmp_path):
    log = tmp_path / "log"
    aws.run("beanstalk_environment", **declared(WEB, wait=True), log=str(log))
    told = log.read_text().splitlines()
    assert "environment orbit-staging: Launching: Waiting for EC2 instances to launch. This may take a few minutes" in told
    assert told[-1] == "environment orbit-staging: Ready"


def test_what_is_ending_is_waited_for_and_made_anew(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB))
    before = beanstalk.found()["EnvironmentId"]
    pace(aws, 100)
    beanstalk.client.terminate_environment(EnvironmentName="orbit-staging")
    made = aws.run("beanstalk_environment", **declared(WEB))
    assert made.steps == ["create environment orbit-staging"]
    assert made["environments"][0]["id"] != before


def test_what_is_ending_is_not_ended_again_but_waited_for_where_told(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB, wait=True))
    pace(aws, 1)
    beanstalk.client.terminate_environment(EnvironmentName="orbit-staging")
    aws.settled("beanstalk_environment", **declared({**WEB, "state": "absent"}))
    assert beanstalk.found()["Status"] == "Terminating"
    pace(aws, 1000)
    aws.settled("beanstalk_environment", **GONE)
    assert beanstalk.found()["Status"] == "Terminated"


def test_an_update_is_broken_off_where_the_environment_is_to_end(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB, wait=True))
    pace(aws, 100)
    beanstalk.change(OptionSettings=[setting("aws:autoscaling:launchconfiguration", "RootVolumeSize", "20")])
    ended = aws.run("beanstalk_environment", **GONE)
    assert ended.writes[-2:] == ["elasticbeanstalk:AbortEnvironmentUpdate", "elasticbeanstalk:TerminateEnvironment"]
    assert beanstalk.found()["Status"] == "Terminated"


def test_a_wait_ends_with_what_is_still_going_on_and_is_taken_up(aws, beanstalk):
    pace(aws, 1)
    said = aws.refused("beanstalk_environment", **declared(WEB, wait=True, timeout=0))
    assert said.startswith("The environment orbit-staging is still Launching: createEnvironment is starting after 0 s.")
    assert said.endswith("run this again to take up the wait.")
    pace(aws, 1000)
    aws.settled("beanstalk_environment", **declared(WEB, wait=True))


def test_a_run_that_was_killed_while_it_waited_is_taken_up_by_the_next(aws, beanstalk):
    pace(aws, 20)
    process = aws.start("beanstalk_environment", **declared(WEB, wait=True))
    while not beanstalk.client.describe_environments()["Environments"]:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    pace(aws, 1000)
    aws.settled("beanstalk_environment", **declared(WEB, wait=True))


def test_a_launch_that_ended_in_nothing_tells_why_and_is_begun_again(aws, beanstalk):
    missing = declared({**WEB, "options": MISSING}, wait=True)
    said = aws.refused("beanstalk_environment", **missing)
    assert said == (
        "The environment orbit-staging did not come up: Failed to launch environment. The instance profile missing associated with the "
        "environment does not exist. When that is mended, run this again."
    )
    assert aws.run("beanstalk_environment", **declared(WEB, wait=True)).steps == ["create environment orbit-staging"]


def test_a_launch_that_ended_ready_with_errors_tells_why_and_is_rebuilt(aws, beanstalk):
    secret = aws.client("secretsmanager").create_secret(Name="orbit", SecretString="{}")["ARN"]
    with_secret = declared({**WEB, "secrets": {"KEY": f"{secret}:key"}}, wait=True)
    said = aws.refused("beanstalk_environment", **with_secret)
    assert said.startswith("The environment orbit-staging did not come up: Create environment operation is complete, but with errors.")
    assert "The value of KEY cannot be read" in said
    beanstalk.allow_secrets()
    mended = aws.bring("beanstalk_environment", **with_secret)
    assert mended.steps == ["update environment orbit-staging (launched)"]
    assert mended.writes == ["elasticbeanstalk:RebuildEnvironment"]


def test_settings_are_mended_before_a_failed_launch_is_rebuilt(aws, beanstalk):
    secret = aws.client("secretsmanager").create_secret(Name="orbit", SecretString="{}")["ARN"]
    aws.run("beanstalk_environment", **declared({**WEB, "secrets": {"KEY": f"{secret}:key"}}))
    mended = aws.bring("beanstalk_environment", **declared(WEB, wait=True))
    assert mended.steps == ["update environment orbit-staging (launched, secrets)"]
    assert mended.writes == ["elasticbeanstalk:UpdateEnvironment", "elasticbeanstalk:RebuildEnvironment"]


def test_settings_that_could_not_be_deployed_are_told(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB))
    secret = aws.client("secretsmanager").create_secret(Name="orbit", SecretString="{}")["ARN"]
    with_secret = declared({**WEB, "secrets": {"KEY": f"{secret}:key"}}, wait=True)
    said = aws.refused("beanstalk_environment", **with_secret)
    assert "The value of KEY cannot be read" in said
    beanstalk.allow_secrets()
    assert aws.bring("beanstalk_environment", **with_secret).steps == ["update environment orbit-staging (secrets)"]


def test_a_deployment_of_others_that_failed_does_not_concern_a_run_without_changes(aws, beanstalk):
    aws.run("beanstalk_environment", **declared(WEB))
    beanstalk.version("broken", file="readme.txt")
    beanstalk.change(VersionLabel="broken")
    aws.settled("beanstalk_environment", **declared(WEB, wait=True))


def test_what_holds_an_end_up_is_named_with_the_command_that_frees_it(aws, beanstalk):
    balanced = {**WEB, "options": BALANCED}
    aws.run("beanstalk_environment", **declared(balanced))
    ec2 = aws.client("ec2")
    (own,) = (one for one in ec2.describe_security_groups()["SecurityGroups"] if "AWSEBSecurityGroup" in one["GroupName"])
    other = ec2.create_security_group(GroupName="database", Description="database", VpcId=own["VpcId"])["GroupId"]
    rule = [{"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": own["GroupId"]}]}]
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=rule)

    said = aws.refused("beanstalk_environment", **GONE)
    assert said.startswith("The environment orbit-staging could not be ended: Deleting security group failed Reason:")
    assert f"The security group {other} (database) has a rule that names {own['GroupId']}, which is to go." in said
    command = f"aws ec2 revoke-security-group-ingress --group-id {other} --ip-permissions 'IpProtocol=tcp,FromPort=3306,ToPort=3306,"
    assert f"{command}UserIdGroupPairs=[{{GroupId={own['GroupId']}}}]'" in said

    ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=rule)
    assert aws.run("beanstalk_environment", **GONE).steps == ["delete environment orbit-staging"]
    assert beanstalk.found()["Status"] == "Terminated"


def test_while_a_run_has_the_lock_nothing_is_changed(aws, beanstalk):
    lock = {"bucket": "little-service-staging", "key": "locks/staging/orbit", "holder": "ada@desk", "pid": 1, "seconds": 60}
    aws.given(lock=lock).run("beanstalk_environment", **declared(WEB))
    said = aws.given(lock={**lock, "holder": "bob@sofa", "pid": 2}).refused("beanstalk_environment", **declared(WEB, WORKER, tags=tags()))
    assert "ada@desk (process 1) holds the lock" in said


def test_an_environment_needs_no_options_that_do_not_fit_it(aws, beanstalk):
    wrong = {**COMMON, TYPE: {"EnvironmentType": "SingleInstance"}, "aws:elbv2:listener:443": {"Protocol": "HTTPS"}}
    said = aws.refused("beanstalk_environment", **declared({**WEB, "options": wrong}))
    assert said.startswith("The environment orbit-staging: ")
    assert "(Namespace: 'aws:elbv2:listener:443', OptionName: 'Protocol'): Unknown configuration setting." in said
