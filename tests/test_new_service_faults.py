"""`new_service.yml` killed, starved and raced: the folder and each inventory file appear whole or not at all.

`make test` takes a sample of the points at which a run can be killed; FAULT_POINTS=all takes every one (`make test-all`).
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest

from tests.conftest import ROOT, Workshop, playbook
from tests.test_new_service import git, snapshot

HOOK = {"PYTHONPATH": str(ROOT / "tests/fault")}
SAMPLE = 8


def fault(folder: pathlib.Path, **more: object) -> dict[str, str]:
    counter = folder.with_name(f"{folder.name}.touches")
    counter.write_bytes(b"")
    given = {"under": folder, "count": counter, **more}
    return {**HOOK, **{f"FAULT_{key.upper()}": str(value) for key, value in given.items()}}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """An undisturbed run: the number of its touches, the files of its service, its inventory files."""
    folder = tmp_path_factory.mktemp("reference")
    workshop = Workshop(folder / "services", folder / "inventories")
    result = workshop.new_service("orbit", env=fault(folder), service_port=8123)
    assert result.status == 0, result.output
    touches = folder.with_name(f"{folder.name}.touches").stat().st_size
    return touches, git(workshop.services / "orbit", "ls-files", "-s"), inventory_files(workshop)


def inventory_files(workshop):
    return {
        path.relative_to(workshop.inventories): path.read_text().replace(str(workshop.services), "SERVICES")
        for path in workshop.inventories.rglob("*.yml")
    }


def points(total):
    if os.environ.get("FAULT_POINTS") == "all":
        return range(1, total + 1)
    return sorted({1 + round(step * (total - 1) / (SAMPLE - 1)) for step in range(SAMPLE)})


def assert_whole_or_absent(workshop, reference):
    _, files, inventories = reference
    path = workshop.services / "orbit"
    if path.exists():
        assert git(path, "ls-files", "-s") == files
        assert git(path, "status", "--porcelain") == ""
        assert git(path, "branch", "--show-current") == "main"
        git(path, "fsck", "--strict")
    if workshop.inventories.exists():
        for file, text in inventory_files(workshop).items():
            assert text == inventories[file]


def assert_mended(workshop, reference):
    again = workshop.new_service("orbit", service_port=8123)
    assert again.status == 0, again.output
    assert_whole_or_absent(workshop, reference)
    assert inventory_files(workshop) == reference[2]
    left_beside = [child.name for folder in (workshop.services, *workshop.inventories.iterdir()) for child in folder.iterdir()]
    assert sorted(set(left_beside)) == ["orbit", "orbit.yml"]


@pytest.mark.parametrize("kind", ["kill", "full"])
def test_stopped_at_any_touch_of_the_disk_it_is_mended_by_the_next_run(tmp_path, reference, kind):
    for point in points(reference[0]):
        folder = tmp_path / str(point)
        workshop = Workshop(folder / "services", folder / "inventories")
        stopped = workshop.new_service("orbit", env=fault(folder, at=point, kind=kind), service_port=8123)
        assert_whole_or_absent(workshop, reference)
        # To make a folder that is there already needs no room.
        harmless = kind == "full" and stopped.status == 0 and (workshop.services / "orbit").exists()
        assert stopped.status != 0 or harmless, f"{kind} at {point}: {stopped.output}"
        if kind == "full" and not harmless:
            assert "disk is full" in stopped.words, stopped.output
            left = [path for path in folder.rglob("*") if path.name.endswith(".little-service-new")]
            assert left == []
        assert_mended(workshop, reference)
        shutil.rmtree(folder)


def test_a_worker_that_outlives_its_killed_parent_is_waited_for(tmp_path, reference):
    for point in points(reference[0])[2:5]:
        folder = tmp_path / str(point)
        workshop = Workshop(folder / "services", folder / "inventories")
        command = ["ansible-playbook", "new_service.yml", "-e", "name=orbit", "-e", "service_port=8123"]
        for key, value in workshop.variables.items():
            command += ["-e", f"{key}={value}"]
        killed = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **fault(folder, at=point, kind="orphan")}, capture_output=True, check=False
        )
        assert killed.returncode == -9
        assert_mended(workshop, reference)


@pytest.mark.parametrize("room", ["64k", "320k", "640k"])
def test_on_a_disk_that_is_really_full_nothing_half_written_is_left(tmp_path, room):
    folder = tmp_path / "small"
    folder.mkdir()
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    script = (
        f'mount -t tmpfs -o size={room} tmpfs "$1" && ansible-playbook new_service.yml -e name=orbit '
        '-e services_dir="$1/services" -e inventories_dir="$1/inventories"; status=$?; '
        'find "$1" -mindepth 1 -printf "LEFT %P\\n"; exit $status'
    )
    done = subprocess.run([*namespace, "sh", "-c", script, "sh", folder], cwd=ROOT, capture_output=True, text=True, check=False)
    output = " ".join(done.stdout.split())
    assert done.returncode == 2, done.stdout + done.stderr
    assert "The disk is full" in output or "No space left on device" in output
    assert [line for line in done.stdout.splitlines() if line.startswith("LEFT ")] == ["LEFT services"]


def test_what_a_killed_run_of_another_service_left_is_swept_up(workshop, tmp_path, reference):
    killed = workshop.new_service("comet", env=fault(tmp_path, at=reference[0] // 2, kind="kill"))
    assert killed.status != 0
    assert [child.name for child in workshop.services.iterdir()] == [".comet.little-service-new"]
    assert workshop.new_service("orbit").status == 0
    assert [child.name for child in workshop.services.iterdir()] == ["orbit"]


def test_in_check_mode_a_run_touches_nothing_that_a_killed_one_left(workshop, tmp_path, reference):
    workshop.new_service("orbit", env=fault(tmp_path, at=reference[0] // 2, kind="kill"))
    before = snapshot(tmp_path)
    checked = playbook("new_service", "--check", name="orbit", **workshop.variables)
    assert checked.status == 0, checked.output
    assert snapshot(tmp_path) == before
