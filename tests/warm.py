"""A warm interpreter of the tests' own: a checkout with nothing but it, and a folder for its sockets."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.conftest import ROOT

NOBODY = 65534


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a script ended, as whoever started it sees it."""

    status: int
    output: str
    errors: str

    @property
    def facts(self) -> Any:
        assert self.status == 0, self.errors
        return json.loads(self.output)


@dataclasses.dataclass(frozen=True)
class Interpreter:
    checkout: pathlib.Path
    runtime: pathlib.Path

    @property
    def warm(self) -> pathlib.Path:
        return self.checkout / "bin/warm-python"

    @property
    def cold(self) -> pathlib.Path:
        return self.checkout / ".venv/bin/python"

    @property
    def folder(self) -> pathlib.Path:
        return self.runtime / f"little-service-{os.getuid()}"

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime), **more}

    def begin(
        self, *words: object, env: dict[str, str] | None = None, program: pathlib.Path | None = None, **more: Any
    ) -> subprocess.Popen:
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [str(word) for word in (program or self.warm, *words)]
        return subprocess.Popen(command, env=self.environment(**(env or {})), text=True, **{**streams, **more})

    def run(self, *words: object, given: str = "", **more: Any) -> Ended:
        process = self.begin(*words, **more)
        output, errors = process.communicate(given, timeout=60)
        return Ended(process.returncode, output, errors)

    def servers(self) -> list[int]:
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (entry / "cmdline").read_text().split("\0")
                    # A fork has its server's command line.
                    if (
                        len(words) > 2
                        and words[2].startswith(str(self.folder))
                        and int((entry / "stat").read_text().split()[3]) not in found
                    ):
                        found.append(int(entry.name))
        return found

    def server(self, **env: str) -> int:
        """The process that runs this environment's scripts, begun if there is none."""
        found = []

        def told() -> bool:
            ended = self.run(env=env, given="import os, sys; print(os.getppid(), 'warm_script' in sys.modules)")
            parent, is_warm = ended.output.split()
            found.append(int(parent))
            return is_warm == "True"

        until(told)
        return found[-1]


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{seconds} s have passed"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def give_to_nobody(path: pathlib.Path) -> None:
    if os.getuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    else:
        subprocess.run(["sudo", "--non-interactive", "chown", str(NOBODY), path], check=True)


def as_nobody(code: str) -> str:
    """What code prints where another user runs it."""
    # Changed into from within: a Python in a folder of root's own is not found by others.
    changed = f"import os, socket; os.setgroups([]); os.setuid({NOBODY}); {code}"
    by_sudo = ["sudo", "--non-interactive"] if os.getuid() else []
    return subprocess.run([*by_sudo, sys.executable, "-c", changed], capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def interpreter() -> Iterator[Interpreter]:
    # pytest's own folders are too deep for the path of a socket.
    with tempfile.TemporaryDirectory(prefix="warm-") as name:
        made = Interpreter(pathlib.Path(name) / "checkout", pathlib.Path(name) / "run")
        made.runtime.mkdir(mode=0o700)
        shutil.copytree(ROOT / "bin/warm_python", made.checkout / "bin/warm_python", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy2(ROOT / "bin/warm-python", made.warm)
        (made.checkout / ".venv").symlink_to((ROOT / ".venv").resolve())
        yield made
        for pid in made.servers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
