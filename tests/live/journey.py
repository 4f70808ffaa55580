"""Somebody who works on a service and releases it, all of it typed as it is, on a sandbox that runs it."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import io
import os
import pathlib
import re
import signal
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any

from tests.aws.operator import Operator, Run
from tests.live.conftest import Live, until
from tests.test_new_service import git

NAME = "orbit-ledger"


@dataclasses.dataclass
class Journey:
    ops: Operator
    service: pathlib.Path
    address: str = ""
    environment: str = "sandbox"

    @classmethod
    def begun(cls, live: Live, folder: pathlib.Path, tests: str = "", **facts: Any) -> Journey:
        """A service that is new, declared as said, and released for the first time.

        :param tests: which of its tests a release waits for: its developer has cut them down in buildspec.yml, for a test of many releases.
        """
        ops = Operator.at(live.cloud, folder)
        ops.has(NAME, **facts)
        found = cls(ops, ops.workshop.services / NAME)
        if tests:
            found.change("- make verify", f"- make verify args='-k {tests}'", "buildspec.yml")
        found.goes_well("aws_up")
        found.goes_well("release", push="true")
        return found

    def type(self, verb: str, *options: object, **variables: object) -> Run:
        given = {"name": NAME, "services_dir": self.service.parent, **variables}
        run = self.ops.type(verb, *options, environment=self.environment, timeout=1500, **given)
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
        return self.commit(f"{old} becomes {new}"[:60].splitlines()[0])

    def says(self, text: str) -> str:
        """Commit other words for the page, and for the tests that look for them."""
        return self.change("Hello, World", text, "server/**/*.html", "server/**/*.py", "browser/**/*.py")

    def commit(self, message: str) -> str:
        git(self.service, "add", "--all")
        git(self.service, "commit", "--quiet", "--message", message)
        return git(self.service, "rev-parse", "HEAD")

    def undo(self) -> None:
        """The developer mends it: by a commit, as the branch is shared."""
        git(self.service, "revert", "--no-edit", "HEAD")

    def page(self, path: str = "", visit: bool = False) -> str:
        headers = {} if visit else {"Sec-Purpose": "prefetch"}
        with urllib.request.urlopen(urllib.request.Request(self.address + path, headers=headers), timeout=10) as answer:  # noqa: S310
            return answer.read().decode()

    def serves(self, path: str, text: str) -> bool:
        """Whether that is its answer, where it may not answer at all for a moment."""
        with contextlib.suppress(OSError):
            return self.page(path) == text
        return False

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

    @property
    def name(self) -> str:
        """By which AWS knows it: its pipeline, its application."""
        return f"{NAME}-{self.environment}"

    def bundled(self, name: str) -> str:
        """A file of the bundle that was deployed last."""
        client = self.ops.cloud.client("elasticbeanstalk")
        where = client.describe_application_versions(ApplicationName=self.name)["ApplicationVersions"][0]["SourceBundle"]
        found = self.ops.cloud.client("s3").get_object(Bucket=where["S3Bucket"], Key=where["S3Key"])["Body"].read()
        with zipfile.ZipFile(io.BytesIO(found)) as bundle:
            return bundle.read(name).decode()

    def stage(self) -> str:
        """The stage of the pipeline that is under way, if one is."""
        stages = self.ops.cloud.client("codepipeline").get_pipeline_state(name=self.name)["stageStates"]
        return next((one["stageName"] for one in stages if one.get("latestExecution", {}).get("status") == "InProgress"), "")

    @contextlib.contextmanager
    def under_way(self, stage: str, verb: str = "release", **variables: object) -> Iterator[concurrent.futures.Future[Run]]:
        """A playbook that runs beside the block, which begins when the pipeline is in a stage; the block's end waits for the playbook's."""
        with concurrent.futures.ThreadPoolExecutor() as beside:
            running = beside.submit(lambda: self.type(verb, **variables))
            until(lambda: self.stage() == stage or running.done(), 600)
            assert not running.done(), running.result().result.output
            yield running

    def kill_playbook(self) -> None:
        """Ansible's process and its workers, each of which was given the address of this test's own sandbox."""
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"aws_endpoint_url={self.ops.cloud.url}" in (process / "cmdline").read_text().split("\0"):
                    os.kill(int(process.name), signal.SIGKILL)
