"""The life of a service on AWS, typed as ops type it: up, again, tampered, status, costly down, back with its data, all gone."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.aws.conftest import ACCOUNT
from tests.aws.operator import Operator, Run
from tests.sandbox.conftest import Cloud

NAME = "orbit-ledger"
pytestmark = pytest.mark.full  # seventeen runs of playbooks
# What belongs to nobody, or to others: names like ours, and all our tags but one.
STRANGERS = {"topic": "orbit-ledger-sandbox-alerts", "repository": "orbit-ledger-sandbox-old", "role": "orbit-ledger-sandbox-of-somebody"}


@dataclasses.dataclass
class Seen:
    """What ``aws_status`` says on the terminal, to programs, and on its page."""

    run: Run
    report: dict
    page: str

    def says(self, verdict: str) -> None:
        """It reads, and says the same in all three; only what is as declared ends with 0."""
        assert (self.run.status, self.run.writes) == (0 if verdict == "as declared" else 2, []), self.run.result.output
        assert f"{NAME}-sandbox is {verdict}." in self.run.words
        assert self.report["verdict"] == verdict
        assert f'<p class="verdict {verdict.replace(" ", "-")}">{verdict}</p>' in self.page


@dataclasses.dataclass
class Life:
    """What each command of one life did."""

    absent: Seen
    foreseen: Run
    up: Run
    again: Run
    well: Seen
    password: str
    tampered: Seen
    mended: Run
    alarmed: Seen
    cut_off: Seen
    refused: Run
    costly: Run
    back: Run
    password_back: str
    snapshot: str
    gone: Run
    gone_again: Run
    passed_over: Run
    left: set[str]


def status(ops: Operator, **words: object) -> Seen:
    """Type ``aws_status``, and look at all that it writes."""
    output, pages = ops.folder / "status.json", ops.folder / "pages"
    for before in (output, *pages.rglob("*.html")):
        before.unlink(missing_ok=True)
    run = ops.type("aws_status", output=output, pages_dir=pages, **words)
    return Seen(run, json.loads(output.read_text())["services"][0], (pages / f"sandbox/{NAME}.html").read_text())


def strangers(cloud: Cloud) -> None:
    cloud.client("sns").create_topic(Name=STRANGERS["topic"], Tags=[{"Key": "little-service:environment", "Value": "sandbox"}])
    cloud.client("ecr").create_repository(repositoryName=STRANGERS["repository"])
    cloud.role(STRANGERS["role"], "ec2.amazonaws.com")


def tamper(cloud: Cloud) -> None:
    """By hand, in the console: one property of each of several things."""
    cloud.client("ecr").put_image_tag_mutability(repositoryName=f"{NAME}-sandbox", imageTagMutability="MUTABLE")
    iam = cloud.client("iam")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    iam.put_role_policy(RoleName=f"{NAME}-sandbox-us-west-2-build", PolicyName="everything", PolicyDocument=policy)
    cloud.client("logs").put_retention_policy(logGroupName=f"/aws/codebuild/{NAME}-sandbox", retentionInDays=1)
    cloud.client("rds").modify_db_instance(DBInstanceIdentifier=f"{NAME}-sandbox", BackupRetentionPeriod=1, ApplyImmediately=True)


def password_of(cloud: Cloud) -> str:
    return json.loads(cloud.client("secretsmanager").get_secret_value(SecretId=f"{NAME}/sandbox/database")["SecretString"])["password"]


@pytest.fixture(scope="module")
def life(running_sandbox, tmp_path_factory) -> Life:
    running_sandbox.control("POST", "reset")
    folder = tmp_path_factory.mktemp("life")
    ops, cloud = Operator.at(running_sandbox, folder), running_sandbox
    ops.has(NAME)
    strangers(cloud)
    seen: dict = {"absent": status(ops, name=NAME)}
    seen["foreseen"] = ops.type("aws_up", "--check", "--diff", name=NAME)
    seen["up"] = ops.type("aws_up", "--diff", name=NAME)
    seen["again"] = ops.type("aws_up")
    seen["well"] = status(ops)
    seen["password"] = password_of(cloud)
    tamper(cloud)
    seen["tampered"] = status(ops, name=NAME)
    seen["mended"] = ops.type("aws_up", "--limit", NAME)
    alarm = {"AlarmName": f"{NAME}-sandbox-database-cpu", "StateReason": "It was above 80 for five minutes."}
    cloud.client("cloudwatch").set_alarm_state(**alarm, StateValue="ALARM")
    seen["alarmed"] = status(ops, name=NAME)
    cloud.client("cloudwatch").set_alarm_state(**alarm, StateValue="OK")
    cloud.control("PUT", "faults", {"rules": [{"kind": "drop"}]})
    seen["cut_off"] = status(ops, name=NAME)
    cloud.control("PUT", "faults", {"rules": []})
    seen["refused"] = ops.type("aws_down", name=NAME, scope="costly")
    seen["costly"] = ops.type("aws_down", name=NAME, scope="costly", confirm=NAME)
    (snapshot,) = cloud.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    seen["snapshot"] = snapshot["DBSnapshotIdentifier"]
    seen["back"] = ops.type("aws_up")
    seen["password_back"] = password_of(cloud)
    seen["gone"] = ops.type("aws_down", name=NAME, scope="all", confirm=NAME)
    seen["gone_again"] = ops.type("aws_down", name=NAME, scope="all", confirm=NAME)
    seen["passed_over"] = ops.type("aws_up")
    return Life(**seen, left=cloud.standing())


def things(run: Run) -> list[str]:
    return [step.split(" (")[0] for step in run.steps if "secret" not in step and "log group /aws/" not in step]


def test_what_a_first_run_does_was_foreseen(life):
    assert life.foreseen.status == 0, life.foreseen.result.output
    assert life.up.status == 0, life.up.result.output
    assert life.foreseen.writes == []
    # When their turn comes, the secrets exist but for the places that AWS decides; its services make log groups by themselves.
    assert things(life.foreseen) == things(life.up)


def test_a_second_run_changes_nothing_and_writes_nothing(life):
    assert (life.again.status, life.again.changed, life.again.writes) == (0, 0, []), life.again.result.output


def test_no_secret_is_shown_anywhere(life):
    runs = [value.run if isinstance(value, Seen) else value for value in vars(life).values() if isinstance(value, Run | Seen)]
    assert len(life.password) == 40
    assert not [run for run in runs if life.password in run.result.output]


def test_all_is_as_declared_and_says_so_in_table_json_and_page(life):
    life.well.says("as declared")
    assert "http" not in life.well.page.split("<style>")[1].split("</style>")[0]


def test_what_does_not_stand_is_absent_and_the_command_that_makes_it_is_told(life):
    life.absent.says("absent")
    assert f"ansible-playbook aws_up.yml -e name={NAME}" in life.absent.run.words
    assert {part["condition"] for part in life.absent.report["parts"]} == {"absent"}


def test_what_was_changed_by_hand_is_told_with_the_exit_status_of_a_failure(life):
    life.tampered.says("differs")
    differing = " ".join(f"{one['what']} {one['properties']}" for one in life.tampered.report["differences"])
    for words in ("image_tag_mutability", "policies", "retention_days", "backup_days"):
        assert words in differing, differing
        assert words in life.tampered.page
        assert words in life.tampered.run.words
    assert f"ansible-playbook aws_up.yml -e name={NAME}" in life.tampered.run.words


def test_an_alarm_that_fires_is_unhealthy(life):
    life.alarmed.says("unhealthy")
    assert life.alarmed.report["differences"] == []
    assert [alarm["reason"] for alarm in life.alarmed.report["alarms"]] == ["It was above 80 for five minutes."]
    assert "It was above 80 for five minutes." in life.alarmed.page
    assert f"alarm fires: {NAME}-sandbox-database-cpu" in life.alarmed.run.words


def test_an_aws_that_does_not_answer_is_unreachable(life):
    life.cut_off.says("unreachable")
    assert "Connection was closed" in life.cut_off.report["error"]
    assert "Connection was closed" in life.cut_off.page
    assert "Nothing" not in life.cut_off.page


def test_it_is_mended_by_running_it_again_and_nothing_else_is_touched(life):
    assert life.mended.status == 0, life.mended.result.output
    assert len(life.mended.steps) == len(life.tampered.report["differences"]) == 4


def test_nothing_goes_unless_it_was_named_again(life):
    assert life.refused.status == 2
    assert life.refused.writes == []
    assert f"-e confirm={NAME}" in life.refused.words


def test_what_costs_goes_after_a_last_snapshot_and_comes_back_with_data_and_secrets(life):
    assert life.costly.status == 0, life.costly.result.output
    assert life.back.status == 0, life.back.result.output
    restored = [step for step in life.back.steps if "database" in step and step.startswith("create")]
    assert restored, life.back.steps
    assert any(call["operation"] == "RestoreDBInstanceFromDBSnapshot" for call in life.back.calls)
    assert life.password_back == life.password


def test_everything_goes_and_only_snapshots_and_recoverable_secrets_are_left(life):
    assert life.gone.status == 0, life.gone.result.output
    assert (life.gone_again.status, life.gone_again.changed) == (0, 0), life.gone_again.result.output
    own = {
        identifier for identifier in life.left if NAME in identifier and not any(stranger in identifier for stranger in STRANGERS.values())
    }
    assert not [identifier for identifier in own if "snapshot" not in identifier and "secret" not in identifier], own


def test_what_was_taken_down_is_passed_over_until_it_is_named(life):
    assert (life.passed_over.status, life.passed_over.writes) == (0, []), life.passed_over.result.output


def test_nothing_of_strangers_is_touched(life):
    assert all(any(stranger in identifier for identifier in life.left) for stranger in STRANGERS.values()), life.left


def test_nothing_leaves_for_another_account(life):
    assert all(call["principal"].split(":")[4] == ACCOUNT for call in life.up.calls)
