"""Modules of AWS under bin/warm-python and under .venv/bin/python, against a sandbox of the benchmark's own."""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator

import yaml

from benchmarks import report
from benchmarks.measure import ROOT, BenchmarkFailed, Series, peak_mib, proportional_kib, run, sandbox, seconds

NAME = "warm_interpreter"
TITLE = "AWS modules in a warm interpreter"
RUNS = 5
COLD, WARM = ROOT / ".venv/bin/python", ROOT / "bin/warm-python"
MODULES = {
    "community.aws.ecs_ecr": "name",
    "amazon.aws.s3_bucket": "name",
    "community.aws.sns_topic": "name",
    "amazon.aws.cloudwatchlogs_log_group": "log_group_name",
}
SERVICES = 8
ONE = "one module (`sns_topic`), without Ansible"
PLAY = "a play of 12 tasks for one service"
FLEET = f"a play of 4 tasks for {SERVICES} services at once"


@dataclasses.dataclass(frozen=True)
class Bench:
    """A sandbox, and the folder in which the servers of the warm interpreter are."""

    folder: pathlib.Path
    url: str

    @property
    def env(self) -> dict[str, str]:
        # A server ends with its socket, which goes with the folder.
        return {"XDG_RUNTIME_DIR": str(self.folder)}

    def play(self, python: pathlib.Path, services: int = 1, times: int = 3) -> list[object]:
        """A play of the four modules, as often as said, each in a task of its own."""
        aws = {
            "endpoint_url": self.url,
            "region": "us-west-2",
            "access_key": "administrator-of-the-sandbox",
            "secret_key": "not-checked-by-it",
        }
        tasks = [
            {module: {option: f"{{{{ inventory_hostname }}}}-{number}"}} for number in range(times) for module, option in MODULES.items()
        ]
        play = {"hosts": "all", "connection": "local", "gather_facts": False, "module_defaults": {"group/aws": aws}, "tasks": tasks}
        file = self.folder / f"play-{times}.yml"
        file.write_text(yaml.safe_dump([play]), encoding="utf-8")
        hosts = "".join(f"orbit-{number}," for number in range(services))
        return ["ansible-playbook", "-i", hosts, "-e", f"ansible_python_interpreter={python}", file]

    def unchanged(self, python: pathlib.Path, services: int = 1, times: int = 3, **more: str) -> None:
        said = run(self.play(python, services, times), **{**self.env, **more})
        if said.count(f"ok={4 * times}") != services or said.count("changed=0") != services:
            raise BenchmarkFailed(f"The play was to change nothing:\n{said}")

    def module_file(self) -> pathlib.Path:
        """A module as Ansible sends it to its interpreter."""
        kept = {"ANSIBLE_KEEP_REMOTE_FILES": "true", "ANSIBLE_PIPELINING": "false", "ANSIBLE_REMOTE_TEMP": str(self.folder / "kept")}
        self.unchanged(WARM, times=1, **kept)
        return next(self.folder.glob("kept/*/AnsiballZ_sns_topic.py"))

    def server(self) -> int:
        """The process that forks for each script."""
        script = self.folder / "who.py"
        script.write_text("import os, sys; print(os.getppid(), 'warm_script' in sys.modules)", encoding="utf-8")
        pid, is_warm = run([WARM, script], **self.env).split()
        if is_warm != "True":
            raise BenchmarkFailed("The warm interpreter has no server; the file `log` in its folder may say why.")
        return int(pid)


def measure(runs: int, say: Callable[[str], None]) -> tuple[list[str], dict[str, str]]:
    """The section's paragraphs, and the versions of what was measured."""
    with tempfile.TemporaryDirectory(prefix="warm-") as name, sandbox() as url:
        bench = Bench(pathlib.Path(name), url)
        for services, times in ((SERVICES, 1), (1, 3)):
            run(bench.play(WARM, services, times), **bench.env)
        module = bench.module_file()
        server = bench.server()
        cases = {
            ONE: lambda python: run([python, module], **bench.env),
            PLAY: bench.unchanged,
            FLEET: functools.partial(bench.unchanged, services=SERVICES, times=1),
        }
        times: dict[tuple[str, pathlib.Path | None], list[float]] = {}
        for number in range(runs):
            for case, action in cases.items():
                for python in (COLD, WARM):
                    times.setdefault((case, python), []).append(seconds(functools.partial(action, python)))
            times.setdefault((PLAY, None), []).append(_first(bench))
            say(f"round {number + 1} of {runs}: " + ", ".join(f"{case} {taken[-1]:.2f} s" for (case, _), taken in times.items()))
        play = {python: bench.play(python, SERVICES, 1) for python in (COLD, WARM)}
        memory = [peak_mib(play[COLD], **bench.env), peak_mib(play[WARM], also=[server], **bench.env), proportional_kib(server) / 1024]
    return list(_paragraphs({key: Series.of(taken) for key, taken in times.items()}, memory)), {
        "boto3": importlib.metadata.version("boto3")
    }


def _first(bench: Bench) -> float:
    """The time of a play that finds no server."""
    folder = bench.folder / f"first-{time.monotonic_ns()}"
    folder.mkdir()
    return seconds(functools.partial(Bench(folder, bench.url).unchanged, WARM))


def _paragraphs(times: dict[tuple[str, pathlib.Path | None], Series], memory: list[float]) -> Iterator[str]:
    yield (
        "Modules that find all as declared (`ecs_ecr`, `s3_bucket`, `sns_topic`, `cloudwatchlogs_log_group`), against the sandbox on the "
        "same two cores, with `ansible_python_interpreter` set to `.venv/bin/python` (cold) and to `bin/warm-python` (warm)."
    )
    rows = []
    for case in (ONE, PLAY, FLEET):
        cold, warm = times[case, COLD], times[case, WARM]
        ratio = Series.of(before / after for before, after in zip(cold.values, warm.values, strict=True))
        rows.append([case, cold, warm, f"{ratio.median:.1f}"])
    yield report.table(["", "Seconds, cold", "Seconds, warm", "Times faster"], rows)
    yield (
        f"The play of 12 tasks where no server runs yet, so that the first tasks are cold: {times[PLAY, None]} s. "
        f"Memory (PSS) at the most, in the play for {SERVICES} services: {memory[0]:.0f} MiB cold, {memory[1]:.0f} MiB warm, of which the "
        f"server at rest has {memory[2]:.0f} MiB. Rounds: {len(times[PLAY, COLD].values)}."
    )
