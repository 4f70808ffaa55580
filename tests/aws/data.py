"""What databases and caches stand on, in tests: a network, and secrets."""

from __future__ import annotations

import json

from tests.aws.conftest import Aws
from tests.sandbox.conftest import REGION

PASSWORD = "a-password-of-many-letters"


class Ground:
    """Two subnets, a security group, and the secrets ``orbit/staging/database`` and ``…/redis``."""

    def __init__(self, aws: Aws) -> None:
        self._ec2 = aws.client("ec2")
        self._vpc = self._ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self.subnet(zone) for zone in "ab"]
        self.group = self.security_group("data")
        for name, value in (("database", {"password": PASSWORD}), ("redis", {"token": PASSWORD})):
            aws.client("secretsmanager").create_secret(Name=f"orbit/staging/{name}", SecretString=json.dumps(value))

    def subnet(self, zone: str) -> str:
        block = f"10.0.{ord(zone)}.0/24"
        made = self._ec2.create_subnet(VpcId=self._vpc, CidrBlock=block, AvailabilityZone=f"{REGION}{zone}")
        return made["Subnet"]["SubnetId"]

    def security_group(self, name: str) -> str:
        return self._ec2.create_security_group(GroupName=name, Description=name, VpcId=self._vpc)["GroupId"]
