"""What holds of every update, whatever was edited on both sides: nothing of the developer's is lost, twice is once, check mode foresees.

`make test` takes a sample of random edits; FAULT_POINTS=all (`make test-all`) many more.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests import small

EXAMPLES = 300 if os.environ.get("FAULT_POINTS") == "all" else 12
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
PATHS = sorted(path.removesuffix(".j2") for path in small.FILES if not path.startswith(".github"))
place = st.integers(0, 40)
which = st.sampled_from(PATHS)
EDIT = st.one_of(
    st.tuples(st.just("insert"), which, place),
    st.tuples(st.just("change"), which, place),
    st.tuples(st.just("cut"), which, place),
    st.tuples(st.just("delete"), which, place),
    st.tuples(st.just("rename"), which, place),
    st.tuples(st.just("add"), st.sampled_from(["notes.txt", "app/extra.py", "docs/a.md", "docs/b.md"]), place),
)
EDITS = st.lists(EDIT, max_size=6)


def edit(folder: pathlib.Path, edits: list[tuple], who: str, suffix: str = "") -> dict:
    """Do the edits to files of a folder; every line that is written is of this author's and of no other's."""
    done: dict = {"lines": [], "deleted": [], "renamed": []}
    for number, (kind, path, at) in enumerate(edits):
        file = next((one for one in (folder / path, folder / f"{path}{suffix}") if one.is_file()), folder / path)
        line = f"{who} {number} {kind}\n"
        if kind == "add":
            file.parent.mkdir(exist_ok=True)
            file.write_text((file.read_text() if file.exists() else "") + line)
        elif file.is_file() and kind == "delete":
            file.unlink()
            done["deleted"].append(path)
        elif file.is_file() and kind == "rename":
            target = file.with_name(f"{who}-{number}-{file.name}")
            file.rename(target)
            done["renamed"].append(target.relative_to(folder).as_posix())
        elif file.is_file():
            lines = file.read_text().splitlines(keepends=True)
            start = at % (len(lines) + 1)
            lines[start : start + (kind != "insert")] = [] if kind == "cut" else [line]
            file.write_text("".join(lines))
    done["lines"] = [text for text in written(folder) if text.startswith(f"{who} ")]
    done["renamed"] = [path for path in done["renamed"] if (folder / path).exists()]
    done["deleted"] = [path for path in done["deleted"] if not (folder / path).exists()]
    return done


def written(folder: pathlib.Path) -> list[str]:
    return [line for content in small.files(folder).values() for line in content.decode().splitlines()]


@pytest.fixture(scope="module")
def born(tmp_path_factory):
    """A template and a service, to be copied for each example."""
    folder = tmp_path_factory.mktemp("born")
    small.Factory(folder).make("orbit")
    return folder


class Example:
    """A copy of both, with its edits."""

    def __init__(self, born: pathlib.Path, folder: str):
        shutil.copytree(born, folder, dirs_exist_ok=True, symlinks=True)
        self.factory = small.Factory.at(pathlib.Path(folder))
        self.path = self.factory.services / "orbit"

    def developer(self, edits: list[tuple]) -> dict:
        done = edit(self.path, edits, "developer")
        small.commit(self.path)
        return done

    def keeper(self, number: str, edits: list[tuple]) -> None:
        edit(self.factory.root / "service_template", edits, f"keeper-{number}", ".j2")
        self.factory.release(number, {})

    @property
    def state(self) -> tuple:
        return small.refs(self.path), small.files(self.path), small.git(self.path, "ls-files", "--stage")


@often
@given(theirs=EDITS, ours=EDITS)
def test_nothing_of_the_developers_is_lost_and_check_mode_has_said_it_all(born, theirs, ours):
    with tempfile.TemporaryDirectory() as folder:
        example = Example(born, folder)
        done = example.developer(ours)
        example.keeper("0.2.0", theirs)
        mine = small.git(example.path, "rev-parse", "HEAD")
        before = example.state, sorted(example.path.rglob("*"))
        foreseen = example.factory.update(example.path, check=True, diff=True)
        assert (example.state, sorted(example.path.rglob("*"))) == before
        real = example.factory.update(example.path, diff=True)
        assert_same(foreseen, real)
        assert small.files(example.path) == applied(before[0][1], foreseen.get("diff", []))
        assert set(done["lines"]) <= set(written(example.path))
        assert [path for path in done["renamed"] if not (example.path / path).exists()] == []
        conflicts = real["report"]["conflicts"]
        event(real["report"]["outcome"], bool(real["report"]["deleted_here"]))
        assert [path for path in done["deleted"] if (example.path / path).exists()] == []
        if conflicts:
            assert small.git(example.path, "rev-parse", "HEAD") == mine
            small.git(example.path, "merge", "--abort")
            assert small.git(example.path, "status", "--porcelain", "--ignored") == ""
        else:
            assert small.git(example.path, "status", "--porcelain", "--ignored") == ""
            small.git(example.path, "merge-base", "--is-ancestor", mine, "HEAD")


def assert_same(foreseen: dict, real: dict) -> None:
    """What check mode said is what was then done."""
    assert real["report"]["outcome"] == {"behind": "updated"}.get(foreseen["report"]["outcome"], foreseen["report"]["outcome"])
    differ = {"outcome", "words", "to_do"}
    assert {key: value for key, value in foreseen["report"].items() if key not in differ} == {
        key: value for key, value in real["report"].items() if key not in differ
    }
    for key in ("changed", "diff"):
        assert foreseen.get(key) == real.get(key), key


def applied(content: dict[str, bytes], diff: list[dict]) -> dict[str, bytes]:
    """The files after what a diff shows."""
    content = dict(content)
    for shown in diff:
        content.pop(shown["before_header"], None)
        if not shown["after_header"].endswith(" (absent)"):
            content[shown["after_header"]] = shown["after"].replace("(an empty file)\n", "").encode()
    return content


@often
@given(theirs=EDITS, ours=EDITS)
def test_updating_twice_is_updating_once(born, theirs, ours):
    with tempfile.TemporaryDirectory() as folder:
        example = Example(born, folder)
        example.developer(ours)
        example.keeper("0.2.0", theirs)
        first = example.factory.update(example.path)
        state = example.state
        second = example.factory.update(example.path)
        assert (second["changed"], example.state) == (False, state)
        assert second["report"]["outcome"] == ("conflicts" if first["report"]["conflicts"] else "current")


@often
@given(releases=st.lists(EDITS, min_size=1, max_size=3))
def test_a_service_never_edited_equals_a_fresh_one(born, releases):
    with tempfile.TemporaryDirectory() as folder:
        example = Example(born, folder)
        for number, edits in enumerate(releases, 2):
            example.keeper(f"0.{number}.0", edits)
            assert example.factory.update(example.path)["report"]["outcome"] == "updated"
        example.path.rename(example.path.with_name("aged"))
        fresh = example.factory.make("orbit")
        assert small.git(fresh, "rev-parse", "HEAD^{tree}") == small.git(fresh.with_name("aged"), "rev-parse", "HEAD^{tree}")
        assert small.files(fresh) == small.files(fresh.with_name("aged"))


@often
@given(first=EDITS, second=EDITS, ours=EDITS, later=EDITS)
def test_version_after_version_the_developers_lines_stay(born, first, second, ours, later):
    """Conflicts are mended by keeping all lines of both sides, as a developer may."""
    with tempfile.TemporaryDirectory() as folder:
        example = Example(born, folder)
        for number, theirs, edits in (("0.2.0", first, ours), ("0.3.0", second, later)):
            done = edit(example.path, edits, f"developer-{number}")
            small.commit(example.path)
            example.keeper(number, theirs)
            if example.factory.update(example.path)["report"]["outcome"] == "conflicts":
                assert small.git(example.path, "diff", "--name-only", "--diff-filter=U")
                small.commit(example.path, "Mend")
            assert set(done["lines"]) <= set(written(example.path))
            assert example.factory.update(example.path)["report"]["outcome"] == "current"
