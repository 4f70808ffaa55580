"""A live sandbox of the tests' own, and a container beside what it runs, as a service is."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from sandbox.live import authority
from sandbox.live.engine import Engine
from tests.sandbox.conftest import Cloud, sandbox_at_free_port


def until(holds: Callable[[], object], seconds: float = 180) -> None:
    """Wait until it holds, as a client asks again and again."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.5)


class Live:
    """A live sandbox, its engine, and the folder with its authority's certificate."""

    def __init__(self, cloud: Cloud, state: pathlib.Path) -> None:
        self.cloud, self.engine = cloud, Engine(int(cloud.url.rpartition(":")[2]))
        self.root = state / "root.pem"
        self.root.write_bytes(authority.root())

    def inside(self, kind: str, *command: str, **environment: str) -> str:
        """What a command in a container of the sandbox's network prints, in order or not."""
        options = ["--rm", f"--network={self.engine.network}", f"--volume={self.root}:/root.pem:ro"]
        options += [f"--env={key}" for key in environment]
        done = subprocess.run(
            ["docker", "run", *options, self.engine.base(kind), *command],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout.strip()

    def parts(self) -> list[str]:
        return sorted(one["part"] for one in self.cloud.control("GET", "containers"))


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Live]:
    state = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch, sandbox_at_free_port(state, "live") as cloud:
        patch.setenv("XDG_STATE_HOME", str(state))
        there = Live(cloud, state)
        yield there
    for kind in ("ps --all", "volume ls", "network ls"):
        assert there.engine.docker(*kind.split(), "--quiet", f"--filter=label={there.engine.label}") == "", kind
