"""One secret of an environment: added, read anew when its value changed, removed; the others are left alone."""

from __future__ import annotations

import time

import pytest

from tests.aws.beanstalk import WEB, WORKER, Beanstalk, declared

SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"
ASKED = {"application": "orbit-staging", "environments": ["orbit-staging", "orbit-staging-worker"], "variable": "STRIPE_KEY"}


class Secrets(Beanstalk):
    """Two environments that have a secret of their own, and one that a person gave."""

    def __init__(self, aws) -> None:
        super().__init__(aws)
        self.allow_secrets()
        self.manager = aws.client("secretsmanager")
        own = self.manager.create_secret(Name="orbit/staging/django", SecretString="{}")["ARN"]
        kept = [{**one, "secrets": {"DJANGO_SECRET_KEY": f"{own}:secret_key"}} for one in (WEB, WORKER)]
        aws.run("beanstalk_environment", **declared(*kept, wait=True))
        self.arn = self.manager.create_secret(Name="orbit/staging/env/STRIPE_KEY", SecretString="a value of nobody")["ARN"]

    def given(self, name: str = "orbit-staging") -> set[str]:
        return {option for namespace, option in self.settings(name) if namespace == SECRETS}

    def written(self) -> str:
        return self.manager.get_secret_value(SecretId=self.arn)["CreatedDate"].isoformat()


@pytest.fixture
def secrets(aws) -> Secrets:
    return Secrets(aws)


def test_it_is_added_beside_the_others_and_removed_again(aws, secrets):
    added = aws.bring("beanstalk_secret", **ASKED, arn=secrets.arn)
    assert added.steps == [
        "create secret STRIPE_KEY of the environment orbit-staging",
        "create secret STRIPE_KEY of the environment orbit-staging-worker",
    ]
    assert secrets.given() == secrets.given("orbit-staging-worker") == {"DJANGO_SECRET_KEY", "STRIPE_KEY"}
    aws.bring("beanstalk_secret", **ASKED, state="absent")
    assert secrets.given() == {"DJANGO_SECRET_KEY"}


def test_a_value_that_was_written_since_is_read_anew_also_where_the_run_that_wrote_it_was_killed(aws, secrets):
    aws.run("beanstalk_secret", **ASKED, arn=secrets.arn, written=secrets.written())
    time.sleep(1.1)  # Secrets Manager's clock has seconds
    secrets.manager.put_secret_value(SecretId=secrets.arn, SecretString="another value")
    read = aws.bring("beanstalk_secret", **ASKED, arn=secrets.arn, written=secrets.written())
    assert read.writes == ["elasticbeanstalk:RestartAppServer"] * 2


def test_what_does_not_stand_is_passed_over(aws, secrets):
    told = aws.run("beanstalk_secret", **{**ASKED, "environments": ["orbit-staging", "gone"]}, arn=secrets.arn)
    assert told["environments"] == ["orbit-staging"]


def test_a_secret_that_cannot_be_read_is_told_with_beanstalks_words(aws, secrets):
    secrets.manager.delete_secret(SecretId=secrets.arn, ForceDeleteWithoutRecovery=True)
    said = aws.refused("beanstalk_secret", **ASKED, arn=secrets.arn)
    assert "did not take the secret" in said
    assert "The value of STRIPE_KEY cannot be read" in said
