"""Time, and the memory of a whole process tree."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent


class BenchmarkFailed(Exception):
    """What is measured did not do its job, so there is no figure. Its text says what failed and how."""


@dataclasses.dataclass(frozen=True)
class Series:
    """Figures of one thing, in the order in which they were taken."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Series:
        return cls(tuple(values))

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        digits = 2 if self.median < 10 else 1 if self.median < 100 else 0
        shown = [f"{value:.{digits}f}" for value in (self.median, min(self.values), max(self.values))]
        return f"{shown[0]} ({shown[1]} to {shown[2]})" if len(self.values) > 1 else shown[0]


def environment(**more: str) -> dict[str, str]:
    """The caller's environment, less what would change how Ansible, git and the peers behave."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "GIT_", "COOKIECUTTER_", "COPIER_"))}
    return {**kept, "ANSIBLE_FORCE_COLOR": "0", **more}


def run(command: list[object], timeout: float = 1800, **more: str) -> str:
    """Run a command in the repository's root and return what it printed.

    :raises BenchmarkFailed: with the command's last words.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        done = subprocess.run(words, **_process(output, more), timeout=timeout, check=False)
        return _checked(words, done.returncode, output)


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@contextlib.contextmanager
def sandbox() -> Iterator[str]:
    """The address of a sandbox of one's own, on a free port, while the block lasts."""
    command = [sys.executable, "-m", "sandbox", "run", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        try:
            if not found:
                raise BenchmarkFailed("The sandbox did not start; type bin/sandbox run to see why.")
            yield found[0]
        finally:
            process.terminate()


def peak_mib(command: list[object], interval: float = 0.01, also: Iterable[int] = (), **more: str) -> float:
    """The most memory that a command and its descendants had at once, shared pages counted once, in MiB.

    :param also: processes that work for it and are not its descendants; counted with theirs.

    Looked up while it runs, since ru_maxrss is that of the largest process only, and counts what its parent had before exec:
    https://man7.org/linux/man-pages/man2/getrusage.2.html. That costs time, so these runs are not the ones that are timed.
    """
    words = [str(word) for word in command]
    peak = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(words, **_process(output, more))
        while process.poll() is None:
            peak = max(peak, sum(map(proportional_kib, _tree(process.pid, *also))))
            time.sleep(interval)
        _checked(words, process.returncode, output)
    return peak / 1024


def _process(output: object, more: dict[str, str]) -> dict:
    return {"cwd": ROOT, "env": environment(**more), "stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}


def _checked(words: list[str], status: int, output: object) -> str:
    output.seek(0)
    text = output.read()
    if status:
        raise BenchmarkFailed(f"{' '.join(words)} ended with {status}:\n" + "\n".join(text.splitlines()[-20:]))
    return text


def _tree(*roots: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                # The program's name, in brackets, may hold spaces: the parent is the second field after it.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    tree = list(roots)
    for pid in tree:
        tree += children.get(pid, [])
    return tree


def proportional_kib(pid: int) -> int:
    """A process's memory, of which pages that it shares with others are counted in part (PSS)."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
