"""What Elastic Beanstalk says: how a change ended, which platform is newest, and settings that mean the same."""

from __future__ import annotations

import string

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import beanstalk, beanstalk_settings
from ansible_collections.little_service.factory.plugins.module_utils.declared import DeclarationError, plan
from hypothesis import given
from hypothesis import strategies as st

READY = {"Status": "Ready", "HealthStatus": "Ok", "Health": "Green", "VersionLabel": "v2"}
BROKEN = "[Instance: i-1] Command failed on instance. Return code: 1 Output: no such image"
UNSUCCESSFUL = "Unsuccessful command execution on instance id(s) 'i-1'. Aborting the operation."


def events(*messages: str) -> list[dict[str, str]]:
    """Oldest first, as they are told; each that speaks of failing is an error."""
    bad = ("ailed", "errors", "Unsuccessful", "reverted")
    return [{"Message": text, "Severity": "ERROR" if any(word in text for word in bad) else "INFO"} for text in messages][::-1]


@pytest.mark.parametrize(
    ("environment", "happened", "state"),
    [
        (READY, (), "good"),
        ({**READY, "HealthStatus": "Info"}, ("Environment update completed successfully.",), "good"),
        ({**READY, "HealthStatus": None}, (), "good"),
        ({**READY, "HealthStatus": "Pending"}, (), "settling"),
        ({**READY, "HealthStatus": "Warning"}, (), "warned"),
        ({**READY, "HealthStatus": None, "Health": "Yellow"}, (), "warned"),
        ({**READY, "HealthStatus": None, "Health": "Grey"}, (), "settling"),
        ({**READY, "HealthStatus": "Severe"}, (), "unhealthy"),
        ({**READY, "HealthStatus": None, "Health": "Red"}, (), "unhealthy"),
        ({**READY, "Status": "Updating"}, ("Failed to deploy application.",), "busy"),
        (READY, ("Environment update is starting.", UNSUCCESSFUL, "Failed to deploy application."), "failed"),
        (READY, ("Failed to deploy configuration.", "The environment was reverted to the previous configuration setting."), "failed"),
        (READY, ("Failed to deploy application.", "Environment update completed successfully."), "good"),
        ({**READY, "VersionLabel": "v1"}, (), "failed"),
        ({"Status": "Ready", "HealthStatus": "Ok"}, (), "failed"),
        ({"Status": "Launching"}, ("createEnvironment is starting.",), "busy"),
        ({"Status": "Terminating"}, ("terminateEnvironment is starting.",), "busy"),
        ({"Status": "Terminating"}, ("Creating resources failed Reason: quota", "Failed to launch environment."), "gone"),
        ({"Status": "Terminated"}, (), "gone"),
        (None, (), "gone"),
    ],
)
def test_a_deployment_is_judged_by_version_health_and_events(environment, happened, state):
    assert beanstalk.judged(environment, events(*happened), version="v2").state == state


def test_why_it_failed_is_told_without_what_only_says_that_it_did():
    happened = ("An older failed thing", "Successfully launched environment: web", BROKEN, UNSUCCESSFUL, "Failed to deploy application.")
    verdict = beanstalk.judged(READY, events(*happened))
    assert (verdict.state, verdict.said, verdict.causes) == ("failed", "Failed to deploy application", (BROKEN,))
    assert str(verdict) == f"Failed to deploy application. {BROKEN}"
    assert beanstalk.judged(READY, events("Failed to deploy application.")).causes == ("Failed to deploy application.",)


def test_what_it_is_doing_is_told_by_its_last_event():
    assert str(beanstalk.judged({"Status": "Launching"}, events("first.", "then."))) == "Launching: then"


@pytest.mark.parametrize(
    ("happened", "failed"),
    [
        ((), False),
        (("Create environment operation is complete, but with errors. For more information, see the docs.",), True),
        (("Create environment operation is complete, but with errors.", "Failed to deploy configuration."), True),
        (("Create environment operation is complete, but with errors.", "Environment update completed successfully."), False),
        (("Successfully launched environment: web", "Failed to deploy application."), False),
    ],
)
def test_a_launch_failed_until_something_went_well(happened, failed):
    assert beanstalk.launch_failed(events(*happened)) is failed


def test_the_newest_platform_is_so_by_number():
    branch = "64bit Amazon Linux 2023 running Docker"
    versions = ("4.9.0", "4.10.1", "4.10.0")
    stacks = [f"64bit Amazon Linux 2023 v{version} running Docker" for version in versions] + ["64bit Amazon Linux 2 v9.9.9 running Docker"]
    assert beanstalk.newest_platform(stacks, branch) == "64bit Amazon Linux 2023 v4.10.1 running Docker"
    assert beanstalk.branch_of(stacks[0]) == branch
    with pytest.raises(DeclarationError, match=r"no platform '64bit Plan 9 running Docker'.*list-available-solution-stacks"):
        beanstalk.newest_platform(stacks, "64bit Plan 9 running Docker")


@pytest.mark.parametrize(
    ("option", "one", "other"),
    [
        ("Subnets", ["subnet-b", "subnet-a"], "subnet-a, subnet-b"),
        ("StreamLogs", True, "true"),
        ("MinSize", 2, "2"),
        ("ServiceRole", "arn:aws:iam::123456789012:role/little-service/orbit", "orbit"),
        ("InstanceTypes", ["t3.small", "t3.micro"], "t3.small, t3.micro"),
        ("ConfigDocument", '{"Version": 1, "A": {}}', '{"A":{},"Version":1}'),
    ],
)
def test_values_that_mean_the_same_are_equal(option, one, other):
    assert beanstalk_settings.normal(option, one) == beanstalk_settings.normal(option, other)


def test_the_first_instance_type_is_not_any_other():
    assert beanstalk_settings.normal("InstanceTypes", "a,b") != beanstalk_settings.normal("InstanceTypes", "b,a")


words = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
options = st.dictionaries(st.sampled_from(["aws:autoscaling:asg", "aws:ec2:vpc"]), st.dictionaries(words, st.one_of(words, st.integers())))
secrets = st.dictionaries(words, words)
schedule = st.fixed_dictionaries({"name": words, "recurrence": words, "min": st.integers(0, 9), "max": st.integers(0, 9)})
schedules = st.lists(schedule, unique_by=lambda one: one["name"])


@given(options, secrets, schedules, options)
def test_the_plan_of_what_was_just_applied_is_empty(declared_options, declared_secrets, declared_schedules, of_others):
    wanted = beanstalk_settings.declared_properties(declared_options, declared_secrets, declared_schedules)
    settings = beanstalk_settings.as_settings(wanted)
    others = beanstalk_settings.as_settings(beanstalk_settings.declared_properties(of_others, {}, []))
    names = {(one["Namespace"], one["OptionName"]) for one in settings}
    found = [*settings, *(one for one in others if (one["Namespace"], one["OptionName"]) not in names)]
    assert plan(wanted, beanstalk_settings.properties(found)) is None


@given(secrets, schedules, secrets, schedules)
def test_what_is_left_of_secrets_and_schedules_is_what_is_declared(secrets_before, schedules_before, secrets_after, schedules_after):
    before, after = (
        beanstalk_settings.declared_properties({}, *one) for one in ((secrets_before, schedules_before), (secrets_after, schedules_after))
    )

    def applied(properties: dict) -> dict[tuple, str]:
        return {
            (one["Namespace"], one.get("ResourceName"), one["OptionName"]): one["Value"]
            for one in beanstalk_settings.as_settings(properties)
        }

    standing = applied(before) | applied(after)
    for one in beanstalk_settings.removed(before, after):
        del standing[one["Namespace"], one.get("ResourceName"), one["OptionName"]]
    assert standing == applied(after)
