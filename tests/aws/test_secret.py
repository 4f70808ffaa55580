"""`secret.yml` as it is typed: a secret of a person's own, set, listed, given to the containers and removed, and never shown."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time

import pytest
import yaml

from tests.aws.operator import Operator
from tests.conftest import ROOT, environment

NAME, KEY = "orbit-ledger", "STRIPE_KEY"
VALUE = "sk-live-51-of-nobody-4711"
OPTIONS = "aws:elasticbeanstalk:application:environmentsecrets"


@pytest.fixture
def ops(cloud, tmp_path) -> Operator:
    operator = Operator.at(cloud, tmp_path)
    operator.has(NAME)
    return operator


@pytest.fixture
def running(ops) -> Operator:
    up = ops.type("aws_up", name=NAME)
    assert up.status == 0, up.result.output
    return ops


def held(ops: Operator, key: str = KEY) -> str:
    return ops.cloud.client("secretsmanager").get_secret_value(SecretId=f"{NAME}/sandbox/env/{key}")["SecretString"]


def given(ops: Operator) -> dict[str, str]:
    """What the web's containers get from secrets."""
    found = ops.cloud.client("elasticbeanstalk").describe_configuration_settings(
        ApplicationName=f"{NAME}-sandbox", EnvironmentName=f"{NAME}-sandbox"
    )["ConfigurationSettings"][0]["OptionSettings"]
    return {one["OptionName"]: one["Value"] for one in found if one["Namespace"] == OPTIONS}


@pytest.mark.full  # ten runs of playbooks
def test_a_secret_reaches_the_containers_is_never_shown_is_written_once_and_goes_with_the_service(running, tmp_path):
    file = tmp_path / "value"
    file.write_text(f"{VALUE}\n")
    typed = {"name": NAME, "key": KEY, "value_from": file}
    foreseen = running.type("secret", "--check", "--diff", **typed)
    assert (foreseen.status, foreseen.writes) == (0, []), foreseen.result.output
    first = running.type("secret", "-vvv", "--diff", **typed)
    assert first.status == 0, first.result.output
    assert held(running) == VALUE
    assert given(running)[KEY].split(":secret:")[1].startswith(f"{NAME}/sandbox/env/{KEY}-")
    assert "started anew" in first.words
    again = running.type("secret", **typed)
    assert (again.status, again.changed, again.writes) == (0, 0, []), again.result.output
    up = running.type("aws_up")
    assert (up.changed, up.writes) == (0, []), up.result.output
    file.write_text(VALUE[::-1])
    other = running.type("secret", "-vvv", "--diff", **typed)
    assert other.writes.count("elasticbeanstalk:RestartAppServer") == 1, other.writes
    listed = running.type("secret", "-vvv", name=NAME)
    assert KEY in listed.words
    for run in (foreseen, first, again, other, listed):
        assert VALUE not in run.result.output
        assert VALUE[::-1] not in run.result.output
    gone = running.type("secret", name=NAME, key=KEY, state="absent")
    assert gone.status == 0, gone.result.output
    assert KEY not in given(running)
    assert "DeletedDate" in running.cloud.client("secretsmanager").describe_secret(SecretId=f"{NAME}/sandbox/env/{KEY}")
    gone_again = running.type("secret", name=NAME, key=KEY, state="absent")
    assert (gone_again.status, gone_again.changed, gone_again.writes) == (0, 0, []), gone_again.result.output
    running.type("secret", name=NAME, key="OTHER_KEY", value_from=file)
    down = running.type("aws_down", name=NAME, scope="all", confirm=NAME)
    assert down.status == 0, down.result.output
    assert "DeletedDate" in running.cloud.client("secretsmanager").describe_secret(SecretId=f"{NAME}/sandbox/env/OTHER_KEY")


def test_a_secret_that_is_typed_is_taken_and_not_echoed(ops):
    ours, theirs = pty.openpty()
    inventories = ops.workshop.inventories
    words = ["-i", inventories / "sandbox", "-i", inventories / "local", "-e", f"name={NAME}", "-e", f"key={KEY}"]
    words += ["-e", f"aws_endpoint_url={ops.cloud.url}"]
    # What the first of a session opens is its terminal, from which Ansible asks who is in the foreground.
    opened = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(theirs), "ansible-playbook", "secret.yml", "-vvv", *map(str, words)]
    process = subprocess.Popen(opened, cwd=ROOT, env=environment(), start_new_session=True)
    time.sleep(1)
    os.close(theirs)
    shown, answered, end = "", False, time.monotonic() + 60
    while time.monotonic() < end and (process.poll() is None or select.select([ours], [], [], 0)[0]):
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            shown += os.read(ours, 65536).decode(errors="replace")
        except OSError:  # Linux ends a terminal that nobody has open any more so
            break
        if "it is not shown" in shown and not answered:
            time.sleep(1)  # what was typed before the prompt is thrown away
            os.write(ours, f"{VALUE}\r".encode())
            answered = True
    assert process.wait(60) == 0, shown
    assert held(ops) == VALUE
    assert VALUE not in shown


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"key": KEY}, "-e value_from=FILE"),
        ({"key": "stripe-key"}, "capital letters"),
        ({"key": "AWS_PROFILE"}, "belongs to the system"),
        ({"key": "DATABASE_PASSWORD"}, "sets it by itself"),
        ({"key": KEY, "value": "shown-to-everybody"}, "list of processes"),
        ({"key": KEY, "value_from": "no-such-file"}, "there is no such file"),
        ({"state": "absent"}, "Say one of"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(ops, typed, said):
    run = ops.type("secret", name=NAME, **typed)
    assert run.status == 2, run.result.output
    assert said in run.words
    assert run.writes == []


def test_no_variable_that_the_roles_set_can_be_taken():
    """The list in aws_secrets holds what aws_runtime and aws_secrets give the containers."""

    def read(file: str) -> dict:
        return yaml.safe_load((ROOT / "roles" / file).read_text())

    secrets = read("aws_secrets/vars/main.yml")
    options, variables = read("aws_runtime/vars/main/options.yml"), read("aws_runtime/vars/main/variables.yml")
    set_here = {*variables["__aws_runtime_own_variables"], *secrets["__aws_secrets_own"], *secrets["__aws_secrets_redis"]}
    for name in ("__aws_runtime_web_options", "__aws_runtime_worker_options"):
        set_here |= set(options[name]["aws:elasticbeanstalk:application:environment"])
    others = re.compile(secrets["__aws_secrets_of_others"])
    assert not [name for name in set_here if name not in secrets["__aws_secrets_reserved"] and not others.match(name)]
