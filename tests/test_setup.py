"""`bin/setup` on a machine as it is found: shims that fail, old Pythons, a set-up that was cut short."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT, environment

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")


def pythons() -> dict[str, str]:
    """The supported Pythons of this machine that run, by version."""
    found = {"{}.{}".format(*sys.version_info): str(pathlib.Path(sys.base_prefix, "bin/python3"))}
    for version in SUPPORTED:
        for candidate in [shutil.which(f"python{version}"), *pathlib.Path.home().glob(f".pyenv/versions/{version}.*/bin/python3")]:
            # Not the file that was asked: it may be a shim, which works with the whole PATH only.
            question = "import ensurepip, sys; print(sys.base_prefix + '/bin/python3')"
            answer = subprocess.run([candidate or "false", "-c", question], capture_output=True, text=True, check=False)
            if answer.returncode == 0:
                found.setdefault(version, answer.stdout.strip())
    return found


@pytest.fixture
def machine(tmp_path):
    """A checkout's set-up beside an empty PATH: only what a test puts there is found."""
    (tmp_path / "checkout/bin").mkdir(parents=True)
    shutil.copy(ROOT / "bin/setup", tmp_path / "checkout/bin/setup")
    shutil.copy(ROOT / "requirements.lock", tmp_path / "checkout/requirements.lock")
    path = tmp_path / "path"
    path.mkdir()
    for tool in ("sh", "dirname", "cd", "which", "ls", "sort", "id", "cksum", "cat", "mktemp", "awk", "rm", "true", "env", "sed"):
        if found := shutil.which(tool):
            (path / tool).symlink_to(found)
    return tmp_path / "checkout", path


def setup(checkout, path):
    return subprocess.run(
        ["bin/setup"],
        cwd=checkout,
        env=environment(PATH=str(path), PYENV_ROOT=str(checkout / "no-pyenv")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def script(file: pathlib.Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("version", sorted(pythons()))
def test_each_python_of_this_machine_is_set_up_from_the_one_lock_and_makes_a_service(machine, tmp_path, version):
    checkout, path = machine
    (path / f"python{version}").symlink_to(pythons()[version])
    script(path / "python3.14", "echo 'pyenv: python3.14: command not found' >&2; exit 127")
    script(path / "python3", "exec false")
    if version == "3.14":
        (path / "python3.14").unlink()
        (path / "python3.14").symlink_to(pythons()[version])
    result = setup(checkout, path)
    assert result.returncode == 0, result.stdout
    assert f"Setting up .venv with Python {version}" in result.stdout
    again = setup(checkout, path)
    assert (again.returncode, again.stdout) == (0, "")
    made = subprocess.run(
        [checkout / ".venv/bin/ansible-playbook", "new_service.yml", "-e", "name=orbit", "-e", f"services_dir={tmp_path}/s",
         "-e", f"inventories_dir={tmp_path}/i"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    assert (tmp_path / "s/orbit/.git").is_dir()


def test_without_a_python_that_runs_it_says_what_to_install(machine):
    checkout, path = machine
    script(path / "python3.13", "exit 127")
    script(path / "python3", "exit 1")
    result = setup(checkout, path)
    assert result.returncode == 1
    assert "no Python 3.11 to 3.14 runs here" in result.stdout
    assert not (checkout / ".venv").exists()


def test_a_set_up_that_was_cut_short_is_done_again(machine):
    checkout, path = machine
    (path / "python3").symlink_to(pathlib.Path(sys.base_prefix, "bin/python3"))
    (checkout / ".venv/bin").mkdir(parents=True)
    script(checkout / ".venv/bin/ansible-playbook", "exit 1")
    result = setup(checkout, path)
    assert result.returncode == 0, result.stdout
    assert subprocess.run([checkout / ".venv/bin/ansible-playbook", "--version"], capture_output=True, check=False).returncode == 0
