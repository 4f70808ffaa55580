"""The whole path to AWS, typed as it is, on a sandbox that runs it all: up, released, rolled back, torn down, back with its data.

The broken commits (`make test-all`) each fail at another place; each time the version before goes on serving, and the cause is named.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import pathlib
import re
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.aws.operator import Operator, Run
from tests.test_new_service import git

NAME = "orbit-ledger"
pytestmark = [pytest.mark.docker, pytest.mark.full]  # minutes each


@dataclasses.dataclass
class Journey:
    ops: Operator
    service: pathlib.Path
    address: str = ""

    def type(self, verb: str, *options: object, **variables: object) -> Run:
        run = self.ops.type(verb, *options, timeout=1500, **{"name": NAME, "services_dir": self.service.parent, **variables})
        found = re.findall(r"http://127\.0\.0\.1:\d+/", run.result.output)
        self.address = found[-1] if found and verb in ("aws_up", "release") else self.address
        return run

    def goes_well(self, verb: str, **variables: object) -> Run:
        run = self.type(verb, **variables)
        assert run.status == 0, run.result.output
        return run

    def change(self, old: str, new: str, *patterns: str) -> str:
        """Commit one edit in the files that match, and return the commit."""
        for file in sorted(file for pattern in patterns for file in self.service.glob(pattern)):
            text = file.read_text()
            if old in text:
                file.write_text(text.replace(old, new))
        assert git(self.service, "status", "--porcelain"), patterns
        git(self.service, "commit", "--quiet", "--all", "--message", f"{old} becomes {new}"[:60].splitlines()[0])
        return git(self.service, "rev-parse", "HEAD")

    def undo(self) -> None:
        """The developer mends it: by a commit, as the branch is shared."""
        git(self.service, "revert", "--no-edit", "HEAD")

    def page(self, path: str = "", visit: bool = False) -> str:
        headers = {} if visit else {"Sec-Purpose": "prefetch"}
        with urllib.request.urlopen(urllib.request.Request(self.address + path, headers=headers), timeout=10) as answer:  # noqa: S310
            return answer.read().decode()

    def counted(self) -> int:
        return int(re.search(r'id="count">(\d+)<', self.page())[1])

    @contextlib.contextmanager
    def asked(self) -> Iterator[collections.Counter[str]]:
        """A client that asks twenty times a second."""
        answers: collections.Counter[str] = collections.Counter()
        stop = threading.Event()

        def ask() -> None:
            while not stop.wait(0.05):
                try:
                    self.page("health/ready")
                    answers["well"] += 1
                except Exception as error:
                    answers[repr(error)] += 1

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield answers
        finally:
            stop.set()
            thread.join()


@pytest.fixture(scope="module")
def journey(live, tmp_path_factory) -> Journey:
    ops = Operator.at(live.cloud, tmp_path_factory.mktemp("journey"))
    ops.has(NAME)
    found = Journey(ops, ops.workshop.services / NAME)
    found.goes_well("aws_up")
    found.goes_well("release", push="true")
    return found


def test_a_change_is_released_without_a_gap_and_rolled_back_without_a_build(journey):
    for _ in range(3):
        journey.page(visit=True)
    assert "Hello, World" in journey.page()
    before = journey.counted()
    assert before >= 3
    commit = journey.change("Hello, World", "Hello from AWS", "server/**/*.html", "server/**/*.py", "browser/**/*.py")
    refused = journey.type("release")
    assert refused.status != 0
    assert "push=true" in refused.words
    with journey.asked() as answers:
        released = journey.goes_well("release", push="true")
        assert "Hello from AWS" in journey.page()
        began = time.monotonic()
        journey.goes_well("rollback")
        took = time.monotonic() - began
    assert commit in released.words or commit[:7] in released.words
    assert "Hello, World" in journey.page()
    assert journey.counted() == before
    print(f"rollback {took:.0f} s; {dict(answers)}")
    assert set(answers) == {"well"}, answers


def test_what_costs_goes_and_comes_back_with_its_data_and_then_all_goes(journey, live):
    before = journey.counted()
    journey.goes_well("aws_down", scope="costly", confirm=NAME)
    journey.goes_well("aws_up")
    assert "Hello" in journey.page()
    assert journey.counted() == before


BROKEN = {
    "a test fails": ("server/*_app/services.py", 'value=F("value") + 1', 'value=F("value") + 2', "FAILED"),
    "the image does not start": ("server/config/wsgi.py", "from ", 'raise SystemExit("no way to start")\nfrom ', "no way to start"),
}


@pytest.mark.full
@pytest.mark.parametrize("kind", BROKEN)
def test_of_a_broken_commit_the_cause_is_named_and_the_version_before_goes_on_serving(journey, kind):
    pattern, old, new, words = BROKEN[kind]
    serving = journey.page("version")
    journey.change(old, new, pattern)
    with journey.asked() as answers:
        failed = journey.type("release", push="true")
    journey.undo()
    assert failed.status != 0
    assert words in failed.result.output, failed.result.output
    assert journey.page("version") == serving
    assert set(answers) == {"well"}, answers


@pytest.mark.full
def test_all_goes_and_nothing_is_left(journey, live):
    journey.goes_well("aws_down", scope="all", confirm=NAME, shared="true")
    left = [identifier for identifier in live.cloud.standing() if NAME in identifier]
    assert not [identifier for identifier in left if "snapshot" not in identifier and ":secret:" not in identifier], left
    assert not [part for part in live.parts() if NAME in part], live.parts()
