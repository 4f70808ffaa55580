# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Docker's own client, so that the engine is the one that the user's `docker` talks to (a context, Docker Desktop)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator

from ansible_collections.little_service.factory.plugins.module_utils.compose import last_lines

# Which files and which project are meant is said by the caller, not by the shell of whoever runs this.
UNWANTED = ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES")
ADDED = {
    "BUILDKIT_PROGRESS": "plain",
    "COMPOSE_ANSI": "never",
    # An attestation holds the time of the build, so no two builds would give the same image:
    # https://docs.docker.com/build/building/variables/#buildx_no_default_attestations
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
}
PAUSE = 0.5  # seconds


class DockerError(Exception):
    """What went wrong and what to type; ``details`` are shown beside it."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.details = details


class Client:
    """`docker`, run in a folder for something that has a name."""

    def __init__(self, name: str, path: pathlib.Path, log: pathlib.Path, log_lines: int, variables: dict[str, str]) -> None:
        self.name = name
        self.path = path
        self.log = log
        self.log_lines = log_lines
        self._locks: list[int] = []
        self._said = ""
        inherited = {key: value for key, value in os.environ.items() if key not in UNWANTED}
        self._environment = {**inherited, **ADDED, **{key: str(value) for key, value in variables.items()}}

    @contextlib.contextmanager
    def locked(self, patience: float) -> Iterator[None]:
        """One run at a time. A killed ansible-playbook leaves its module at work, and a killed module its `docker compose`:
        both hold the lock, and the kernel frees it when the last of them has ended.

        :raises DockerError: where it is not freed in time.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        deadline = time.monotonic() + patience
        try:
            while not _lock_now(descriptor):
                if time.monotonic() > deadline:
                    raise DockerError(
                        f"Another run has been at work on {self.name} for {patience:.0f} s. Run this again when it has ended."
                    )
                self.say("waiting for another run that is at work on it")
                time.sleep(PAUSE)
            self._locks = [descriptor]
            self.log.unlink(missing_ok=True)
            yield
        finally:
            self._locks = []
            os.close(descriptor)

    def docker(self, *arguments: str, cwd: pathlib.Path | None = None) -> str:
        """Run docker and return what it printed. :raises DockerError: with docker's own words."""
        done = self.run(*arguments, cwd=cwd)
        if done.returncode:
            raise self.error(f"docker {' '.join(arguments[:2])} failed for {self.name}", done.stderr or done.stdout)
        return done.stdout

    def run(self, *arguments: str, cwd: pathlib.Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments],
            cwd=cwd or (self.path if self.path.is_dir() else None),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            pass_fds=self._locks,
        )

    def engine_answers(self) -> bool:
        return self.run("version", "--format", "{{.Server.Version}}").returncode == 0

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen]:
        """Start docker with its output in the log; it is ended when the block is left before its end."""
        with self._opened_log() as log:
            process = self._popen(arguments, stdin=subprocess.DEVNULL, stdout=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()

    @contextlib.contextmanager
    def asked(self, *arguments: str) -> Iterator[subprocess.Popen]:
        """Start docker with pipes to it and from it; it is killed when the block is left before its end.

        Killed with its plugins, which are processes of their own: asked to end, a build may well come to its end first.
        """
        process = self._popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        with process.stdout:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _popen(self, arguments: tuple[str, ...], **options: object) -> subprocess.Popen:
        return subprocess.Popen(
            ["docker", *arguments],
            cwd=self.path,
            env=self._environment,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=self._locks,
            **options,
        )

    def say(self, words: str) -> None:
        """Add a line to the log, once."""
        if words != self._said:
            with self._opened_log() as log:
                log.write(f"{words}\n")
            self._said = words

    def error(self, what: str, output: str = "") -> DockerError:
        """An error with the end of what docker said; without ``output``, of what the log holds."""
        where = "" if output else f" All that was said is in {self.log}."
        output = output or self.log.read_text(encoding="utf-8", errors="replace")
        if not self.engine_answers():
            return DockerError(
                f"Docker's engine went away while it worked for {self.name}. Run this again: it starts the engine and goes on."
            )
        return DockerError(f"{what}.{where}", last_words=last_lines(output, self.log_lines))

    def _opened_log(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return self.log.open("a", encoding="utf-8")


def _lock_now(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
