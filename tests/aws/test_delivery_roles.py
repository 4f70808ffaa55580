"""The roles from an image's repository to the environments, run as a playbook runs them."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import time
import urllib.request

import pytest
import yaml

from tests.aws.conftest import ACCOUNT, REGION
from tests.conftest import ROOT, Result, run
from tests.sandbox.conftest import allow
from tests.sandbox.test_pipeline import BUILD, PIPELINE

NAMES = ("aws_runtime", "aws_registry", "aws_build", "aws_pipeline")
PLAY = """
- hosts: services
  gather_facts: false
  module_defaults:
    group/little_service.factory.aws: "{{ aws_declaration_connection }}"
  tasks:
    - name: Declare
      ansible.builtin.include_role: {name: aws_declaration, public: true}
    - name: Keep or remove
      ansible.builtin.include_role: {name: "{{ item }}", tasks_from: "{{ tasks_from | default('main') }}"}
      loop: "{{ (tasks_from | default('main') == 'main') | ternary(roles_in_order, roles_in_order | reverse) }}"
"""
SECRETS = {"KEY": "key", "PASSWORD": "password"}


class Place:
    """What other roles make before these: network, bucket, IAM roles, secrets, connection; and an inventory with one service."""

    def __init__(self, aws, folder: pathlib.Path) -> None:
        self.aws, self.folder, self.marked = aws, folder, 0
        (folder / "play.yml").write_text(PLAY)
        ec2 = aws.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zones[n])["Subnet"]["SubnetId"] for n in (0, 1)
        ]
        groups = {name: ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("web", "balancer")}
        secret = aws.client("secretsmanager").create_secret(Name="orbit/sandbox", SecretString=json.dumps(SECRETS))["ARN"]
        connection = aws.client("codeconnections").create_connection(ProviderType="GitHub", ConnectionName="github")["ConnectionArn"]
        self.facts = {
            "aws_network_vpc_id": vpc,
            "aws_network_public_subnets": subnets,
            "aws_network_security_groups": groups,
            "aws_secrets_variables": {"DJANGO_SECRET_KEY": f"{secret}:key", "DATABASE_PASSWORD": f"{secret}:password"},
            "aws_account_connection_arn": connection,
            "roles_in_order": list(NAMES),
        }
        self._bucket("sandbox")
        self._roles("orbit-sandbox-us-west-2", secret)
        self.declare()

    def _bucket(self, environment: str) -> None:
        name = {"Bucket": f"little-service-{environment}-{ACCOUNT}-{REGION}"}
        self.aws.client("s3").create_bucket(**name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.aws.client("s3").put_bucket_versioning(**name, VersioningConfiguration={"Status": "Enabled"})

    def _roles(self, prefix: str, secret: str) -> None:
        iam, place = self.aws.client("iam"), {"Path": "/little-service/"}
        needed = {
            "build": ("codebuild", BUILD),
            "pipeline": ("codepipeline", PIPELINE),
            "runtime": ("elasticbeanstalk", []),
            "instances": ("ec2", [allow("secretsmanager:GetSecretValue", secret)]),
        }
        for name, (service, statements) in needed.items():
            trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            iam.create_role(RoleName=f"{prefix}-{name}", AssumeRolePolicyDocument=document, **place)
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_role_policy(RoleName=f"{prefix}-{name}", PolicyName="inline", PolicyDocument=policy) if statements else None
        iam.create_instance_profile(InstanceProfileName=f"{prefix}-instances", **place)
        iam.add_role_to_instance_profile(InstanceProfileName=f"{prefix}-instances", RoleName=f"{prefix}-instances")

    def declare(self, environment: str = "sandbox", **more: object) -> None:
        """Write the inventory as the user does."""
        account = yaml.safe_load((ROOT / "inventories/sandbox/group_vars/all.yml").read_text())
        host = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "service_name": "orbit",
            "service_environment": environment,
            "service_state": "present",
            "service_size": "small",
            **more,
        }
        variables = {**account, "aws_endpoint_url": self.aws.cloud.url, "aws_wait_delay": 0.1, **self.facts}
        inventory = {"services": {"hosts": {"orbit": host}, "vars": variables}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))

    def play(self, *options: str) -> Result:
        self.marked = self.aws.mark()
        return run(
            "ansible-playbook", "-i", self.folder / "hosts.yml", self.folder / "play.yml", *options, ANSIBLE_ROLES_PATH=str(ROOT / "roles")
        )

    def up(self, *options: str) -> Result:
        done = self.play(*options)
        assert done.status == 0, done.output
        return done

    @property
    def writes(self) -> list[str]:
        calls = self.aws.calls(self.marked)
        return [f"{c['service']}:{c['operation']}" for c in calls if c["write"] and c["principal"].endswith(":user/administrator")]

    def environments(self) -> dict[str, dict]:
        listed = self.aws.client("elasticbeanstalk").describe_environments(IncludeDeleted=False)["Environments"]
        return {one["EnvironmentName"]: one for one in listed}

    def settings(self, name: str) -> dict[tuple[str, str], str]:
        asked = {"ApplicationName": "orbit-sandbox", "EnvironmentName": name}
        found = self.aws.client("elasticbeanstalk").describe_configuration_settings(**asked)["ConfigurationSettings"][0]
        return {(one["Namespace"].rpartition(":")[2], one["OptionName"]): one["Value"] for one in found["OptionSettings"]}


@pytest.fixture
def place(aws, tmp_path):
    return Place(aws, tmp_path)


def test_a_small_service_is_foreseen_made_kept_grown_and_removed(place):
    foreseen = place.up("--check")
    assert place.writes == []
    made = place.up()
    assert made.changed == foreseen.changed > 0
    assert place.up().changed == 0
    assert place.writes == []
    web = place.environments()["orbit-sandbox"]
    assert (web["Status"], web["HealthStatus"]) == ("Ready", "Ok")
    assert web["VersionLabel"].startswith("placeholder-")
    assert web["CNAME"] == f"orbit-sandbox-{ACCOUNT}.{REGION}.elasticbeanstalk.com"
    settings = place.settings("orbit-sandbox")
    assert settings["environment", "EnvironmentType"] == "SingleInstance"
    assert settings["environment", "COMPOSE_PROFILES"] == "web,worker,beat,redis"
    assert settings["command", "DeploymentPolicy"] == "Immutable"

    evening = {"name": "evening", "recurrence": "0 18 * * *", "part": "web", "min": 2, "max": 3}
    place.declare(service_size="standard", service_schedules=[evening])
    assert "Worker" in place.aws.client("codepipeline").get_pipeline(name="orbit-sandbox")["pipeline"]["stages"][2] or place.up()
    assert place.up().changed == 0
    assert place.writes == []
    assert set(place.environments()) == {"orbit-sandbox", "orbit-sandbox-worker"}
    settings = place.settings("orbit-sandbox")
    assert settings["environment", "EnvironmentType"] == "LoadBalanced"
    assert settings["default", "HealthCheckPath"] == "/health/live"
    assert settings["scheduledaction", "MinSize"] == "2"
    assert settings["environment", "COMPOSE_PROFILES"] == "web"

    place.up("-e", "tasks_from=absent")
    assert place.environments() == {}
    again = place.up("-e", "tasks_from=absent")
    assert again.changed == 0
    kinds = ("elasticbeanstalk", "codebuild", "codepipeline", "ecr")
    assert not [one for one in place.aws.cloud.control("GET", "resources") if one["service"] in kinds]
