"""What an update makes of services as they are found: edited, cloned, squashed, old. On a small template, by the real plugin."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.little_service.factory.plugins.plugin_utils import template

from tests import small
from tests.small import CODE, NEWER, assert_refused, assert_updated, commit, git


def clone(path, *options):
    """The service on another machine, in the place of the first."""
    elsewhere = path.with_name(f"{path.name}.origin")
    path.rename(elsewhere)
    git(path.parent, "clone", "-q", *options, f"file://{elsewhere}", path.name)
    return elsewhere


def test_what_developer_and_template_changed_is_merged_and_told(factory, orbit):
    factory.release("0.2.0", NEWER)
    newest = factory.release("0.3.0", {"docs/other.md": "other\n"})
    result = factory.update(orbit)
    assert_updated(result, orbit)
    told = result["report"]
    assert (told["from"]["version"], told["to"]) == ("0.1.0", {"version": "0.3.0", "commit": newest})
    assert told["behind"]["versions"] == ["0.2.0", "0.3.0"]
    assert [change.split(" ", 1)[1] for change in told["behind"]["changes"]] == ["Release 0.2.0", "Release 0.3.0"]
    assert told["files"] == [".little-service.yml", "app/code.py", "docs/new.md", "docs/other.md"]
    assert git(orbit, "log", "-1", "--format=%s%n%an", "HEAD").splitlines() == [
        f"Merge Little Service's template 0.3.0 ({newest[:12]})", small.plain_git.identity(orbit)[0],
    ]  # fmt: skip


def test_what_is_deleted_stays_deleted_and_what_is_renamed_keeps_its_name(factory, orbit):
    git(orbit, "rm", "-q", "README.md")
    git(orbit, "mv", "app/settings.py", "app/options.py")
    commit(orbit)
    changed = {name: f"{text}more\n" for name, text in small.FILES.items() if name in ("README.md.j2", "app/settings.py.j2")}
    factory.release("0.2.0", changed)
    result = factory.update(orbit)
    assert result["report"]["outcome"] == "updated"
    assert result["report"]["deleted_here"] == ["README.md"]
    assert "changed in the template, deleted here, and so left out: README.md" in result["report"]["words"]
    assert sorted(path.name for path in (orbit / "app").iterdir()) == ["code.py", "options.py"]
    assert (orbit / "app/options.py").read_text().endswith("more\n")
    assert not (orbit / "README.md").exists()


def test_a_conflict_leaves_what_was_deleted_out_and_the_rest_to_the_developer(factory, orbit):
    git(orbit, "rm", "-q", "README.md")
    (orbit / "worker.txt").write_text("mine\n")
    commit(orbit)
    factory.release("0.2.0", {"README.md.j2": "other\n", "worker.txt": "theirs\n" * 8})
    result = factory.update(orbit)
    assert (result["report"]["outcome"], result["report"]["conflicts"], result["report"]["deleted_here"]) == (
        "conflicts",
        ["worker.txt"],
        ["README.md"],
    )
    assert (orbit / "worker.txt").read_text() == "<<<<<<< HEAD\nmine\n=======\n" + "theirs\n" * 8 + ">>>>>>> template\n"
    assert git(orbit, "status", "--porcelain").splitlines() == ["M  .little-service.yml", "UU worker.txt"]
    assert f"  git -C {orbit} add --all -- worker.txt && git -C {orbit} commit" in result["report"]["to_do"]
    again = factory.update(orbit)
    assert (again["report"]["outcome"], again["changed"], again["report"]["conflicts"]) == ("conflicts", False, ["worker.txt"])
    git(orbit, "add", "worker.txt")
    mended = factory.update(orbit)
    assert mended["report"]["words"] == "conflicts that are mended and not committed"
    assert mended["report"]["to_do"] == [f"Type: git -C {orbit} commit"]
    git(orbit, *small.plain_git.as_user(orbit), "commit", "-q", "--no-edit")
    assert factory.update(orbit)["report"]["outcome"] == "current"


def test_an_edit_of_what_the_template_removed_is_a_conflict_and_stays(factory, orbit):
    factory.release("0.2.0", {"app/code.py": None})
    result = factory.update(orbit)
    assert result["report"]["conflicts"] == ["app/code.py"]
    assert (orbit / "app/code.py").read_text() == "mine = 1\n" + CODE


def test_a_merge_that_was_aborted_is_made_again(factory, orbit):
    (orbit / "worker.txt").write_text("mine\n")
    commit(orbit)
    factory.release("0.2.0", {"worker.txt": "theirs\n"})
    first = factory.update(orbit)
    git(orbit, "merge", "--abort")
    again = factory.update(orbit)
    assert again["report"] == first["report"]
    assert git(orbit, "rev-list", "--count", "template") == "2"


@pytest.mark.parametrize("options", [(), ("--single-branch", "--branch=main"), ("--depth=1", "--branch=main")])
def test_a_clone_gets_the_branch_template_back(factory, orbit, options):
    clone(orbit, *options)
    factory.release("0.2.0", NEWER)
    foreseen = factory.update(orbit, check=True)
    result = factory.update(orbit)
    assert_updated(result, orbit)
    assert "its branch template restored" in result["report"]["words"]
    assert "its branch template would be restored" in foreseen["report"]["words"]
    assert git(orbit, "show", "template:app/code.py") + "\n" == NEWER["app/code.py"]
    assert factory.update(orbit)["changed"] is False


@pytest.mark.parametrize("with_branch", [True, False])
def test_an_update_that_came_in_as_one_squashed_commit_is_known_by_its_answers_file(factory, orbit, with_branch):
    git(orbit, "switch", "-q", "-c", "update")
    factory.release("0.2.0", {**NEWER, "worker.txt": "theirs\n" * 8})
    assert factory.update(orbit)["report"]["outcome"] == "updated"
    git(orbit, "switch", "-q", "main")
    git(orbit, "merge", "-q", "--squash", "update")
    commit(orbit, f"Update (#1)\n\n* Render\n\n{git(orbit, 'log', '-1', '--format=%B', 'template')}")
    git(orbit, "branch", "-q", "-D", "update", *([] if with_branch else ["template"]))
    (orbit / "worker.txt").write_text("mine\n" + "theirs\n" * 8)
    commit(orbit)
    factory.release("0.3.0", {"worker.txt": "theirs\n" * 7 + "newer\n"})
    result = factory.update(orbit)
    assert_updated(result, orbit)
    assert (orbit / "worker.txt").read_text() == "mine\n" + "theirs\n" * 7 + "newer\n"
    assert factory.update(orbit)["changed"] is False


def test_where_the_service_has_lost_its_history_the_template_is_rendered_from_this_repositorys(factory, orbit):
    git(orbit, "checkout", "-q", "--orphan", "fresh")
    commit(orbit, "All of it")
    git(orbit, "branch", "-q", "-D", "main", "template")
    git(orbit, "branch", "-q", "-m", "main")
    # An answer that changed since is part of the update, and was not part of what it updates.
    (orbit / ".little-service.yml").write_text((orbit / ".little-service.yml").read_text().replace("A little service.", "Keeps orbits."))
    commit(orbit)
    factory.parts["celery"] = ["docs"]
    factory.release("0.2.0", NEWER)
    assert_updated(factory.update(orbit), orbit)
    assert "Keeps orbits." in (orbit / "README.md").read_text()
    assert factory.update(orbit)["changed"] is False


def test_an_amended_first_commit_is_not_taken_for_the_templates(factory):
    path = factory.make("orbit")
    (path / "app/code.py").write_text("mine = 1\n" + CODE)
    git(path, "add", "--all")
    git(path, *small.plain_git.as_user(path), "commit", "-q", "--amend", "--no-edit")
    git(path, "branch", "-q", "-f", "template", "main")
    factory.release("0.2.0", NEWER)
    assert_refused(factory, path, "branch template", "holds commits that update_service.yml did not make", "git branch -f template")
    git(path, "branch", "-q", "-D", "template")
    assert_updated(factory.update(path), path)


def test_commits_of_a_developers_on_the_branch_template_are_not_merged_away(factory, orbit):
    git(orbit, "branch", "-q", "-f", "template", "main")
    factory.release("0.2.0", NEWER)
    refused = factory.update(orbit)["msg"]
    assert "git branch from-template" in refused
    cure = refused.partition("type there: ")[2]
    subprocess.run(cure, shell=True, cwd=orbit, check=True)  # noqa: S602 the words that a user is told to type
    assert_updated(factory.update(orbit), orbit)


def test_a_template_with_changes_that_are_not_committed_says_so_and_can_be_updated_from(factory):
    factory.write({"docs/new.md": "draft\n"})
    assert str(template.today(factory.root)).endswith("-dirty)")
    path = factory.make("orbit")
    assert "-dirty" in (path / ".little-service.yml").read_text()
    (path / "app/code.py").write_text("mine = 1\n" + CODE)
    commit(path)
    factory.release("0.2.0", NEWER)
    git(path, "branch", "-q", "-D", "template")
    assert_updated(factory.update(path), path)


def test_a_version_that_nothing_holds_any_more_is_refused(factory):
    factory.write({"docs/new.md": "draft\n"})
    path = factory.make("orbit")
    shutil.rmtree(path / ".git")
    git(path, "init", "-q", "-b", "main")
    commit(path)
    assert_refused(
        factory, path, "names a version of which neither it nor this checkout has the template", "fetch origin template:template"
    )


def test_a_service_of_a_newer_template_is_refused_until_this_checkout_is_as_new(factory, orbit):
    factory.release("0.2.0", NEWER)
    factory.update(orbit)
    newest = git(factory.root, "rev-parse", "HEAD")
    git(factory.root, "reset", "-q", "--hard", "HEAD~1")
    assert_refused(factory, orbit, f"0.2.0 ({newest[:12]})", "does not hold", f"git -C {factory.root} pull")
    shutil.rmtree(factory.root / ".git")  # an unpacked archive
    assert_refused(factory, orbit, "holds 0.1.0 (no commit known)", "Fetch a newer one")


def test_without_this_repositorys_history_a_service_with_its_own_is_updated_all_the_same(factory, orbit):
    shutil.rmtree(factory.root / ".git")
    factory.write(NEWER)
    result = factory.update(orbit)
    assert_updated(result, orbit)
    assert (result["report"]["to"]["commit"], result["report"]["behind"]) == ("", {"versions": [], "changes": []})


def test_what_changes_in_this_repository_beside_the_template_is_no_new_version(factory, orbit):
    factory.update(orbit)
    (factory.root / "README.md").write_text("words\n")
    commit(factory.root)
    result = factory.update(orbit)
    assert (result["changed"], result["report"]["outcome"]) == (False, "current")


def test_a_new_question_takes_its_default_and_is_told(factory):
    factory.write({".little-service.yml.j2": small.ANSWERS_FILE.replace("{% for", "{% set _ = service_answers.pop('ci') %}\n{% for")})
    commit(factory.root, "Without the question")
    path = factory.make("orbit")
    assert "ci:" not in (path / ".little-service.yml").read_text()
    factory.release("0.2.0", {})
    result = factory.update(path)
    assert result["report"]["new_answers"] == {"ci": "circleci"}
    assert "new questions answered by default (ci: circleci); to change one" in result["report"]["words"]
    assert 'ci: "circleci"' in (path / ".little-service.yml").read_text()


def test_a_changed_answer_changes_the_service(factory, orbit):
    file = orbit / ".little-service.yml"
    file.write_text(file.read_text().replace("celery: true", "celery: false").replace('"circleci"', '"github"'))
    commit(orbit)
    result = factory.update(orbit)
    assert result["report"]["outcome"] == "updated", result
    assert result["report"]["files"] == [".circleci/config.yml", ".github/ci.yml", "worker.txt"]
    file.write_text(file.read_text().replace('"3.13"', '"2.7"'))
    commit(orbit)
    assert_refused(factory, orbit, "python_version is '2.7'", "Write for example: python_version: 3.12")
