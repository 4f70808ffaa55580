"""The wait for what takes minutes: all of it together, told on the way, given up early where there is no hope."""

from __future__ import annotations

import pytest

from tests.aws import beanstalk
from tests.aws.conftest import tags
from tests.aws.data import Ground

NAME = "orbit-staging"
UNKNOWN = "(known after apply)"
AWAITED = {"databases": [NAME], "caches": [NAME], "environments": [NAME]}


@pytest.fixture
def ground(aws):
    return Ground(aws)


@pytest.fixture
def begin(patient, ground):
    """Begin with what takes minutes; ``options`` are the web environment's."""

    def begin(options: dict = beanstalk.SINGLE) -> None:
        beanstalk.Beanstalk(patient)
        common = {"name": NAME, "subnets": ground.subnets, "security_groups": [ground.group], "tags": tags()}
        patient.run("rds_database", **common, database="orbit_db", secret="orbit/staging/database")
        patient.run("elasticache_replication_group", **common, secret="orbit/staging/redis", replicas=1)
        patient.run("beanstalk_environment", **beanstalk.declared({**beanstalk.WEB, "options": options}))

    return begin


def test_it_waits_for_the_slowest_and_says_of_each_what_it_is_at(aws, begin, tmp_path):
    begin()
    log = tmp_path / "log"
    ready = aws.run("await_ready", **AWAITED, log=str(log))
    assert (ready.changed, ready.writes) == (False, [])
    database, cache, environment = (ready[kind][NAME] for kind in AWAITED)
    assert (database["host"].split(".")[0], database["port"]) == (NAME, 3306)
    assert (cache["host"].split(".")[:2], cache["port"], cache["nodes"]) == (["master", NAME], 6379, [f"{NAME}-001", f"{NAME}-002"])
    assert (environment["health"], environment["version"], environment["errors"]) == ("Ok", beanstalk.PLACEHOLDER, "")
    said = log.read_text().splitlines()
    assert said[-1] == "place on AWS: ready"
    for words in (
        f"database {NAME} creating for ",
        f"database {NAME} backing-up for ",
        "(Backing up DB instance)",
        f"cache {NAME} creating for ",
        f"environment {NAME} Launching for ",
        "(Waiting for EC2 instances to launch. This may take a few minutes.)",
    ):
        assert any(words in line for line in said), f"{words} is not in: {said}"
    assert aws.settled("await_ready", **AWAITED).result["environments"] == ready["environments"]


def test_it_tells_what_the_metrics_of_an_environment_are_known_by(aws, begin):
    begin(beanstalk.BALANCED)
    (environment,) = aws.run("await_ready", **AWAITED)["environments"].values()
    client = aws.client("elasticbeanstalk")
    resources = client.describe_environment_resources(EnvironmentName=NAME)["EnvironmentResources"]
    assert environment["groups"] == [resources["AutoScalingGroups"][0]["Name"]]
    assert resources["LoadBalancers"][0]["Name"].endswith(":loadbalancer/" + environment["balancers"][0])
    assert environment["balancers"][0].startswith("app/")
    assert environment["target_groups"][0].startswith("targetgroup/")


def test_in_check_mode_nothing_is_waited_for(aws, begin):
    nothing = aws.run("await_ready", check=True, **AWAITED)
    assert nothing["databases"] == {NAME: {"host": UNKNOWN, "port": UNKNOWN}}
    begin()
    begun = aws.run("await_ready", check=True, **AWAITED)
    assert (begun["databases"], begun["caches"][NAME]["nodes"]) == (nothing["databases"], [UNKNOWN])
    assert begun["environments"][NAME]["groups"] == [UNKNOWN]


def test_an_environment_that_fails_to_launch_is_told_at_once_with_its_own_words(aws, begin):
    missing = {**beanstalk.SINGLE, "aws:autoscaling:launchconfiguration": {"IamInstanceProfile": "nobody"}}
    begin(missing)
    told = aws.refused("await_ready", **AWAITED)
    assert f"environment {NAME} is Terminat" in told
    assert "nobody" in told
    assert "Failed to launch environment. " in told
    states = [one["DBInstanceStatus"] for one in aws.client("rds").describe_db_instances()["DBInstances"]]
    assert states == ["creating"], "it waited for the database all the same"


def test_a_version_that_does_not_start_is_told_too_although_it_ends_ready(patient):
    service = beanstalk.Beanstalk(patient)
    service.version("broken", file="nothing.txt")
    patient.run("beanstalk_environment", **{**beanstalk.declared(beanstalk.WEB), "version_label": "broken"})
    told = patient.refused("await_ready", environments=[NAME])
    assert "its last operation ended with its health Degraded" in told
    assert "'Dockerfile' and 'Dockerrun.aws.json' are missing" in told
    later = patient.run("await_ready", environments=[NAME])  # who ran it knows; the next run is about something else
    assert later["environments"][NAME]["health"] == "Degraded"
    assert "complete, but with errors" in later["environments"][NAME]["errors"]


def test_a_database_that_cannot_start_is_told_with_what_it_needs(aws, begin):
    begin()
    aws.run("await_ready", **AWAITED)
    rds = aws.client("rds")
    large = [{"ParameterName": "innodb_buffer_pool_size", "ParameterValue": str(64 << 30), "ApplyMethod": "pending-reboot"}]
    rds.modify_db_parameter_group(DBParameterGroupName=NAME, Parameters=large)
    rds.reboot_db_instance(DBInstanceIdentifier=NAME)
    told = aws.refused("await_ready", **AWAITED)
    assert f"The database {NAME} is incompatible-parameters and cannot become ready: MySQL does not start with its parameters" in told
    assert "AWS said last: DB instance restarted" in told


def test_what_is_not_there_is_told_after_a_few_looks(aws, ground):
    assert f"The database {NAME} is not there and cannot become ready" in aws.refused("await_ready", **AWAITED)


def test_a_wait_that_lasts_too_long_ends_and_can_be_taken_up_again(aws, begin):
    begin()
    told = aws.refused("await_ready", **AWAITED, timeout=0)
    assert f"still database {NAME} creating for" in told
    assert "run this again to take up the wait" in told
    aws.run("await_ready", **AWAITED)
