"""A sandbox of the tests' own, on a free port, as a user starts it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Iterator

import boto3
import botocore.exceptions
import pytest
import requests
from botocore.config import Config

from tests.conftest import ROOT

REGION = "us-west-2"
ACCOUNT = "123456789012"


@dataclasses.dataclass(frozen=True)
class Cloud:
    """The sandbox as its clients see it: AWS's API, and its own addresses."""

    url: str

    @functools.cache  # noqa: B019 as long as the tests: making one takes longer than most tests
    def client(self, service: str, region: str = REGION, key: str = "administrator-of-the-sandbox", attempts: int = 1, **more):
        keys = {"aws_access_key_id": key, "aws_secret_access_key": "not-checked-by-the-sandbox", **more}
        return boto3.client(
            service, endpoint_url=self.url, region_name=region, config=Config(retries={"total_max_attempts": attempts}), **keys
        )

    def control(self, method: str, page: str, body: object = None):
        """What ``METHOD /_sandbox/PAGE`` answers."""
        answer = requests.request(method, f"{self.url}/_sandbox/{page}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def role(self, name: str, service: str, *statements: dict) -> str:
        """Make a role that a service may assume, with one inline policy, and return its ARN."""
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy(*statements))
        return arn

    def as_role(self, service: str, role_arn: str, trusted: str):
        """A client with the credentials that a trusted service gets for a role."""
        got = self.control("POST", "credentials", {"role": role_arn, "service": trusted})
        return self.client(
            service, key=got["AccessKeyId"], aws_secret_access_key=got["SecretAccessKey"], aws_session_token=got["SessionToken"]
        )

    def standing(self) -> set[str]:
        return {resource["id"] for resource in self.control("GET", "resources")}


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resource: str | list[str] = "*", **more) -> dict:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


@contextlib.contextmanager
def refused(code: str, words: str | None = None):
    with pytest.raises(botocore.exceptions.ClientError, match=words) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code


class Network:
    """A VPC with two subnets and a security group."""

    def __init__(self, cloud) -> None:
        self.ec2 = cloud.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.subnet(zone, number) for number, zone in enumerate("ab")]
        self.group = self.security_group("data")

    def subnet(self, zone: str, number: int) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")
        return made["Subnet"]["SubnetId"]

    def security_group(self, name: str) -> str:
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def sandbox_at_free_port(state: pathlib.Path, mode: str = "control") -> Iterator[Cloud]:
    """A sandbox of one's own while the block lasts; its log is below the folder ``state``."""
    poison = {"AWS_PROFILE": "missing", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "MOTO_ACCOUNT_ID": "999999999999"}
    environment = {**os.environ, **poison, "XDG_STATE_HOME": str(state)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as in bin/sandbox
    command = [sys.executable, "-m", "sandbox", "run", "--port", "0", "--mode", mode]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        words = process.stdout.readline().split()
        try:
            yield Cloud(next(word.rstrip(".") for word in words if word.startswith("http://")))
        finally:
            process.terminate()
        assert process.wait(timeout=120) == 0


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory):
    with sandbox_at_free_port(tmp_path_factory.mktemp("state")) as cloud:
        yield cloud


@pytest.fixture
def cloud(running_sandbox):
    """An empty account."""
    running_sandbox.control("POST", "reset")
    return running_sandbox


@pytest.fixture
def network(cloud):
    return Network(cloud)
