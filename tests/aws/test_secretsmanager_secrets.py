"""Secrets: made once at random, kept, restored, and never shown."""

from __future__ import annotations

import json

import pytest

from tests.aws.conftest import tags

DATABASE = {
    "name": "orbit/staging/database",
    "description": "Its password.",
    "generate": {"password": 40},
    "initial": {"username": "app", "host": "not-yet-known.invalid"},
}
SECRETS = {"secrets": [DATABASE], "tags": tags()}
PLACE = {
    "secrets": [
        {
            "name": DATABASE["name"],
            "values": {"host": "db.example", "port": 3306},
            "compose": {"url": "mysql://app:{password}@{host}:{port}"},
        }
    ],
    "tags": tags(),
}


@pytest.fixture
def manager(aws):
    return aws.client("secretsmanager")


def held(manager):
    return json.loads(manager.get_secret_value(SecretId=DATABASE["name"])["SecretString"])


def test_what_is_random_is_made_once_and_never_shown(aws, manager):
    made = aws.bring("secretsmanager_secrets", **SECRETS)
    assert made.steps == ["create secret orbit/staging/database"]
    password = held(manager)["password"]
    assert len(password) == 40
    assert password.isalnum()
    assert password not in json.dumps(made.result)
    assert made["arns"][DATABASE["name"]].startswith("arn:aws:secretsmanager:")


def test_what_is_known_later_is_added_and_stays(aws, manager):
    aws.bring("secretsmanager_secrets", **SECRETS)
    password = held(manager)["password"]
    told = aws.bring("secretsmanager_secrets", **PLACE)
    assert told.steps == ["update secret orbit/staging/database (composed, values)"]
    assert held(manager)["url"] == f"mysql://app:{password}@db.example:3306"
    assert password not in json.dumps(told.result)
    aws.settled("secretsmanager_secrets", **SECRETS)


def test_a_key_that_went_missing_comes_back_and_the_others_stay(aws, manager):
    aws.bring("secretsmanager_secrets", **SECRETS)
    password = held(manager)["password"]
    manager.put_secret_value(SecretId=DATABASE["name"], SecretString=json.dumps({"password": password, "more": "of somebody"}))
    assert aws.bring("secretsmanager_secrets", **SECRETS).steps == ["update secret orbit/staging/database (keys)"]
    assert held(manager) == {"password": password, "more": "of somebody", "username": "app", "host": "not-yet-known.invalid"}


def test_a_password_that_somebody_rotated_is_left_alone(aws, manager):
    aws.bring("secretsmanager_secrets", **SECRETS)
    manager.put_secret_value(SecretId=DATABASE["name"], SecretString=json.dumps({**held(manager), "password": "rotated" * 6}))
    aws.settled("secretsmanager_secrets", **SECRETS)


def test_one_that_waits_for_its_deletion_is_restored_with_what_it_held(aws, manager):
    aws.bring("secretsmanager_secrets", **SECRETS)
    password = held(manager)["password"]
    assert aws.bring("secretsmanager_secrets", **SECRETS, state="absent").steps == ["delete secret orbit/staging/database"]
    restored = aws.run("secretsmanager_secrets", **SECRETS)
    assert restored.changed
    assert held(manager)["password"] == password
    aws.settled("secretsmanager_secrets", **SECRETS)


def test_it_is_deleted_at_once_where_that_is_asked_for(aws, manager):
    aws.bring("secretsmanager_secrets", **SECRETS)
    aws.bring("secretsmanager_secrets", **SECRETS, state="absent", recovery_days=0)
    assert manager.list_secrets()["SecretList"] == []


def test_an_answer_that_was_lost_makes_no_second_password(aws, manager):
    aws.faults({"kind": "lost", "operation": "CreateSecret", "times": 1})
    aws.run("secretsmanager_secrets", **SECRETS)
    aws.faults()
    aws.settled("secretsmanager_secrets", **SECRETS)


def test_secrets_of_a_prefix_are_told_whoever_made_them(aws, manager):
    arn = manager.create_secret(Name="orbit/staging/env/STRIPE_KEY", SecretString="of a user")["ARN"]
    manager.create_secret(Name="orbit/staging/environment", SecretString="of somebody else")
    assert aws.run("secretsmanager_secrets", **SECRETS, list_prefix="orbit/staging/env/")["listed"] == {"orbit/staging/env/STRIPE_KEY": arn}
