"""What IAM lets a service's roles do: what they need, and no more.

The roles are those that aws_up makes, of two services: one that builds, and one that is promoted.
"""

from __future__ import annotations

import json
import re
import sys
import types
import warnings

import pytest

from tests.aws.conftest import ACCOUNT, REGION
from tests.aws.operator import Operator
from tests.conftest import ROOT, run
from tests.sandbox.conftest import Cloud

HERE = f"{REGION}:{ACCOUNT}"
BUCKET = f"arn:aws:s3:::little-service-sandbox-{ACCOUNT}-{REGION}"
SOURCE = f"arn:aws:s3:::little-service-staging-{ACCOUNT}-{REGION}"
BEANSTALK = f"arn:aws:s3:::elasticbeanstalk-{REGION}-{ACCOUNT}"
ENVIRONMENT = f"arn:aws:elasticbeanstalk:{HERE}:environment"
GROUP = f"arn:aws:autoscaling:{HERE}:autoScalingGroup:1:autoScalingGroupName/awseb-e-abc-AWSEBAutoScalingGroup-1"
STACK = f"arn:aws:cloudformation:{HERE}:stack/awseb-e-abc-stack/1"


def role(name: str, service: str = "orbit") -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/little-service/{service}-sandbox-{REGION}-{name}"


def repository(service: str) -> str:
    return f"arn:aws:ecr:{HERE}:repository/{service}"


def secret(name: str) -> str:
    return f"arn:aws:secretsmanager:{HERE}:secret:{name}-AbCdEf"


def group(name: str) -> str:
    return f"arn:aws:logs:{HERE}:log-group:{name}"


MAY = [
    (role("build"), "logs:PutLogEvents", group("/aws/codebuild/orbit-sandbox:log-stream:1")),
    (role("build"), "s3:GetObject", f"{BUCKET}/orbit-sandbox/SourceOutp/1"),
    (role("build"), "s3:PutObject", f"{BUCKET}/orbit-sandbox/BuildOutpu/1"),
    (role("build"), "ecr:GetAuthorizationToken", "*"),
    (role("build"), "ecr:PutImage", repository("orbit-sandbox")),
    (role("build"), "ecr:BatchGetImage", repository("orbit-sandbox")),
    (role("pipeline"), "codeconnections:UseConnection", f"arn:aws:codeconnections:{HERE}:connection/1"),
    (role("pipeline"), "codebuild:StartBuild", f"arn:aws:codebuild:{HERE}:project/orbit-sandbox"),
    (role("pipeline"), "s3:GetBucketVersioning", BUCKET),
    (role("pipeline"), "s3:PutObject", f"{BUCKET}/released/orbit/bundle.zip"),
    (role("pipeline"), "s3:PutObject", f"{BEANSTALK}/orbit-sandbox/1.zip"),
    (role("pipeline"), "elasticbeanstalk:CreateApplicationVersion", f"arn:aws:elasticbeanstalk:{HERE}:applicationversion/orbit-sandbox/1"),
    (role("pipeline"), "elasticbeanstalk:UpdateEnvironment", f"{ENVIRONMENT}/orbit-sandbox/orbit-sandbox-worker"),
    (role("pipeline"), "elasticbeanstalk:DescribeEvents", "*"),
    (role("pipeline"), "autoscaling:CreateAutoScalingGroup", GROUP),
    (role("pipeline"), "cloudformation:UpdateStack", STACK),
    (role("pipeline"), "ec2:CreateLaunchTemplate", f"arn:aws:ec2:{HERE}:launch-template/*"),
    (role("pipeline"), "ec2:DescribeSubnets", "*"),
    (role("pipeline"), "iam:PassRole", role("instances")),
    (role("pipeline"), "sns:Publish", f"arn:aws:sns:{HERE}:little-service-sandbox-alerts"),
    (role("pipeline", "ledger"), "s3:GetObjectVersion", f"{SOURCE}/released/ledger/bundle.zip"),
    (role("pipeline", "ledger"), "elasticbeanstalk:UpdateEnvironment", f"{ENVIRONMENT}/ledger-sandbox/ledger-sandbox"),
    (role("runtime"), "autoscaling:DescribeAutoScalingGroups", "*"),
    (role("runtime"), "elasticbeanstalk:UpdateEnvironment", f"{ENVIRONMENT}/orbit-sandbox/orbit-sandbox"),
    (role("runtime"), "s3:DeleteObject", f"{BUCKET}/bundles/orbit/placeholder.zip"),
    (role("runtime"), "s3:DeleteObject", f"{BEANSTALK}/orbit-sandbox/1.zip"),
    (role("instances"), "s3:GetObject", f"{BUCKET}/bundles/orbit/placeholder.zip"),
    (role("instances"), "s3:GetObject", f"{BEANSTALK}/orbit-sandbox/1.zip"),
    (role("instances"), "logs:PutLogEvents", group("/aws/elasticbeanstalk/orbit-sandbox/var/log/eb-docker:log-stream:i-1")),
    (role("instances"), "ecr:BatchGetImage", repository("orbit-sandbox")),
    (role("instances"), "secretsmanager:GetSecretValue", secret("orbit/sandbox/database")),
    (role("instances"), "secretsmanager:GetSecretValue", secret("orbit/sandbox/env/STRIPE_KEY")),
    (role("instances"), "elasticbeanstalk:PutInstanceStatistics", f"{ENVIRONMENT}/orbit-sandbox/orbit-sandbox"),
    (role("instances"), "ssm:UpdateInstanceInformation", "*"),
    (role("instances", "ledger"), "ecr:BatchGetImage", repository("ledger-staging")),
]
MAY_NOT = [
    (role("build"), "ecr:PutImage", repository("ledger-sandbox")),
    (role("build"), "ecr:DeleteRepository", repository("orbit-sandbox")),
    (role("build"), "ecr:BatchDeleteImage", repository("orbit-sandbox")),
    (role("build"), "secretsmanager:GetSecretValue", secret("orbit/sandbox/database")),
    (role("build"), "elasticbeanstalk:UpdateEnvironment", f"{ENVIRONMENT}/orbit-sandbox/orbit-sandbox"),
    (role("build"), "s3:DeleteBucketPolicy", BUCKET),
    (role("pipeline"), "elasticbeanstalk:UpdateEnvironment", f"{ENVIRONMENT}/ledger-sandbox/ledger-sandbox"),
    (role("pipeline"), "elasticbeanstalk:TerminateEnvironment", f"{ENVIRONMENT}/orbit-sandbox/orbit-sandbox"),
    (role("pipeline"), "codebuild:StartBuild", f"arn:aws:codebuild:{HERE}:project/ledger-sandbox"),
    (role("pipeline"), "codebuild:UpdateProject", f"arn:aws:codebuild:{HERE}:project/orbit-sandbox"),
    (role("pipeline"), "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Administrator"),
    (role("pipeline"), "iam:PassRole", role("instances", "ledger")),
    (role("pipeline"), "secretsmanager:GetSecretValue", secret("orbit/sandbox/database")),
    (role("pipeline"), "autoscaling:UpdateAutoScalingGroup", GROUP.replace("awseb-e-abc", "somebodys")),
    (role("pipeline"), "cloudformation:UpdateStack", STACK.replace("awseb-e-abc", "somebodys")),
    (role("pipeline"), "ec2:TerminateInstances", f"arn:aws:ec2:{HERE}:instance/i-1"),
    (role("pipeline"), "rds:DeleteDBInstance", f"arn:aws:rds:{HERE}:db:orbit-sandbox"),
    (role("pipeline", "ledger"), "codebuild:StartBuild", f"arn:aws:codebuild:{HERE}:project/ledger-sandbox"),
    (role("pipeline", "ledger"), "s3:PutObject", f"{SOURCE}/released/ledger/bundle.zip"),
    (role("pipeline", "ledger"), "s3:GetObject", f"{SOURCE}/locks/staging/ledger"),
    (role("runtime"), "secretsmanager:GetSecretValue", secret("orbit/sandbox/database")),
    (role("runtime"), "s3:DeleteObject", f"{BUCKET}/bundles/ledger/placeholder.zip"),
    (role("runtime"), "s3:DeleteObject", f"{BUCKET}/locks/sandbox/orbit"),
    (role("instances"), "s3:GetObject", f"{BUCKET}/bundles/ledger/placeholder.zip"),
    (role("instances"), "secretsmanager:GetSecretValue", secret("ledger/sandbox/database")),
    (role("instances"), "secretsmanager:GetSecretValue", secret("orbit/production/database")),
    (role("instances"), "secretsmanager:PutSecretValue", secret("orbit/sandbox/database")),
    (role("instances"), "ecr:PutImage", repository("orbit-sandbox")),
    (role("instances"), "ecr:BatchGetImage", repository("ledger-sandbox")),
    (role("instances"), "logs:PutLogEvents", group("/aws/elasticbeanstalk/ledger-sandbox/var/log/eb-docker:log-stream:i-1")),
    (role("instances"), "s3:PutObject", f"{BUCKET}/bundles/orbit/1.zip"),
    (role("instances"), "iam:PassRole", role("instances")),
    (role("instances"), "bedrock:InvokeModel", "*"),
]


@pytest.fixture(scope="module")
def account(running_sandbox, tmp_path_factory):
    """An account in which aws_up has made the roles of both services, and what stands before them."""
    running_sandbox.control("POST", "reset")
    operator = Operator.at(running_sandbox, tmp_path_factory.mktemp("operator"))
    operator.has("orbit", service_size="standard")
    operator.has("ledger", service_promotes_from="staging")
    made = operator.type("aws_up", "--tags", "aws_identity", name="orbit,ledger")
    assert made.status == 0, made.result.output
    return running_sandbox


def may(cloud: Cloud, who: str, action: str, resource: str) -> str:
    context = {"aws:RequestedRegion": REGION, "iam:PassedToService": "ec2.amazonaws.com", "aws:SecureTransport": "true"}
    entries = [{"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]} for key, value in context.items()]
    asked = {"PolicySourceArn": who, "ActionNames": [action], "ResourceArns": [resource], "ContextEntries": entries}
    return cloud.client("iam").simulate_principal_policy(**asked)["EvaluationResults"][0]["EvalDecision"]


def test_each_role_may_do_what_it_needs(account):
    assert [one for one in MAY if may(account, *one) != "allowed"] == []


def test_no_role_may_do_more(account):
    assert [one for one in MAY_NOT if may(account, *one) == "allowed"] == []


def test_what_is_promoted_needs_no_role_that_builds(account):
    assert not [name for name in inline_policies(account) if name.startswith("ledger") and name.endswith("-build")]


def test_instances_read_their_own_secrets_and_nobody_elses(account):
    as_instance = account.as_role("secretsmanager", role("instances"), "ec2.amazonaws.com")
    assert json.loads(as_instance.get_secret_value(SecretId="orbit/sandbox/database")["SecretString"])["password"]
    with pytest.raises(as_instance.exceptions.ClientError, match="AccessDenied"):
        as_instance.get_secret_value(SecretId="ledger/sandbox/database")


def inline_policies(cloud: Cloud) -> dict[str, dict[str, dict]]:
    """The documents of each role of ours, by role and name."""
    iam, found = cloud.client("iam"), {}
    for one in iam.list_roles(PathPrefix="/little-service/")["Roles"]:
        name = {"RoleName": one["RoleName"]}
        listed = iam.list_role_policies(**name)["PolicyNames"]
        found[one["RoleName"]] = {policy: iam.get_role_policy(PolicyName=policy, **name)["PolicyDocument"] for policy in listed}
    return found


def resource_policies(cloud: Cloud) -> dict[str, dict]:
    bucket, topic = BUCKET.rpartition(":")[2], f"arn:aws:sns:{HERE}:little-service-sandbox-alerts"
    return {
        "bucket": json.loads(cloud.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]),
        "topic": json.loads(cloud.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]),
    }


@pytest.fixture(scope="module")
def documents(account) -> dict[str, dict]:
    """Every policy document that stands, those of the bucket and the topic too."""
    own = {f"{name}/{policy}": document for name, policies in inline_policies(account).items() for policy, document in policies.items()}
    return own | resource_policies(account)


@pytest.fixture(scope="module")
def parliament():
    """It asks setuptools, which nothing else here needs, for one thing, and is not of this year's Python."""
    stand_in = types.ModuleType("pkg_resources")
    stand_in.resource_filename = lambda package, name: f"{sys.modules[package].__path__[0]}/{name}"
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(sys.modules, "pkg_resources", stand_in)
        import parliament

        yield parliament


def test_no_document_says_what_aws_does_not_know_or_more_than_it_must(documents, parliament):
    """Among what parliament tells: unknown actions and conditions, resources that an action does not have, stars where less would do."""
    analysed = {name: parliament.analyze_policy_string(json.dumps(plain(document))) for name, document in documents.items()}
    found = {name: [f"{one.issue}: {one.detail}" for one in policy.findings] for name, policy in analysed.items()}
    assert {name: findings for name, findings in found.items() if findings} == {}


def plain(value):
    """A single value without its list: in a condition parliament does not take one."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return plain(value[0]) if isinstance(value, list) and len(value) == 1 else value


def test_no_action_is_a_star_but_of_what_only_looks(documents):
    allowing = [one for document in documents.values() for one in document["Statement"] if one["Effect"] == "Allow"]
    actions = {action for statement in allowing for action in listed(statement["Action"])}
    assert [action for action in sorted(actions) if "*" in action and not action.endswith(":Describe*")] == []


def test_the_policies_of_a_role_fit_into_what_iam_takes(account):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: 10 240 characters in all, blanks not counted."""
    lengths = {
        name: sum(len("".join(json.dumps(document).split())) for document in policies.values())
        for name, policies in inline_policies(account).items()
    }
    assert max(lengths.values()) < 10240, lengths


PARTITION = """
- hosts: localhost
  gather_facts: false
  roles:
    - {role: aws_declaration, when: false} # what they declare is known all the same
    - {role: aws_identity, when: false}
  tasks:
    - ansible.builtin.copy: {content: "{{ __aws_identity_roles | to_json }}", dest: "{{ told }}"}
"""


@pytest.mark.parametrize(("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("eu-central-1", "aws")])
def test_in_another_partition_all_is_of_that_one(tmp_path, region, partition):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html; the sandbox knows one only."""
    play, told = tmp_path / "play.yml", tmp_path / "told.json"
    play.write_text(PARTITION)
    given = {"service_name": "orbit", "service_environment": "staging", "aws_account_id": ACCOUNT, "aws_region": region, "told": str(told)}
    done = run("ansible-playbook", play, "-e", json.dumps(given), ANSIBLE_ROLES_PATH=str(ROOT / "roles"))
    assert done.status == 0, done.output
    arns = re.findall(r"arn:([^:]*):", told.read_text())
    assert len(arns) > 50
    assert set(arns) == {partition}


def listed(value):
    return value if isinstance(value, list) else [value]
