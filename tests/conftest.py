"""What the tests share: this repository's own commands, run as a user would."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        """The number of changed tasks in Ansible's recap."""
        return sum(int(line.split("changed=")[1].split()[0]) for line in self.output.splitlines() if "changed=" in line)

    @property
    def words(self) -> str:
        """The output with white space folded: Ansible wraps long messages."""
        return " ".join(self.output.split())


def environment(**more: str) -> dict[str, str]:
    """The caller's environment, less what would change how Ansible behaves or prints."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "GIT_"))}
    return {**kept, "ANSIBLE_FORCE_COLOR": "0", **more}


def run(*command: object, timeout: float = 900, **more: str) -> Result:
    """Run a command in the repository's root."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Result(done.returncode, done.stdout)


def playbook(verb: str, /, *options: object, timeout: float = 900, env: dict[str, str] | None = None, **variables: object) -> Result:
    """Run ``ansible-playbook VERB.yml`` with each variable as ``-e key=value``."""
    typed = [word for key, value in variables.items() for word in ("-e", f"{key}={value}")]
    return run("ansible-playbook", f"{verb}.yml", *options, *typed, timeout=timeout, **(env or {}))


@dataclasses.dataclass(frozen=True)
class Workshop:
    """A folder of services and a folder of inventories of a test's own."""

    services: pathlib.Path
    inventories: pathlib.Path

    def new_service(self, name: str, *options: object, env: dict[str, str] | None = None, **variables: object) -> Result:
        return playbook("new_service", *options, env=env, name=name, **{**self.variables, **variables})

    @property
    def variables(self) -> dict[str, pathlib.Path]:
        return {"services_dir": self.services, "inventories_dir": self.inventories}


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    return Workshop(tmp_path / "services", tmp_path / "inventories")
