"""A secret that a person gives: written once, restored, and never shown."""

from __future__ import annotations

import json

import pytest

from tests.aws.conftest import tags

NAME, VALUE = "orbit/staging/env/STRIPE_KEY", "sk-live-of-nobody-4711"
GIVEN = {"name": NAME, "description": "The key.", "tags": tags()}


@pytest.fixture
def manager(aws):
    return aws.client("secretsmanager")


def test_it_is_written_once_and_never_shown(aws, manager):
    made = aws.bring("secretsmanager_value", value=VALUE, **GIVEN)
    assert made.steps == [f"create secret {NAME}"]
    assert manager.get_secret_value(SecretId=NAME)["SecretString"] == VALUE
    changed = aws.bring("secretsmanager_value", value=VALUE[::-1], **GIVEN)
    assert changed.steps == [f"update secret {NAME} (value_is_the_given_one)"]
    for outcome in (made, changed):
        assert VALUE not in json.dumps(outcome.result)
        assert VALUE[::-1] not in json.dumps(outcome.result)


def test_it_is_removed_can_be_restored_and_is_by_being_given_again(aws, manager):
    aws.run("secretsmanager_value", value=VALUE, **GIVEN)
    aws.bring("secretsmanager_value", state="absent", **GIVEN)
    assert "DeletedDate" in manager.describe_secret(SecretId=NAME)
    back = aws.bring("secretsmanager_value", value="another", **GIVEN)
    assert "RestoreSecret" in " ".join(back.writes)
    assert manager.get_secret_value(SecretId=NAME)["SecretString"] == "another"


def test_what_belongs_to_somebody_else_is_left_alone(aws, manager):
    manager.create_secret(Name=NAME, SecretString="theirs")
    assert "is not ours" in aws.refused("secretsmanager_value", value=VALUE, **GIVEN)
    assert aws.run("secretsmanager_value", state="absent", **GIVEN).steps == []


def test_the_line_break_at_a_files_end_does_not_belong_to_it(aws, manager, tmp_path):
    (tmp_path / "value").write_text(f" {VALUE} \r\n")
    aws.run("secretsmanager_value", value_from=str(tmp_path / "value"), **GIVEN)
    assert manager.get_secret_value(SecretId=NAME)["SecretString"] == f" {VALUE} "


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"two\nlines\n", "more than one line"), (b"x" * 65537, "65537 bytes"), (b"\xff\xfe", "cannot be read")],
)
def test_what_cannot_be_a_value_is_refused_without_showing_it(aws, tmp_path, content, said):
    (tmp_path / "value").write_bytes(content)
    told = aws.refused("secretsmanager_value", value_from=str(tmp_path / "value"), **GIVEN)
    assert said in told
    assert "two lines" not in told
