"""Services of a test's own: made from the template, with the images of this machine, under names that no other run has."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import socket
import subprocess
import uuid
from collections.abc import Iterator

from sandbox.live.engine import BASES
from tests.conftest import Result, Workshop, playbook, run


@dataclasses.dataclass(frozen=True)
class Service:
    """A service as its developer has it before them."""

    path: pathlib.Path

    @property
    def name(self) -> str:
        return self.path.name

    def make(self, *words: str, timeout: float = 900, **env: str) -> Result:
        """Type ``make …`` in its folder."""
        return run("make", *words, cwd=self.path, timeout=timeout, **env)

    def compose(self, *words: str, timeout: float = 600, **env: str) -> Result:
        """Type ``docker compose …`` in its folder."""
        return run("docker", "compose", *words, cwd=self.path, timeout=timeout, **env)

    def variable(self, name: str) -> str:
        """A setting or a secret of its ``.env``."""
        return dict(line.split("=", 1) for line in (self.path / ".env").read_text().splitlines() if "=" in line)[name]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def local_images() -> list[str]:
    """As words for ``bin/dotenv``: the images that are on this machine."""
    there = set(docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    chosen = {f"{kind.upper()}_IMAGE": next((name for name in names if name in there), None) for kind, names in BASES.items()}
    if None in chosen.values():
        prepared = playbook("prepare_machine")
        assert prepared.status == 0, prepared.output
        return local_images()
    return [f"{key}={image}" for key, image in chosen.items()]


@contextlib.contextmanager
def born(folder: pathlib.Path, kind: str, **answers: object) -> Iterator[Service]:
    """A service that was just made; what Docker has of it is gone afterwards."""
    workshop = Workshop(folder / "services", folder / "inventories")
    name = f"{kind}-{uuid.uuid4().hex[:6]}"
    made = workshop.new_service(name, **answers)
    assert made.status == 0, made.output
    service = Service(workshop.services / name)
    run("bin/dotenv", *local_images(), cwd=service.path)
    try:
        yield service
    finally:
        for project in (name, f"{name}-ci"):
            service.compose("--project-name", project, "down", "--volumes", "--remove-orphans", "--timeout", "5")
        images = docker("image", "ls", "--quiet", name).split()
        run("docker", "image", "rm", "--force", *set(images))
