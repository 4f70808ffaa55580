"""What hinders a teardown, and what must stand through it: other services, other environments, and what is somebody else's."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.aws.conftest import ACCOUNT, REGION
from tests.aws.operator import NAME, good
from tests.sandbox.conftest import Cloud

OTHER = "orbit-ledger-two"
pytestmark = pytest.mark.full  # each step is a run of a playbook
DOWN = {"name": NAME, "scope": "all", "confirm": NAME}
# In the tests staging is in the sandbox as well: it differs by its inventory only.
KEYS = {"aws_account_id": ACCOUNT, "aws_access_key": "administrator-of-the-sandbox", "aws_secret_key": "not-checked-by-the-sandbox"}
STAGING = {"environment": "staging", **KEYS}
OURS = {"little-service:service": NAME, "little-service:environment": "sandbox"}
ALL_BUT_SERVICE = {"little-service:environment": "sandbox"}
ALL_BUT_ENVIRONMENT = {"little-service:service": NAME, "little-service:environment": "sandbox-old"}


def left_of(cloud: Cloud, name: str = f"{NAME}-sandbox") -> list[str]:
    """What is still there, but for what is kept: last snapshots, and secrets that can be restored."""
    return [one for one in cloud.standing() if name in one and ":snapshot:" not in one and ":secret:" not in one]


@pytest.mark.parametrize("task", ["Wait for what takes minutes", "aws_build : Keep the project that builds the image"])
def test_half_a_creation_goes_whole(ops, task):
    assert ops.type("aws_up", name=NAME, env={"RECORD_KILL_NAMED": task}).status != 0
    assert left_of(ops.cloud)
    good(ops.type("aws_down", **DOWN))
    assert not left_of(ops.cloud)


def image(cloud: Cloud, repository: str) -> None:
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "config": {}, "layers": []}
    cloud.client("ecr").put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag="0123456789ab")


def test_what_is_full_busy_or_named_by_others_goes_all_the_same_or_says_what_holds_it(ops):
    """With a bucket and a repository that are not empty, an environment that is updating, a group that somebody else's names."""
    cloud, bucket = ops.cloud, f"little-service-sandbox-{ACCOUNT}-{REGION}"
    good(ops.type("aws_up", name=NAME))
    image(cloud, f"{NAME}-sandbox")
    for body in (b"one", b"two"):
        cloud.client("s3").put_object(Bucket=bucket, Key="bundles/of-somebody.zip", Body=body)
    cloud.client("s3").delete_object(Bucket=bucket, Key="bundles/of-somebody.zip")
    ec2 = cloud.client("ec2")
    ours = next(one for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"].startswith(f"{NAME}-sandbox"))
    theirs = ec2.create_security_group(GroupName=f"{NAME}-of-somebody", Description="Of somebody", VpcId=ours["VpcId"])["GroupId"]
    rule = {"GroupId": theirs, "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": ours["GroupId"]}]}]}
    ec2.authorize_security_group_ingress(**rule)
    cloud.control("PUT", "clock", {"profile": "real", "speed": 60})
    beanstalk, setting = (
        cloud.client("elasticbeanstalk"),
        {"Namespace": "aws:elasticbeanstalk:command", "OptionName": "Timeout", "Value": "901"},
    )
    beanstalk.update_environment(EnvironmentName=f"{NAME}-sandbox", OptionSettings=[setting])
    (environment,) = beanstalk.describe_environments(EnvironmentNames=[f"{NAME}-sandbox"])["Environments"]
    assert environment["Status"] == "Updating"

    held = ops.type("aws_down", **DOWN)
    assert held.status == 2, held.result.output
    assert f"rules of {theirs} ({NAME}-of-somebody), which is somebody else's, name {ours['GroupId']}" in held.words
    ec2.revoke_security_group_ingress(**rule)
    good(ops.type("aws_down", **DOWN))
    assert not left_of(cloud)

    # The network holds somebody's group: what services shared says so, and goes when that is gone.
    ec2.delete_security_group(GroupId=theirs)
    good(ops.type("aws_down", **DOWN, shared="true"))
    assert not left_of(cloud, "little-service-sandbox")


@dataclasses.dataclass(frozen=True)
class Strangers:
    """Things of others, with names like ours, and with all of our tags but one."""

    cloud: Cloud

    def come(self) -> set[str]:
        """Make them; returns what was made."""
        before = self.cloud.standing()
        client = self.cloud.client
        for tags, end in ((ALL_BUT_SERVICE, "old"), (ALL_BUT_ENVIRONMENT, "new")):
            self._make(f"{NAME}-sandbox-{end}", tags)
        client("logs").create_log_group(logGroupName=f"/aws/elasticbeanstalk/{NAME}-sandbox-old/var/log/eb-engine.log")
        tags = [{"Key": key, "Value": value} for key, value in ALL_BUT_SERVICE.items()]
        when = {"Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
        what = {"AlarmName": f"{NAME}-sandbox-mine", "Namespace": "Mine", "MetricName": "Mine", "Statistic": "Sum", "Tags": tags}
        client("cloudwatch").put_metric_alarm(**what, **when)
        return self.cloud.standing() - before

    def _make(self, name: str, tags: dict[str, str]) -> None:
        client, listed = self.cloud.client, [{"Key": key, "Value": value} for key, value in tags.items()]
        client("sns").create_topic(Name=name, Tags=listed)
        client("ecr").create_repository(repositoryName=name, tags=listed)
        client("secretsmanager").create_secret(Name=f"{NAME}/sandbox/{name}", SecretString="theirs", Tags=listed)
        what = {"Engine": "mysql", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20}
        user = {"MasterUsername": "theirs", "MasterUserPassword": "not-ours-at-all"}
        client("rds").create_db_instance(DBInstanceIdentifier=name, **what, **user, Tags=listed)
        self.cloud.role(name, "ec2.amazonaws.com")
        client("iam").tag_role(RoleName=name, Tags=listed)
        client("elasticbeanstalk").create_application(ApplicationName=name, Tags=listed)
        client("events").put_rule(Name=name, ScheduleExpression="rate(1 day)", Tags=listed)


def test_the_other_service_the_other_environment_and_strangers_stand(ops):
    ops.has(OTHER)
    ops.declare(NAME, "staging", service_github="example/orbit")
    good(ops.type("aws_up", name=f"{NAME},{OTHER}"))
    good(ops.type("aws_up", name=NAME, **STAGING))
    strangers = Strangers(ops.cloud).come()
    assert len(strangers) >= 16
    before = ops.cloud.standing()
    good(ops.type("aws_down", **DOWN))
    after = ops.cloud.standing()
    assert not strangers - after
    # What Beanstalk makes has names of its own, in which nobody's is: what is gone is counted against what was the service's.
    assert not [one for one in before - after if OTHER in one or f"{NAME}-staging" in one or f"{NAME}/staging" in one]
    assert {one for one in left_of(ops.cloud) if OTHER not in one} <= strangers
    for run in (ops.type("aws_up", name=OTHER), ops.type("aws_up", name=NAME, **STAGING)):
        assert (run.status, run.changed, run.writes) == (0, 0, []), run.result.output
    refused = ops.type("aws_down", **DOWN, shared="true")
    assert refused.status == 2
    assert f"What services share stays: {OTHER} still stand" in refused.words
