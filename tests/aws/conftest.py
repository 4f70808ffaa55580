"""A sandbox of the tests' own, and modules of ours run in this process as Ansible runs them: a case takes milliseconds, not a second.

def test_a_repository_is_kept(aws):
    aws.bring("ecr_repository", name="orbit")                       # foreseen in check mode, done, and nothing left to do
    assert "not ours" in aws.refused("ecr_repository", name="taken")
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import io
import json
import os
import subprocess
import sys
import time
import types
from collections.abc import Callable
from typing import Any
from unittest import mock

import botocore.loaders
import pytest
from ansible.module_utils.testing import patch_module_args

from tests.aws.operator import NAME, Operator
from tests.conftest import ROOT
from tests.sandbox.conftest import ACCOUNT, REGION, Cloud, cloud, running_sandbox  # noqa: F401 fixtures, and what tests import from here

MODULES = "ansible_collections.little_service.factory.plugins.modules"
CHILD = """
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.loads(sys.stdin.read())):
    importlib.import_module(sys.argv[1]).main()
"""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a module gave, and which calls it made."""

    result: dict[str, Any]
    calls: list[dict[str, Any]]

    def __getitem__(self, key: str) -> Any:
        return self.result[key]

    @property
    def changed(self) -> bool:
        return self.result["changed"]

    @property
    def steps(self) -> list[str]:
        """``["create repository of images orbit", "update … (tags)"]``"""
        return [f"{one['verb']} {one['what']}{_changed(one)}" for one in self.result["steps"]]

    @property
    def writes(self) -> list[str]:
        return [f"{call['service']}:{call['operation']}" for call in self.calls if call["write"]]


def _changed(step: dict[str, Any]) -> str:
    return f" ({', '.join(step['properties'])})" if step["verb"] == "update" else ""


@dataclasses.dataclass(frozen=True)
class Aws:
    """The sandbox as our modules see it."""

    cloud: Cloud
    options: dict[str, Any]  # what `module_defaults` gives every module in a playbook

    def client(self, service: str, region: str = REGION) -> Any:
        return self.cloud.client(service, region)

    def given(self, **options: Any) -> Aws:
        """The same with other common options, such as ``lock``."""
        return dataclasses.replace(self, options={**self.options, **options})

    def run(self, name: str, /, *, check: bool = False, **options: Any) -> Outcome:
        """Run a module that is to succeed."""
        outcome = self._run(name, check, options)
        assert not outcome.result.get("failed"), outcome["msg"]
        return outcome

    def refused(self, name: str, /, *, check: bool = False, **options: Any) -> str:
        """Run a module that is to fail, and return what it says."""
        outcome = self._run(name, check, options)
        assert outcome.result.get("failed"), f"{name} did not fail: {outcome.result}"
        return " ".join(outcome["msg"].split())

    def bring(self, name: str, /, **options: Any) -> Outcome:
        """Run a module in check mode, in earnest, and again: what is done was foreseen, and then nothing is left to do."""
        foreseen = self.run(name, check=True, **options)
        assert foreseen.writes == []
        done = self.run(name, **options)
        assert done.steps == foreseen.steps
        self.settled(name, **options)
        return done

    def settled(self, name: str, /, **options: Any) -> Outcome:
        """Run a module for which nothing is left to do."""
        again = self.run(name, **options)
        assert (again.steps, again.changed, again.writes) == ([], False, [])
        return again

    def start(self, name: str, /, **options: Any) -> subprocess.Popen[str]:
        """Run a module in a process of its own, which can be killed; ``communicate()`` gives its result as JSON."""
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, f"{MODULES}.{name}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'collections'}:{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        process.stdin.write(json.dumps({**self.options, **options}))
        process.stdin.close()
        process.stdin = None  # so that communicate() does not flush it
        return process

    def wait_for(self, what: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something is so in the sandbox."""
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, "it did not come about"
            time.sleep(0.05)

    def faults(self, *rules: dict[str, Any], seed: int = 1) -> None:
        """Each rule as in sandbox/core/faults.py: ``{"kind": "lost", "operation": "CreateRole", "times": 1}``. None ends them all."""
        self.cloud.control("PUT", "faults", {"seed": seed, "rules": list(rules)})

    def mark(self) -> int:
        """A place in the log of calls, for :meth:`writes`."""
        return self.cloud.control("GET", "health")["calls"]

    def calls(self, since: int) -> list[dict[str, Any]]:
        return self.cloud.control("GET", f"calls?since={since}")

    def writes(self, since: int) -> list[str]:
        """The write calls since a mark, whoever made them: ``["iam:CreateRole"]``."""
        return Outcome({}, self.calls(since)).writes

    def _run(self, name: str, check: bool, options: dict[str, Any]) -> Outcome:
        given = {**self.options, **options, "_ansible_check_mode": check, "_ansible_diff": True}
        since, printed = self.mark(), io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(patch_module_args(given))
            stack.enter_context(mock.patch.dict(os.environ))
            stack.enter_context(mock.patch("botocore.loaders.create_loader", _loader))
            stack.enter_context(contextlib.redirect_stdout(printed))
            stack.enter_context(pytest.raises(SystemExit))
            _module(name).main()
        # A warning of Ansible's own may be printed before the result.
        # The log also has what AWS's services do on their own, such as Beanstalk that goes on with an environment when it is asked for it.
        calls = [call for call in self.calls(since) if call["principal"].endswith(":user/administrator")]
        return Outcome(json.loads(printed.getvalue().strip().splitlines()[-1]), calls)


# Each session of boto3 reads the models of its services anew: a third of a second for EC2's.
_loader = functools.cache(botocore.loaders.create_loader)


@functools.cache
def _module(name: str) -> Any:
    return importlib.import_module(f"{MODULES}.{name}")


@pytest.fixture
def aws(cloud) -> Aws:  # noqa: F811 the fixture
    """An empty account, and our modules as a playbook gives them their common options."""
    cloud.control("PUT", "faults", {"rules": []})
    keys = {"access_key": "administrator-of-the-sandbox", "secret_key": "not-checked-by-the-sandbox"}
    return Aws(cloud, {"region": REGION, "endpoint_url": cloud.url, "wait_delay": 0.01, **keys})


@pytest.fixture
def patient(aws, monkeypatch) -> Aws:
    """AWS takes its time, and a look that a module waits for comes 30 of AWS's seconds after the last; nobody waits for that."""
    aws.cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    pause = types.SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: aws.cloud.control("PUT", "clock", {"skip": 30}))
    monkeypatch.setattr("ansible_collections.little_service.factory.plugins.module_utils.aws.time", pause)
    return aws


def tags(service: str = "orbit", environment: str = "staging") -> dict[str, str]:
    """The tags by which a service's things are known as its own."""
    return {"little-service:service": service, "little-service:environment": environment}


@pytest.fixture
def ops(running_sandbox, tmp_path):  # noqa: F811 pytest finds it by its name
    """Operations with one service that is nowhere yet; the sandbox is empty before and after."""
    running_sandbox.control("POST", "reset")
    found = Operator.at(running_sandbox, tmp_path)
    found.has(NAME)
    yield found
    running_sandbox.control("POST", "reset")
