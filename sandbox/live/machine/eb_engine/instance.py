"""An instance on the machine that instances share: its folder, its environment, and how a command is run on it."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

INSTANCES = pathlib.Path("/srv/instances")
SHOWN = 20  # lines of what failed that a failure tells
# A private view of the files: this instance's folder is /var/app, its logs are /var/log, and how those are written it may change.
PRIVATE, FOLLOW = pathlib.Path("/opt/elasticbeanstalk/config/private"), "eb-docker-compose-log-start"
VIEW = f'mount --bind "$0/app" /var/app; mount --bind "$0/log" /var/log; mount --bind "$0/private" {PRIVATE}; cd "$1"; shift; exec "$@"'
# Whoever follows is thought to sit before a terminal: each line begins with what clears it there.
FOLLOWER = "#!/bin/sh\ndocker compose logs --follow --no-color --since \"$1\" | sed -u 's/\\x1b\\[2K//g'\n"
# What Compose says of its own work.
DONE = "(Creat|Start|Stopp|Remov|Recreat|Pull|Wait|Download|Extract|Healthy)"
PROGRESS = re.compile(rf" *(Network|Container|Volume|Image|\w+) \S* *{DONE}\w*$")
Order = dict[str, Any]


class Failure(Exception):
    """Why a deployment failed, as its event tells it."""


class Instance:
    def __init__(self, name: str) -> None:
        self.name, self.folder = name, INSTANCES / name
        self.app, self.log = self.folder / "app", self.folder / "log"
        self.staging, self.current = self.app / "staging", self.app / "current"
        self.containers = self.log / "eb-docker/containers/eb-current-app"
        self.place = self.current  # where Compose finds its files

    def remembered(self, what: str) -> dict[str, Any]:
        with contextlib.suppress(FileNotFoundError):
            return json.loads((self.folder / f"{what}.json").read_text())
        return {}

    def remember(self, what: str, known: Any) -> None:
        (self.folder / f"{what}.json").write_text(json.dumps(known))

    def make(self) -> None:
        for folder in (self.app, self.containers, self.folder / "private"):
            folder.mkdir(parents=True, exist_ok=True)
        follower = self.folder / "private" / FOLLOW
        if not follower.exists():
            follower.write_text(FOLLOWER)
            follower.chmod(0o755)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One thing at a time is done to an instance."""
        self.make()
        with (INSTANCES / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def environment(self, order: Order) -> dict[str, str]:
        """What hooks and commands find in their environment."""
        own = {key: os.environ[key] for key in ("PATH", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION") if key in os.environ}
        files = [self.place / "docker-compose.yml", self.folder / "override.json"]
        return {
            **own,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "COMPOSE_PROJECT_NAME": self.name,
            "COMPOSE_FILE": ":".join(str(file) for file in files if file.exists()),
            **order.get("credentials", {}),
            **order.get("variables", {}),
        }

    def say(self, level: str, text: str) -> None:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y/%m/%d %H:%M:%S.%f")
        with (self.log / "eb-engine.log").open("a") as log:
            log.write("".join(f"{now} [{level}] {line}\n" for line in text.splitlines() or [""]))

    def begin(self, order: Order, *command: str, folder: str | None = None, stderr: int = subprocess.STDOUT) -> subprocess.Popen[str]:
        """Start a command; one that is given a folder sees this instance's files as a machine of its own has them."""
        seen = ["unshare", "--mount", "--propagation=private", "sh", "-ec", VIEW, str(self.folder), folder] if folder else []
        return subprocess.Popen(
            [*seen, *command],
            env=self.environment(order),
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def run(self, order: Order, *command: str, log: str | None = "eb-engine.log", why: str, view: bool = False) -> str:
        """Run a command of the deployment, write down what it prints unless that holds secrets, and return it."""
        self.say("INFO", f"Running command: {' '.join(command)}")
        process = self.begin(order, *command, folder=f"/var/app/{self.place.name}" if view else None)
        out, _, over = output(process, order["until"] - time.time())
        if log:
            with (self.log / log).open("a") as file:
                file.write(out)
        if over:
            raise Failure(f"{why} was not done in the allowed command timeout time. Stderr:{last(out)}")
        if process.returncode:
            raise Failure(f"{why} failed with error exit status {process.returncode}. Stderr:{last(out)}")
        return out

    def compose(self, order: Order, *arguments: str, log: str | None = "eb-engine.log") -> str:
        return self.run(order, "docker", "compose", *arguments, log=log, why=f"Command docker compose {arguments[0]}")


def output(process: subprocess.Popen[str], seconds: float) -> tuple[str, str, bool]:
    """What a process prints, and whether its time ended before it did."""
    try:
        return *process.communicate(timeout=max(seconds, 0.1)), False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return *process.communicate(), True


def last(text: str) -> str:
    """The last lines that say something: not a progress that was drawn."""
    lines = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[^\t -~\x80-\U0010ffff]", "", line).rstrip() for line in text.splitlines()]
    return "\n".join([line for line in lines if line and not PROGRESS.match(line)][-SHOWN:])
