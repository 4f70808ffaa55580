"""A service on several instances: a release that nobody notices, one that is disturbed, and AWS's own commands beside our playbooks."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from tests.live.conftest import until
from tests.live.journey import Journey
from tests.sandbox.conftest import REGION
from tests.sandbox.test_clients import programs  # noqa: F401 a fixture

pytestmark = [pytest.mark.docker, pytest.mark.full]  # minutes each
ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def journey(live, tmp_path_factory) -> Journey:
    return Journey.begun(live, tmp_path_factory.mktemp("journey"), tests="test_page", service_size="standard")


def test_on_two_instances_nobody_notices_a_release_and_a_rollback(journey):
    resources = journey.ops.cloud.client("elasticbeanstalk").describe_environment_resources(EnvironmentName=journey.name)
    assert len(resources["EnvironmentResources"]["Instances"]) == 2
    journey.says("Hello from two")
    with journey.asked() as answers:
        journey.goes_well("release", push="true")
        assert "Hello from two" in journey.page()
        journey.goes_well("rollback")
    assert "Hello, World" in journey.page()
    print(dict(answers))
    assert set(answers) == {"well"}, answers
    journey.undo()


def test_a_playbook_and_a_database_that_are_killed_in_a_release_do_no_harm_and_again_it_ends_well(journey, live):
    commit = journey.says("Hello after the kill")
    with journey.under_way("Build", push="true") as first:
        journey.kill_playbook()
    assert first.result().status != 0
    with journey.under_way("Deploy") as again:
        live.engine.docker("kill", *live.engine.ids(f"rds/{ACCOUNT}/{REGION}/{journey.name}"))
    if again.result().status:  # the migration came just then
        assert "What served before goes on serving" in again.result().words
        journey.goes_well("release")
    assert "Hello after the kill" in journey.page()
    assert commit in journey.page("version")
    journey.undo()


def test_a_build_machine_and_a_machine_of_instances_that_are_killed_do_no_harm_and_again_it_ends_well(journey, live):
    commit = journey.says("Hello after two kills")
    serving = journey.page("version")
    with journey.under_way("Build", push="true") as first:
        until(lambda: any(part.startswith("codebuild/") for part in live.parts()), 60)
        (part,) = [part for part in live.parts() if part.startswith("codebuild/")]
        time.sleep(10)  # in the middle of its work
        live.engine.docker("kill", *live.engine.ids(part))
    assert first.result().status != 0
    assert "Build container found dead" in first.result().words, first.result().result.output
    assert journey.page("version") == serving
    with journey.under_way("Deploy") as again:
        time.sleep(5)
        live.engine.docker("kill", *live.engine.ids(f"ec2/{ACCOUNT}/{REGION}"))
    if again.result().status:
        assert "What served before goes on serving" in again.result().words
        until(lambda: journey.serves("version", serving), 60)
        journey.goes_well("release")
    assert "Hello after two kills" in journey.page()
    assert commit in journey.page("version")


def test_eb_shows_follows_and_deploys_what_the_playbooks_released(journey, programs, tmp_path):  # noqa: F811 the fixture
    cloud = journey.ops.cloud
    (tmp_path / ".elasticbeanstalk").mkdir()
    known = {"application_name": journey.name, "default_region": REGION}
    config = {"branch-defaults": {"default": {"environment": journey.name}}, "global": known}
    (tmp_path / ".elasticbeanstalk/config.yml").write_text(json.dumps(config))
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), "AWS_ENDPOINT_URL": cloud.url}
    environment |= {"AWS_ACCESS_KEY_ID": "administrator-of-the-sandbox", "AWS_SECRET_ACCESS_KEY": "not-checked-by-the-sandbox"}
    environment["PYTHONUNBUFFERED"] = "1"  # what follows is ended, and is to have told all by then
    where = {"cwd": tmp_path, "env": environment, "stdin": subprocess.DEVNULL, "text": True}

    def eb(*typed: str) -> str:
        done = subprocess.run(["eb", *typed], **where, capture_output=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    client = cloud.client("elasticbeanstalk")
    versions = client.describe_application_versions(ApplicationName=journey.name)["ApplicationVersions"]
    newest, before = (one["VersionLabel"] for one in versions[:2])
    status = eb("status")
    assert f"Deployed Version: {newest}" in status
    assert "Health: Green" in status
    with subprocess.Popen(["eb", "events", "-f"], **where, stdout=subprocess.PIPE) as following:
        eb("deploy", "--version", before)
        following.terminate()
        followed = following.stdout.read()
    assert "New application version was deployed to running EC2 instances." in followed
    assert f"Deployed Version: {before}" in eb("status")
    journey.page()
    logs = eb("logs")
    assert "/var/log/eb-engine.log" in logs
    assert '"part": "web"' in logs
