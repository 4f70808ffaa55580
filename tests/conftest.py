"""What the tests share: this repository's own commands, run as a user would."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable

import pytest
import yaml

from benchmarks import measure, peers

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
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "GIT_", "PYTHONDONT"))}
    return {**kept, "ANSIBLE_FORCE_COLOR": "0", **more}


def run(*command: object, timeout: float = 900, cwd: pathlib.Path = ROOT, **more: str) -> Result:
    """Run a command, in the repository's root if nothing else is said."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
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


def in_plays(action: Callable[[], object]) -> float:
    """What an action's commands cost of the processor, as a multiple of what a play with one `copy` costs at the same time.

    A promise of seconds holds on a quiet machine, where `make bench` looks; tests run on slow and on busy ones too. There a play with one
    `copy` takes somewhat more than a second.
    """
    with tempfile.TemporaryDirectory() as name:
        bare = peers.one_copy(pathlib.Path(name))(pathlib.Path(name))
        before = _cost(lambda: measure.run(bare))
        cost = _cost(action)
        return cost / max(before, _cost(lambda: measure.run(bare)))


def _cost(action: Callable[[], object]) -> float:
    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    begun = used()
    action()
    return used() - begun


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


def copy_of_this_repository(folder: pathlib.Path) -> None:
    """What a clone would hold, with what is not committed yet; without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in listed.rstrip("\0").split("\0"):
        # The services of whoever runs the tests are not part of the project.
        if (ROOT / name).is_file() and not (name.startswith("inventories/") and not name.endswith("hosts.yml")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)


@dataclasses.dataclass(frozen=True)
class Demo:
    """A fresh copy of this repository in which `make demo` was typed."""

    checkout: pathlib.Path
    name: str
    first: Result

    @property
    def path(self) -> pathlib.Path:
        return self.checkout / "services" / self.name

    @property
    def address(self) -> str:
        content = yaml.safe_load((self.checkout / f"inventories/local/{self.name}.yml").read_text())
        return f"http://127.0.0.1:{content['services']['hosts'][self.name]['service_port']}/"

    def type(self, *words: object, timeout: float = 900) -> Result:
        """Type a command in the copy's folder, with its .venv activated."""
        path = f"{self.checkout / '.venv/bin'}:{os.environ['PATH']}"
        return run(*words, cwd=self.checkout, timeout=timeout, PATH=path, NAME=self.name)


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """`make demo` as a newcomer types it, once for all tests; torn down with its data at the end."""
    checkout = tmp_path_factory.mktemp("newcomer") / "little-service"
    checkout.mkdir()
    copy_of_this_repository(checkout)
    demo = Demo(checkout, "journey", Result(0, ""))
    # What a killed run left: a database whose password is gone would stop this one. There may be no engine yet.
    label = "--filter label=com.docker.compose.project=journey"
    run("sh", "-c", f"docker ps -aq {label} | xargs -r docker rm -f; docker volume ls -q {label} | xargs -r docker volume rm")
    demo = dataclasses.replace(demo, first=demo.type("make", "demo"))
    yield demo
    demo.type("ansible-playbook", "local_down.yml", "-e", "name=journey", "-e", "scope=all", "-e", "confirm=journey")


@pytest.fixture
def factory(tmp_path):
    """A repository like this one, with a small template."""
    from tests import small  # Ansible's imports take longer than most tests

    return small.Factory(tmp_path)


@pytest.fixture
def orbit(factory):
    """A service of that template on which its developer has worked."""
    from tests import small

    path = factory.make("orbit")
    (path / "app/code.py").write_text("mine = 1\n" + small.CODE)
    small.commit(path)
    return path
