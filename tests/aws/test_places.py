"""One service in several places: staging and production in accounts and regions of their own, and one environment in two regions."""

from __future__ import annotations

import json

import pytest

from tests.aws.conftest import ACCOUNT, REGION
from tests.aws.operator import NAME, Operator, Run, good

PRODUCTION, ELSEWHERE = "999999999999", "eu-central-1"
pytestmark = pytest.mark.full  # each step is a run of a playbook
SECRET = {"aws_secret_key": "not-checked-by-the-sandbox"}
# In the sandbox a key of twelve digits is the administrator of the account of that number. Ansible is to take it for words.
STAGING = {"environment": "staging", "aws_account_id": ACCOUNT, "aws_access_key": ACCOUNT, **SECRET}
LIVE = {"environment": "production", "aws_account_id": PRODUCTION, "aws_access_key": PRODUCTION, "aws_region": ELSEWHERE, **SECRET}


def settled(run: Run) -> None:
    assert (run.status, run.changed, run.writes) == (0, 0, []), run.result.output


def standing(ops: Operator, account: str, region: str) -> set[str]:
    """What stands in one place."""
    return {one["id"] for one in ops.cloud.control("GET", "resources") if one["account"] == account and one["region"] in (region, "global")}


def test_staging_and_production_are_in_accounts_and_regions_of_their_own(ops):
    ops.declare(NAME, "staging", service_github="example/orbit", aws_promoted_to_accounts=[PRODUCTION])
    promoted = {"service_promotes_from": "staging", "service_promotes_from_account": ACCOUNT, "service_promotes_from_region": REGION}
    # Production is refused without HTTPS.
    acm = ops.cloud.client("acm", ELSEWHERE, key=PRODUCTION)
    secure = {"service_size": "standard", "service_domain": "orbit.example.com"}
    secure["service_certificate_arn"] = acm.request_certificate(DomainName="orbit.example.com")["CertificateArn"]
    ops.declare(NAME, "production", service_github="example/orbit", **promoted, **secure)
    good(ops.type("aws_up", name=NAME, **STAGING))
    before = standing(ops, ACCOUNT, REGION)
    good(ops.type("aws_up", name=NAME, **LIVE))
    assert standing(ops, ACCOUNT, REGION) == before
    there = standing(ops, PRODUCTION, ELSEWHERE)
    assert not [one for one in before if "production" in one]
    assert not [one for one in there if "staging" in one]
    assert not standing(ops, PRODUCTION, REGION) - there
    assert len([one for one in there if f"{NAME}-production" in one]) > 10

    client = ops.cloud.client("codepipeline", ELSEWHERE, key=PRODUCTION)
    source = client.get_pipeline(name=f"{NAME}-production")["pipeline"]["stages"][0]["actions"][0]
    assert source["configuration"]["S3Bucket"] == f"little-service-staging-{ACCOUNT}-{REGION}"
    # Production's roles are let in by staging's bucket and repository, and by nothing else of it.
    ecr = ops.cloud.client("ecr", key=ACCOUNT)
    policy = json.loads(ecr.get_repository_policy(repositoryName=f"{NAME}-staging")["policyText"])
    assert policy["Statement"][0]["Principal"]["AWS"] == [f"arn:aws:iam::{PRODUCTION}:root"]

    settled(ops.type("aws_up", name=NAME, **STAGING))
    settled(ops.type("aws_up", name=NAME, **LIVE))
    good(ops.type("aws_down", name=NAME, scope="all", confirm=NAME, confirm_environment="production", **LIVE))
    assert standing(ops, ACCOUNT, REGION) == before
    settled(ops.type("aws_up", name=NAME, **STAGING))


def test_one_environment_in_two_regions_of_an_account(ops):
    good(ops.type("aws_up", name=NAME))
    here = standing(ops, ACCOUNT, REGION)
    good(ops.type("aws_up", name=NAME, aws_region=ELSEWHERE))
    assert here <= standing(ops, ACCOUNT, REGION)
    settled(ops.type("aws_up", name=NAME))
    settled(ops.type("aws_up", name=NAME, aws_region=ELSEWHERE))
    good(ops.type("aws_down", name=NAME, scope="all", confirm=NAME, aws_region=ELSEWHERE))
    assert here <= standing(ops, ACCOUNT, REGION)
    settled(ops.type("aws_up", name=NAME))
