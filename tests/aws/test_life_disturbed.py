"""Up and down, killed at task boundaries and inside long waits, and with an AWS that throttles, fails and drops connections.

`make test` takes a sample of the boundaries; FAULT_POINTS=all takes every one (`make test-all`). A run that was killed before task N
left what its first N - 1 tasks did; the next one repeats these and is killed later: so one life goes through all points.
"""

from __future__ import annotations

import collections
import os
import re

import pytest

from tests.aws.operator import NAME, Operator, Run
from tests.sandbox.conftest import Cloud

pytestmark = pytest.mark.full
EVERY = os.environ.get("FAULT_POINTS") == "all"
STEP = 1 if EVERY else 17
DOWN = {"name": NAME, "scope": "all", "confirm": NAME}
# What AWS makes up: versions by time and commit, UUIDs, identifiers in hexadecimal, what Beanstalk and Secrets Manager add to names.
MADE_UP = re.compile(
    r"(?<=code-pipeline-)\d+-\w+|[0-9a-f]{8}-[0-9a-f-]{27}|(?<=[-/])[0-9a-f]{8,17}\b|(?<=/)e-\w+|(?<=awseb-)e-\w+"
    r"|(?<=AWSEB-)\w+|(?<=Group-)\w+|(?<=Queue-)\w+|(?<=Template-)\w+|(?<=:secret:)(?P<name>.+)-\w{6}$"
)


def standing(cloud: Cloud) -> collections.Counter[str]:
    """What stands, by names in which nothing is made up."""
    return collections.Counter(MADE_UP.sub(lambda found: found["name"] or "*", identifier) for identifier in cloud.standing())


@pytest.fixture(scope="module")
def undisturbed(running_sandbox, tmp_path_factory) -> tuple[collections.Counter[str], int, int]:
    """What stands after one undisturbed run, and how many tasks it and its end have."""
    running_sandbox.control("POST", "reset")
    ops = Operator.at(running_sandbox, tmp_path_factory.mktemp("undisturbed"))
    ops.has(NAME)
    up = ops.type("aws_up", name=NAME)
    assert up.status == 0, up.result.output
    stands = standing(running_sandbox)
    down = ops.type("aws_down", **DOWN)
    assert down.status == 0, down.result.output
    return stands, number(up), number(down)


def number(run: Run) -> int:
    return max(task["number"] for task in run.tasks)


def assert_up(ops: Operator, undisturbed: collections.Counter[str]) -> None:
    mended = ops.type("aws_up", name=NAME)
    assert mended.status == 0, mended.result.output
    again = ops.type("aws_up")
    assert (again.status, again.changed, again.writes) == (0, 0, []), again.result.output
    assert standing(ops.cloud) == undisturbed


def assert_gone(ops: Operator) -> None:
    gone = ops.type("aws_down", **DOWN)
    assert gone.status == 0, gone.result.output
    own = [identifier for identifier in ops.cloud.standing() if NAME in identifier]
    assert not [identifier for identifier in own if "snapshot" not in identifier and "secret" not in identifier], own


def test_killed_before_any_task_up_and_down_are_mended_by_the_next_run(ops, undisturbed):
    stands, tasks_up, tasks_down = undisturbed
    for point in range(2, tasks_up + 1, STEP):
        assert ops.type("aws_up", name=NAME, env={"RECORD_KILL_TASK": str(point)}).status != 0
    assert_up(ops, stands)
    for point in range(2, tasks_down + 1, STEP):
        assert ops.type("aws_down", **DOWN, env={"RECORD_KILL_TASK": str(point)}).status != 0
    assert_gone(ops)


@pytest.mark.full
def test_killed_inside_a_long_wait_up_and_down_are_mended_by_the_next_run(ops, undisturbed):
    ops.cloud.control("PUT", "clock", {"profile": "real", "speed": 60})
    for task in ("Wait for what takes minutes", "Wait for what takes minutes"):
        assert ops.type("aws_up", name=NAME, env={"RECORD_KILL_NAMED": task}).status != 0
    ops.cloud.control("PUT", "clock", {"profile": "real", "speed": 600})
    assert_up(ops, undisturbed[0])
    for task in ("Keep the environments", "Remove the environments", "Remove the database"):
        ops.type("aws_down", **DOWN, env={"RECORD_KILL_NAMED": task})
    assert_gone(ops)


FAULTS = {
    "throttled": [{"kind": "throttle", "share": 0.2}],
    "failing": [{"kind": "error", "share": 0.2}],
    "dropping": [{"kind": "drop", "share": 0.2}],
    "losing answers": [{"kind": "lost", "share": 0.1}],
}


@pytest.mark.parametrize("fault", ["throttled", *(pytest.param(kind, marks=pytest.mark.full) for kind in list(FAULTS)[1:])])
def test_with_an_aws_that_is_unwell_up_and_down_end_as_they_should(ops, undisturbed, fault):
    """Calls are tried again; where that was not enough, the same command is."""
    ops.cloud.control("PUT", "faults", {"seed": 7, "rules": FAULTS[fault]})
    tries = settled(ops, "aws_up", name=NAME)
    ops.cloud.control("PUT", "faults", {"rules": []})
    assert_up(ops, undisturbed[0])
    ops.cloud.control("PUT", "faults", {"seed": 8, "rules": FAULTS[fault]})
    tries += settled(ops, "aws_down", **DOWN)
    ops.cloud.control("PUT", "faults", {"rules": []})
    assert_gone(ops)
    print(f"{fault}: {tries} runs for both")


def settled(ops: Operator, verb: str, **words: str) -> int:
    """How many runs it took; no traceback in any."""
    for tries in range(1, 4):
        run = ops.type(verb, **words)
        assert "Traceback" not in run.result.output, run.result.output
        if run.status == 0:
            return tries
    raise AssertionError(run.result.output)
