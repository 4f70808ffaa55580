"""`make verify-aws` goes through the whole life and leaves nothing: tried on the sandbox, whose inventory it is given for that."""

from __future__ import annotations

import pytest

from tests.aws.conftest import ACCOUNT
from tests.conftest import run

pytestmark = pytest.mark.full


def test_it_goes_through_the_life_and_leaves_nothing(running_sandbox):
    running_sandbox.control("POST", "reset")
    env = {"VERIFY_ENVIRONMENT": "sandbox", "LITTLE_SERVICE_SANDBOX_URL": running_sandbox.url}
    done = run("bin/verify-aws", ACCOUNT, "example/verify", **env)
    assert done.status == 0, done.output
    assert "all of it went well" in done.output
    left = [identifier for identifier in running_sandbox.standing() if "verify-" in identifier]
    assert not [identifier for identifier in left if "snapshot" not in identifier and ":secret:" not in identifier], left


def test_one_that_would_cost_too_much_is_not_begun(running_sandbox):
    running_sandbox.control("POST", "reset")
    env = {"VERIFY_ENVIRONMENT": "sandbox", "LITTLE_SERVICE_SANDBOX_URL": running_sandbox.url}
    done = run("bin/verify-aws", ACCOUNT, "example/verify", "us-west-2", "standard", "20", **env)
    assert done.status != 0
    assert "cost_limit is 20" in done.words
    assert not [identifier for identifier in running_sandbox.standing() if "verify-" in identifier]


def test_an_account_must_be_named():
    done = run("bin/verify-aws", "")
    assert done.status != 0
    assert "make verify-aws account=123456789012" in done.output
