"""The roles from an image's repository to the environments, run as a playbook runs them."""

from __future__ import annotations

import json
import pathlib

import pytest
import yaml

from tests.aws.conftest import ACCOUNT, REGION
from tests.conftest import ROOT, Result, run
from tests.sandbox.conftest import allow
from tests.sandbox.test_pipeline import BUILD, PIPELINE

pytestmark = pytest.mark.full  # each run of ansible-playbook takes some seconds, and there are a dozen
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
        for environment in ("sandbox", "production"):
            self._bucket(environment)
            self._roles(f"orbit-{environment}-{REGION}", secret)
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

    def deployments(self, pipeline: str) -> dict[str, str]:
        """Where a pipeline deploys to, by action."""
        stages = self.aws.client("codepipeline").get_pipeline(name=pipeline)["pipeline"]["stages"]
        (actions,) = (stage["actions"] for stage in stages if stage["name"] == "Deploy")
        return {action["name"]: action["configuration"]["EnvironmentName"] for action in actions}

    def settings(self, name: str) -> dict[tuple[str, str], str]:
        asked = {"ApplicationName": name.removesuffix("-worker"), "EnvironmentName": name}
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
    place.up()
    assert place.deployments("orbit-sandbox") == {"Web": "orbit-sandbox", "Worker": "orbit-sandbox-worker"}
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


def test_production_runs_what_another_environment_released_under_its_own_domain(place):
    aws = place.aws
    aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    promoted = {"service_promotes_from": "sandbox", "service_domain": "orbit.example.com", "service_zone": "example.com"}
    place.declare(environment="production", service_size="standard", service_github="example/orbit", **promoted)
    foreseen = place.up("--check")
    assert place.writes == []
    assert place.up().changed == foreseen.changed > 0
    assert place.up().changed == 0
    assert place.writes == []

    assert aws.client("ecr").describe_repositories()["repositories"] == []
    assert aws.client("codebuild").list_projects()["projects"] == []
    stages = aws.client("codepipeline").get_pipeline(name="orbit-production")["pipeline"]["stages"]
    assert [stage["name"] for stage in stages] == ["Source", "Approve", "Deploy", "Release"]
    source = stages[0]["actions"][0]["configuration"]
    assert (source["S3Bucket"], source["S3ObjectKey"]) == (f"little-service-sandbox-{ACCOUNT}-{REGION}", "released/orbit/bundle.zip")
    settings = place.settings("orbit-production")
    assert settings["environment", "DJANGO_HTTPS"] == "true"
    assert settings["environment", "DJANGO_ALLOWED_HOSTS"].startswith("orbit.example.com,orbit-production-")
    listeners = aws.client("elbv2").describe_listeners(LoadBalancerArn=balancer(aws))["Listeners"]
    assert sorted((one["Port"], one["Protocol"]) for one in listeners) == [(80, "HTTP"), (443, "HTTPS")]

    place.up("-e", "tasks_from=absent")
    assert aws.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert place.environments() == {}


def balancer(aws) -> str:
    return aws.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"service_zone": "example.com", "service_domain": "orbit.example.com"}, "a size with one instance, which has no load balancer"),
        ({"environment": "production", "service_size": "standard", "service_github": "a/b"}, "declares no HTTPS"),
        ({"service_variables": {"no-dash": "1"}}, "a name in service_variables: no-dash"),
        ({"service_maintenance": "Tuesday"}, "service_maintenance Tuesday (such as Tue:03:00, in UTC)"),
        ({"aws_promoted_to_accounts": ["12345"]}, 'aws_promoted_to_accounts is ["12345"] (accounts of twelve digits'),
        ({"service_build_compute_type": "HUGE"}, "service_build_compute_type is 'HUGE'; it can be BUILD_GENERAL1_SMALL"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_change(place, declared, told):
    place.declare(**declared)
    refused = place.play("--check")
    assert refused.status == 2
    assert told in refused.words
