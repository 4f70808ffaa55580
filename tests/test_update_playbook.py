"""`update_service.yml` as it is typed: the real template in a clone of this repository, several services, check mode, the report."""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest
import yaml

from tests import small
from tests.conftest import copy_of_this_repository, run
from tests.small import commit, git
from tests.test_new_service import snapshot
from tests.test_new_service_faults import HOOK

BEGINNING, END = "# begins\n", "# ends\n"


class Checkout:
    """A clone of this repository in which services are made and updated."""

    def __init__(self, folder: pathlib.Path):
        self.path = folder
        folder.mkdir()
        copy_of_this_repository(folder)
        git(folder, "init", "-q", "-b", "main")
        self.commit()

    def commit(self) -> str:
        git(self.path, "add", "--all")
        git(self.path, *small.plain_git.as_user(self.path), "commit", "-q", "-m", "The template")
        return git(self.path, "rev-parse", "HEAD")

    def type(self, verb: str, *options: object, env: dict[str, str] | None = None):
        return run("ansible-playbook", f"{verb}.yml", *options, cwd=self.path, **(env or {}))

    def make(self, *names: str) -> list[pathlib.Path]:
        for name in names:
            made = self.type("new_service", "-e", f"name={name}")
            assert made.status == 0, made.output
        return [self.path / "services" / name for name in names]

    def change(self, name: str, old: str, new: str) -> None:
        file = self.path / "service_template" / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout(tmp_path_factory.mktemp("keeper") / "little-service")


@pytest.fixture(scope="module")
def fleet(checkout):
    """Four services of this machine and one of another, an update, and what the commands said of it."""
    clean, conflicting, dirty, _ = checkout.make("clean", "conflicting", "dirty", "untouched")
    for path in (clean, conflicting):
        (path / "server/manage.py").write_text((path / "server/manage.py").read_text() + END)
        (path / ".editorconfig").unlink()
        (path / "docs/mine.md").write_text("# Mine\n")
        commit(path)
    (conflicting / ".gitignore").write_text("/mine\n")
    commit(conflicting)
    (dirty / "Makefile").write_text("mine:\n")
    known = {"services": {"hosts": {"elsewhere": {"ansible_connection": "local", "service_name": "elsewhere"}}}}
    (checkout.path / "inventories/sandbox/elsewhere.yml").write_text(yaml.safe_dump(known))
    checkout.change("server/manage.py", "\n", f"\n{BEGINNING}")
    (checkout.path / "service_template/.gitignore").write_text("/theirs\n")
    (checkout.path / "service_template/.editorconfig").write_text("root = false\n")
    newest = checkout.commit()
    before = snapshot(checkout.path / "services")
    foreseen = checkout.type("update_service", "--check", "--diff", "-e", f"output={checkout.path}/foreseen.json")
    assert snapshot(checkout.path / "services") == before
    real = checkout.type("update_service", "--diff", "-e", "output=real.json")
    return {"newest": newest, "foreseen": foreseen, "real": real}


def report(checkout, name):
    return {told["name"]: told for told in json.loads((checkout.path / name).read_text())["services"]}


def test_one_service_that_fails_stops_no_other_and_each_has_its_line_at_the_end(checkout, fleet):
    result = fleet["real"]
    assert result.status == 2, result.output
    short = fleet["newest"][:12]
    oldest = git(checkout.path, "rev-parse", "HEAD~1")[:12]
    left_out = "changed in the template, deleted here, and so left out: .editorconfig"
    for words in (
        f"clean updated from 0.1.0 ({oldest}) to 0.1.0 ({short}), 3 files; {left_out}",
        "conflicting conflicts in .gitignore",
        "changes that are not committed (Makefile). Commit them, or type: git -C",
        "elsewhere not on this machine, so left alone",
        "untouched updated from",
    ):
        assert words in result.words.partition("service outcome words")[2], (words, result.output)
    services = checkout.path / "services"
    manage = (services / "clean/server/manage.py").read_text()
    assert BEGINNING in manage
    assert manage.endswith(END)
    assert (services / "clean/docs/mine.md").exists()
    assert not (services / "clean/.editorconfig").exists()
    assert "<<<<<<< HEAD" in (services / "conflicting/.gitignore").read_text()
    assert (services / "dirty/Makefile").read_text() == "mine:\n"
    assert sorted(path.name for path in services.iterdir()) == ["clean", "conflicting", "dirty", "untouched"]


def test_check_mode_has_foreseen_it_exactly_and_changed_nothing(checkout, fleet):
    assert fleet["foreseen"].status == 2
    assert fleet["foreseen"].changed == fleet["real"].changed == 3
    foreseen, real = report(checkout, "foreseen.json"), report(checkout, "real.json")
    assert {name: told["outcome"] for name, told in foreseen.items()} == {
        "clean": "behind", "conflicting": "conflicts", "dirty": "failed", "elsewhere": "elsewhere", "untouched": "behind",
    }  # fmt: skip
    in_other_words = {"outcome": "", "words": "", "to_do": []}
    for name in ("clean", "conflicting", "untouched"):
        assert {**foreseen[name], **in_other_words} == {**real[name], **in_other_words}
    for words in ("+<<<<<<< HEAD", "+>>>>>>> template", f"+{BEGINNING.strip()}"):
        assert words in fleet["foreseen"].output
        assert words in fleet["real"].output


def test_the_report_tells_a_program_what_is_behind(checkout, fleet):
    told = report(checkout, "foreseen.json")["clean"]
    assert told["to"] == {"version": "0.1.0", "commit": fleet["newest"]}
    assert [change.split(" ", 1)[1] for change in told["behind"]["changes"]] == ["The template"]
    assert told["files"] == [".gitignore", ".little-service.yml", "server/manage.py"]
    assert told["deleted_here"] == [".editorconfig"]


def test_a_service_never_edited_equals_a_fresh_one_and_a_second_run_changes_nothing(checkout, fleet):
    again = checkout.type("update_service", "-e", "name=Untouched,clean")
    assert (again.status, again.changed) == (0, 0), again.output
    assert f"untouched current 0.1.0 ({fleet['newest'][:12]})" in again.words
    aged = checkout.path / "services/untouched"
    aged.rename(aged.with_name("aged"))
    made = checkout.type("new_service", "-e", "name=untouched")
    assert made.status == 0, made.output
    assert git(aged, "rev-parse", "HEAD^{tree}") == git(aged.with_name("aged"), "rev-parse", "HEAD^{tree}")
    assert small.files(aged) == small.files(aged.with_name("aged"))
    subprocess.run(["rm", "-r", aged.with_name("aged")], check=True)


def test_a_run_after_conflicts_goes_on_where_it_stood(checkout, fleet):
    path = checkout.path / "services/conflicting"
    still = checkout.type("update_service", "--limit", "conflicting")
    assert (still.status, still.changed) == (2, 0)
    assert f"git -C {path} add --all -- .gitignore && git -C {path} commit" in still.words
    (path / ".gitignore").write_text("/mine\n/theirs\n")
    commit(path)
    after = checkout.type("update_service", "-e", "name=conflicting")
    assert (after.status, after.changed) == (0, 0), after.output


@pytest.mark.parametrize("name", ["elsewhere", "never-made"])
def test_a_service_that_was_asked_for_and_is_not_here_is_an_error_with_the_cure(checkout, fleet, name):
    result = checkout.type("update_service", "-e", f"name={name}")
    assert result.status != 0
    assert f"ansible-playbook new_service.yml -e name={name}" in result.words
    assert "Traceback" not in result.output


# Of an orphan the worker lives on, and ends what it began.
@pytest.mark.parametrize(("kind", "kills"), [("kill", (12, 25, 38)), ("orphan", (20,))])
def test_a_playbook_that_is_killed_is_run_again(checkout, tmp_path, kind, kills):
    (path,) = checkout.make(f"victim-{kind}")
    (path / "server/manage.py").write_text((path / "server/manage.py").read_text() + END)
    commit(path)
    checkout.change("Makefile.j2", "help:", f"help: # {kind}")
    checkout.commit()
    counter = tmp_path / "touches"
    counter.write_bytes(b"")
    for point in kills:
        faults = {**HOOK, "FAULT_UNDER": str(path.parent), "FAULT_COUNT": str(counter), "FAULT_AT": str(point), "FAULT_KIND": kind}
        killed = checkout.type("update_service", "-e", f"name={path.name}", env=faults)
        assert killed.status != 0, (point, killed.output)
        counter.write_bytes(b"")
    again = checkout.type("update_service", "-e", f"name={path.name}")
    assert again.status == 0, again.output
    assert checkout.type("update_service", "-e", f"name={path.name}").changed == 0
    assert f"help: # {kind}" in (path / "Makefile").read_text()
    assert (path / "server/manage.py").read_text().endswith(END)
    assert git(path, "status", "--porcelain", "--ignored") == ""


def test_without_a_single_service_there_is_nothing_to_update(tmp_path):
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("services:\n  hosts: {}\n")
    result = run("ansible-playbook", "-i", inventory, "update_service.yml")
    assert result.status == 0, result.output
