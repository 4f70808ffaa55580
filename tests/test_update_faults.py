"""An update killed at any moment: the next one ends as one that nobody disturbed, and no line of the developer's is lost in between.

`make test` takes a sample of the points at which a run can be killed; FAULT_POINTS=all takes every one (`make test-all`).
"""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import sys
import time

import pytest

from tests import small
from tests.small import CODE, commit, git
from tests.test_new_service_faults import points

pytestmark = pytest.mark.full  # kills a run at every point, which takes minutes

EVERY_POINT = os.environ.get("FAULT_POINTS") == "all"
EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "subprocess.Popen", "shutil.rmtree"}
# Big enough for git to write it in more than one go.
LONG = "".join(f"line {number} of a long file\n" for number in range(40_000))


def scene(folder: pathlib.Path, kind: str) -> small.Factory:
    """A service with an update to come, that is merged, moved forward to, or ends in conflicts."""
    factory = small.Factory(folder, {**small.FILES, "long.txt": LONG, "gone.txt": "x\n" * 30, "away/a.txt": "y\n" * 30})
    path = factory.make("orbit")
    if kind != "forward":
        (path / "app/code.py").write_text("mine = 1\n" + CODE)
        git(path, "rm", "-q", "README.md")
        commit(path)
    if kind == "conflict":
        (path / "worker.txt").write_text("mine\n")
        commit(path)
    if kind == "clone":
        git(path, "branch", "-q", "-D", "template")
    newer = {
        "app/code.py": CODE + "theirs = 1\n",
        "long.txt": LONG + "more\n",
        "gone.txt": None,
        "new/b.txt": "z\n",
        "worker.txt": "theirs\n",
    }
    factory.release("0.2.0", {**newer, "README.md.j2": "other\n", "away/a.txt": None, "away.txt": "y\n" * 30})
    return factory


@pytest.fixture(scope="module", params=["merge", "forward", "conflict", "clone"])
def prepared(request, tmp_path_factory):
    """A scene to copy, and what an undisturbed update makes of it."""
    folder = tmp_path_factory.mktemp(request.param)
    factory = scene(folder / "scene", request.param)
    shutil.copytree(folder / "scene", folder / "done", symlinks=True)
    undisturbed = small.Factory.at(folder / "done")
    undisturbed.update(undisturbed.services / "orbit")
    assert factory.root.exists()
    return folder / "scene", state(undisturbed)


def state(factory: small.Factory) -> dict:
    """All of a service but the ids of commits, which hold their time."""
    path = factory.services / "orbit"
    return {
        "beside": sorted(child.name for child in factory.services.iterdir()),
        "files": small.files(path),
        "status": git(path, "status", "--porcelain"),
        "index": git(path, "ls-files", "--stage"),
        "branches": git(path, "for-each-ref", "--format=%(refname) %(tree)"),
        "history": git(path, "log", "--topo-order", "--format=%T", "HEAD", "template"),
        "merging": (path / ".git/MERGE_HEAD").exists() and git(path, "rev-parse", "MERGE_HEAD^{tree}"),
        "left": sorted(file.name for file in (path / ".git").rglob("*") if file.suffix == ".lock" or "little-service" in file.name),
    }


def in_a_child(factory: small.Factory, prepare) -> int:
    """Run an update in a process of its own; returns how that ended."""
    child = os.fork()
    if child == 0:
        try:
            prepare()
            result = factory.update(factory.services / "orbit")
            os._exit(3 if result["report"]["outcome"] == "failed" else 0)
        finally:
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dies_at(point: int, under: pathlib.Path, counter: pathlib.Path):
    """Count a process's changes below a folder, and kill it at one of them."""

    def prepare():
        touches = 0

        def hook(event, arguments):
            nonlocal touches
            reads = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if event in EVENTS and not reads and any(f"{argument}/".startswith(f"{under}/") for argument in arguments[:3]):
                touches += 1
                if touches == point:
                    os.kill(os.getpid(), signal.SIGKILL)
                os.write(count, b".")

        count = os.open(counter, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        sys.addaudithook(hook)

    return prepare


def assert_mended(folder: pathlib.Path, expected: dict) -> None:
    factory = small.Factory.at(folder)
    small.git(factory.services / "orbit", "fsck", "--strict")
    foreseen = factory.update(factory.services / "orbit", check=True)
    assert foreseen["report"]["outcome"] != "failed", foreseen
    again = factory.update(factory.services / "orbit")
    assert again["report"]["outcome"] != "failed", again
    assert state(factory) == expected


def test_killed_at_any_touch_of_the_disk_it_is_mended_by_the_next_run(prepared, tmp_path):
    scene_folder, expected = prepared
    shutil.copytree(scene_folder, tmp_path / "all", symlinks=True)
    counter = tmp_path / "touches"
    assert in_a_child(small.Factory.at(tmp_path / "all"), dies_at(0, tmp_path / "all/services", counter)) == 0
    total = counter.stat().st_size
    assert total > 20
    for point in points(total):
        folder = tmp_path / str(point)
        shutil.copytree(scene_folder, folder, symlinks=True)
        assert in_a_child(small.Factory.at(folder), dies_at(point, folder / "services", counter)) == -signal.SIGKILL
        time.sleep(0.05)  # a git that was started goes on without its parent
        assert_mended(folder, expected)
        shutil.rmtree(folder)


GIT = """#!/bin/sh
# The git of a test: it dies at the given command, and with it whoever called it.
PATH={path}
for word; do [ "$word" = {command} ] && victim=1; done
[ "$victim" ] || exec git "$@"
{how}
kill -KILL $PPID
"""


def with_git(folder: pathlib.Path, command: str, how: str):
    """Put a git that dies before the real one on the PATH."""
    shim = folder / "bin/git"
    shim.parent.mkdir()
    shim.write_text(GIT.format(path=os.environ["PATH"], command=command, how=how))
    shim.chmod(0o755)

    def prepare():
        os.environ["PATH"] = f"{shim.parent}:{os.environ['PATH']}"

    return prepare


# A file that grows over the limit (in blocks of 512 bytes) ends git where it stands, in the midst of a file and with its locks held.
MIDST = 'ulimit -f {limit}; git "$@"'
# Or after so many milliseconds, wherever it is then.
MOMENT = 'timeout --signal=KILL {seconds} git "$@"'


@pytest.mark.parametrize("limit", [1, 64, 1500] if EVERY_POINT else [64])
def test_where_git_itself_dies_while_it_writes_a_file_it_is_taken_back(prepared, tmp_path, limit):
    scene_folder, expected = prepared
    shutil.copytree(scene_folder, tmp_path / "scene", symlinks=True)
    factory, path = small.Factory.at(tmp_path / "scene"), tmp_path / "scene/services/orbit"
    assert in_a_child(factory, with_git(tmp_path, "merge", MIDST.format(limit=limit))) == -signal.SIGKILL
    assert (path / ".git/index.lock").exists()
    assert (path / "long.txt").stat().st_size == limit * 512
    assert_mended(tmp_path / "scene", expected)


@pytest.mark.parametrize(
    ("prepared", "command"),
    [*((kind, command) for kind in ("merge", "forward", "conflict", "clone") for command in ("merge", "update-ref")), ("conflict", "rm")],
    indirect=["prepared"],
)
def test_where_git_dies_at_any_moment_the_next_run_ends_as_if_it_had_not(prepared, tmp_path, command):
    scene_folder, expected = prepared
    for number in range(40):
        folder = tmp_path / str(number)
        shutil.copytree(scene_folder, folder / "scene", symlinks=True)
        how = MOMENT.format(seconds=0.0005 * (number + 1))
        assert in_a_child(small.Factory.at(folder / "scene"), with_git(folder, command, how)) == -signal.SIGKILL
        assert_mended(folder / "scene", expected)
        shutil.rmtree(folder)


def half_written(prepared, tmp_path) -> pathlib.Path:
    shutil.copytree(prepared[0], tmp_path / "scene", symlinks=True)
    in_a_child(small.Factory.at(tmp_path / "scene"), with_git(tmp_path, "merge", MIDST.format(limit=64)))
    return tmp_path / "scene/services/orbit"


@pytest.mark.parametrize("prepared", ["merge"], indirect=True)
def test_what_the_developer_writes_after_a_kill_stays(prepared, tmp_path):
    path = half_written(prepared, tmp_path)
    factory = small.Factory.at(tmp_path / "scene")
    (path / "long.txt").write_text("mine\n")
    refused = factory.update(path)
    assert refused["report"]["outcome"] == "failed"
    assert "was cut short, and since then these files were changed: long.txt. Move them out" in refused["msg"]
    assert (path / "long.txt").read_text() == "mine\n"
    (path / "long.txt").rename(tmp_path / "kept.txt")
    (path / "notes.txt").write_text("mine too\n")
    assert factory.update(path)["report"]["outcome"] != "failed"
    assert (path / "notes.txt").read_text() == "mine too\n"


@pytest.mark.parametrize("prepared", ["merge"], indirect=True)
def test_a_git_that_still_runs_there_keeps_its_lock(prepared, tmp_path):
    path = half_written(prepared, tmp_path)
    developers = small.subprocess.Popen(["git", "cat-file", "--batch"], cwd=path, stdin=small.subprocess.PIPE)
    time.sleep(0.2)
    result = small.Factory.at(tmp_path / "scene").update(path)
    assert (path / ".git/index.lock").exists()
    assert "index.lock" in result["msg"]
    developers.stdin.close()
    developers.wait()
    assert_mended(tmp_path / "scene", prepared[1])


def test_on_a_full_disk_nothing_is_left_half_done(tmp_path):
    """A file system of a few blocks, for a service that fits and an update that does not."""
    script = """
set -e
mount -t tmpfs -o size=6m tmpfs "$1"
cp -a "$2/." "$1"
head -c 2500k /dev/urandom > "$1/filler"
python -m tests.small update "$1" > "$3/first"
rm "$1/filler"
python -m tests.small update "$1" > "$3/second"
"""
    (tmp_path / "disk").mkdir()
    factory = scene(tmp_path / "scene", "merge")
    noise = os.urandom(300_000).hex()
    factory.release("0.3.0", {"long.txt": noise})
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    done = small.subprocess.run(
        [*namespace, "sh", "-c", script, "sh", tmp_path / "disk", tmp_path / "scene", tmp_path],
        capture_output=True, text=True, check=False, **small.BY_ITSELF,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "failed" in (tmp_path / "first").read_text()
    assert "updated" in (tmp_path / "second").read_text()
