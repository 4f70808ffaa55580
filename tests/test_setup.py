"""`bin/setup` and what stands around it on a machine as it is found: shims that fail, old Pythons, a set-up that was cut short."""

from __future__ import annotations

import os
import pathlib
import pty
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


@pytest.mark.parametrize(
    ("docker", "sudo", "somebody", "asked"), [(1, 1, True, True), (0, 1, True, False), (1, 0, True, False), (1, 1, False, False)]
)
def test_make_demo_asks_for_sudos_password_only_where_it_is_needed_and_somebody_can_type_it(tmp_path, docker, sudo, somebody, asked):
    for folder in ("bin", ".venv/bin", "path"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "bin/demo", tmp_path / "bin/demo")
    script(tmp_path / "bin/setup", "")
    script(tmp_path / ".venv/bin/ansible-playbook", 'echo "$@"')
    for program, text in {"id": "echo 1000", "docker": f"exit {docker}", "sudo": f"exit {sudo}"}.items():
        script(tmp_path / "path" / program, text)
    _, terminal = pty.openpty()
    demo = subprocess.run(
        ["bin/demo"],
        cwd=tmp_path,
        env=environment(PATH=f"{tmp_path}/path:{os.environ['PATH']}"),
        stdin=terminal if somebody else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = "local_up.yml -e name=scheduler" + (" --ask-become-pass" if asked else "")
    assert expected in demo.stdout.splitlines()


def test_make_clean_leaves_services_and_their_places(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    kept = ("services/orbit/manage.py", "inventories/local/orbit.yml", "requirements.lock")
    for name in (*kept, ".venv/bin/python", ".ruff_cache/x", "reports/junit.xml", "tests/__pycache__/x.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == sorted(("Makefile", *kept))
