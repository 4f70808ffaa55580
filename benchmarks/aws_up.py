"""`aws_up.yml` for one service, against a sandbox of its own: the first run, one that changes nothing, and the critical path."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import pathlib
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

import boto3

from benchmarks import report
from benchmarks.measure import ROOT, BenchmarkFailed, Series, run, sandbox, seconds

NAME = "aws_up"
TITLE = "A service's place on AWS"
RUNS = 3
SERVICE = "orbit-ledger"
SIZES = ("small", "standard")
FIRST, AGAIN = "first run", "no change"
LIMIT = 0.15  # what a run may take above its slowest resource: issue "The service's place on AWS"
BUSY = ("creating", "backing-up", "modifying", "Launching", "Updating", "configuring-enhanced-monitoring")


@dataclasses.dataclass(frozen=True)
class Place:
    """A service of a size, and the sandbox in which it gets its place."""

    folder: pathlib.Path
    url: str

    @classmethod
    def of(cls, folder: pathlib.Path, url: str, size: str) -> Place:
        place = cls(folder / size, url)
        for group in ROOT.glob("inventories/*/group_vars"):
            shutil.copytree(group, place.inventories / group.parent.name / "group_vars")
        run(["ansible-playbook", "new_service.yml", *place._given(name=SERVICE, services_dir=place.folder / "services")])
        file = place.inventories / f"sandbox/{SERVICE}.yml"
        file.write_text(file.read_text(encoding="utf-8").replace("service_size: small", f"service_size: {size}"), encoding="utf-8")
        return place

    @property
    def inventories(self) -> pathlib.Path:
        return self.folder / "inventories"

    def up(self) -> str:
        found = ["-i", self.inventories / "sandbox", "-i", self.inventories / "local"]
        return run(["ansible-playbook", "aws_up.yml", *found, *self._given(name=SERVICE, aws_endpoint_url=self.url)])

    def up_again(self) -> None:
        said = self.up()
        if "changed=0 " not in said:
            raise BenchmarkFailed(f"The run was to change nothing:\n{said}")

    def _given(self, **variables: object) -> list[object]:
        given = {"inventories_dir": self.inventories, **variables}
        return [word for key, value in given.items() for word in ("-e", f"{key}={value}")]

    def control(self, method: str, page: str, body: object = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/_sandbox/{page}", data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=60):
            pass


class Watch:
    """For how long each resource that takes minutes was not ready, as somebody sees it who looks once a second."""

    def __init__(self, url: str) -> None:
        keys = {"aws_access_key_id": "administrator-of-the-sandbox", "aws_secret_access_key": "not-checked-by-it"}
        names = ("rds", "elasticache", "elasticbeanstalk")
        self._rds, self._cache, self._beanstalk = (boto3.client(name, endpoint_url=url, region_name="us-west-2", **keys) for name in names)
        self._ended = threading.Event()
        self.since: dict[str, float] = {}
        self.took: dict[str, float] = {}

    def _states(self) -> Iterator[tuple[str, str]]:
        for one in self._rds.describe_db_instances()["DBInstances"]:
            yield f"database {one['DBInstanceIdentifier']}", one["DBInstanceStatus"]
        for one in self._cache.describe_replication_groups()["ReplicationGroups"]:
            yield f"Redis {one['ReplicationGroupId']}", one["Status"]
        for one in self._beanstalk.describe_environments()["Environments"]:
            yield f"environment {one['EnvironmentName']}", one["Status"]

    def _look(self) -> None:
        while not self._ended.wait(1):
            now = time.perf_counter()
            for name, state in self._states():
                if state in BUSY:
                    self.since.setdefault(name, now)
                elif name in self.since:
                    self.took.setdefault(name, now - self.since[name])

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
        if set(self.took) != set(self.since) or not self.took:
            raise BenchmarkFailed(f"Not all became ready: {set(self.since) - set(self.took) or 'nothing was seen'}")


def measure(runs: int, say: Callable[[str], None]) -> tuple[list[str], dict[str, str]]:
    """The section's paragraphs, and the versions of what was measured."""
    taken: dict[tuple[str, str], list[float]] = {}
    paths: dict[str, tuple[float, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="aws-up-") as name, sandbox() as url:
        for size in SIZES:
            place = Place.of(pathlib.Path(name), url, size)
            for number in range(runs):
                place.control("POST", "reset")
                for case, action in ((FIRST, place.up), (AGAIN, place.up_again)):
                    taken.setdefault((case, size), []).append(seconds(action))
                    say(f"{size}, round {number + 1} of {runs}: {case} {taken[case, size][-1]:.1f} s")
            place.control("POST", "reset")
            place.control("PUT", "clock", {"profile": "real", "speed": 1})
            watch = Watch(url)
            with watch.looking():
                whole = seconds(place.up)
            place.control("PUT", "clock", {"profile": "none", "speed": 1})
            paths[size] = (whole, watch.took)
            say(f"{size}, as long as AWS takes: {whole:.0f} s; {watch.took}")
    return list(_paragraphs({key: Series.of(values) for key, values in taken.items()}, paths)), {
        "boto3": importlib.metadata.version("boto3")
    }


def _paragraphs(times: dict[tuple[str, str], Series], paths: dict[str, tuple[float, dict[str, float]]]) -> Iterator[str]:
    yield "`ansible-playbook aws_up.yml -e name=NAME` against the sandbox on the same two cores; nothing takes time but the work itself."
    yield report.table(
        ["", *(f"Seconds, {size}" for size in SIZES)], ([case, *(times[case, size] for size in SIZES)] for case in (FIRST, AGAIN))
    )
    yield (
        "The first run where everything takes as long as on AWS (the sandbox's latencies, with their sources in `sandbox/`). What takes "
        f"minutes is begun first and awaited last, so that a run may take {LIMIT:.0%} more than the slowest of it."
    )
    rows = []
    for size, (whole, took) in paths.items():
        slowest = max(took, key=took.__getitem__)
        parts = ", ".join(f"{name} {length:.0f}" for name, length in sorted(took.items()))
        rows.append(
            [
                size,
                f"{whole:.0f}",
                f"{took[slowest]:.0f} ({slowest})",
                f"{whole / took[slowest] - 1:+.0%}",
                f"{sum(took.values()):.0f}",
                parts,
            ]
        )
    yield report.table(["Size", "Seconds", "of which the slowest", "above it", "Sum of all", "Each"], rows)
    yield f"Rounds: {len(times[FIRST, SIZES[0]].values)}; with AWS's latencies one."
