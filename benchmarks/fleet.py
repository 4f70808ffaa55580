"""aws_up.yml and aws_status.yml over one, eight and fifty services, against a sandbox of the benchmark's own."""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator

from benchmarks import report
from benchmarks.measure import ROOT, BenchmarkFailed, Series, peak_mib, proportional_kib, run, sandbox, seconds
from benchmarks.warm_interpreter import Bench

NAME = "fleet"
TITLE = "A fleet of services on AWS"
RUNS = 2
SIZES = (1, 8, 50)
FIRST, AGAIN, STATUS = "first", "again", "status"


@dataclasses.dataclass(frozen=True)
class Fleet:
    """So many services, each with its files in the inventories, and none on AWS yet."""

    bench: Bench
    folder: pathlib.Path
    size: int

    @classmethod
    def made(cls, folder: pathlib.Path, url: str, size: int) -> Fleet:
        fleet = cls(Bench(folder, url), folder, size)
        shutil.copytree(ROOT / "inventories/sandbox/group_vars", folder / "inventories/sandbox/group_vars")
        for number in range(size):
            run(["ansible-playbook", "new_service.yml", *fleet._variables(name=f"fleet-{number + 1:02}")])
        return fleet

    @property
    def env(self) -> dict[str, str]:
        return {**self.bench.env, "LITTLE_SERVICE_SANDBOX_URL": self.bench.url}

    def typed(self, verb: str) -> list[object]:
        inventories = self.folder / "inventories"
        places = ["-i", inventories / "sandbox", "-i", inventories / "local"]
        return ["ansible-playbook", f"{verb}.yml", *places, *self._variables(pages_dir=self.folder / "pages")]

    def first(self) -> None:
        run(self.typed("aws_up"), **self.env)

    def again(self) -> None:
        said = run(self.typed("aws_up"), **self.env)
        if len(re.findall(r"changed=0 ", said)) != self.size:
            raise BenchmarkFailed(f"The run was to change nothing:\n{said[-2000:]}")

    def status(self) -> None:
        run(self.typed("aws_status"), **self.env)

    def _variables(self, **more: object) -> list[str]:
        given = {"services_dir": self.folder / "services", "inventories_dir": self.folder / "inventories", **more}
        return [word for key, value in given.items() for word in ("-e", f"{key}={value}")]


def measure(runs: int, say: Callable[[str], None]) -> tuple[list[str], dict[str, str]]:
    """The section's paragraphs, and the versions of what was measured."""
    times: dict[tuple[int, str], list[float]] = {}
    memory: dict[int, tuple[float, float]] = {}
    for size in SIZES:
        # A sandbox each: what stands of the smaller fleet would be in the way of the larger.
        with tempfile.TemporaryDirectory(prefix="fleet-") as name, sandbox() as url:
            fleet = Fleet.made(pathlib.Path(name), url, size)
            for what, action, count in ((FIRST, fleet.first, 1), (AGAIN, fleet.again, runs), (STATUS, fleet.status, 1)):
                times[size, what] = [seconds(action) for _ in range(count)]
            server = fleet.bench.server()
            # Looked at ten times a second only: the walk through all processes would take a core from what it looks at.
            look = functools.partial(peak_mib, interval=0.1, also=[server], **fleet.env)
            memory[size] = look(fleet.typed("aws_up")), proportional_kib(server) / 1024
            say(f"{size} services: " + ", ".join(f"{what} {Series.of(times[size, what])} s" for what in (FIRST, AGAIN, STATUS)))
    series = {key: Series.of(taken) for key, taken in times.items()}
    return list(_paragraphs(series, memory, runs)), {"boto3": importlib.metadata.version("boto3")}


def _paragraphs(times: dict[tuple[int, str], Series], memory: dict[int, tuple[float, float]], runs: int) -> Iterator[str]:
    yield (
        "`ansible-playbook aws_up.yml` without names, over services of the size `small`, against the sandbox's control plane on the same "
        "cores: what takes minutes on AWS is there at once, so this is the work of Ansible and of the modules alone."
    )
    rows = [
        [
            f"{size} service{'s' if size > 1 else ''}",
            times[size, FIRST],
            times[size, AGAIN],
            _each(times[size, AGAIN], size),
            times[size, STATUS],
        ]
        for size in SIZES
    ]
    yield report.table(["", "First run, s", "Nothing to do, s", "… per service", "`aws_status.yml`, s"], rows)
    most = max(SIZES)
    grows = (times[most, AGAIN].median - times[SIZES[1], AGAIN].median) / (most - SIZES[1])
    peaks = ", ".join(f"{memory[size][0]:.0f} MiB over {size}" for size in SIZES)
    yield (
        f"From {SIZES[1]} to {most} services, each one more costs {grows:.2f} s of a run that has nothing to do. Memory (PSS) at the "
        f"most in that run, of all its processes: {peaks}; of it the warm interpreter at rest has {memory[most][1]:.0f} MiB. "
        f"Rounds of that run: {runs}; of the others 1."
    )


def _each(taken: Series, size: int) -> Series:
    return Series.of(value / size for value in taken.values)
