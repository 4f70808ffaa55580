"""Where an update is refused, and where it must not be: unready working trees, files in the way, other people's settings, odd files."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import subprocess

import pytest

from tests import small
from tests.small import CODE, NEWER, assert_refused, assert_updated, commit, git

AS_ADA = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


@pytest.fixture
def ready(factory, orbit):
    """A service with an update to come."""
    factory.release("0.2.0", NEWER)
    return orbit


def diverged(path, text="theirs\n"):
    """A branch `other` that cannot be merged, picked or rebased without a conflict."""
    git(path, "switch", "-q", "-c", "other")
    (path / "worker.txt").write_text(text)
    commit(path)
    git(path, "switch", "-q", "main")
    (path / "worker.txt").write_text("mine\n")
    commit(path)


def stopped(path, *arguments):
    """A git command that ends in a conflict."""
    done = subprocess.run(["git", *AS_ADA, *arguments], cwd=path, capture_output=True, check=False)
    assert done.returncode != 0, done.stdout


@pytest.mark.parametrize("stage", [True, False])
def test_changes_that_are_not_committed_are_refused_with_their_names(factory, ready, stage):
    (ready / "worker.txt").write_text("half\n")
    if stage:
        git(ready, "add", "worker.txt")
    assert_refused(factory, ready, "changes that are not committed (worker.txt)", f"git -C {ready} stash")
    git(ready, "stash", "-q")
    assert_updated(factory.update(ready), ready)


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        (("merge", "other"), "A merge is unfinished"),
        (("cherry-pick", "other"), "a cherry-pick is unfinished"),
        (("rebase", "other"), "a rebase is unfinished"),
        (("revert", "--no-edit", "main~1"), "a revert is unfinished"),
    ],
)
def test_what_is_unfinished_is_refused_with_the_way_out(factory, ready, begin, words):
    diverged(ready)
    if begin[0] == "revert":
        (ready / "app/code.py").write_text("yours = 1\n" + CODE)
        commit(ready)
        begin = ("revert", "--no-edit", "HEAD~2")
    stopped(ready, *begin)
    if begin[0] == "rebase":
        assert_refused(factory, ready, "a detached HEAD")
    else:
        assert_refused(factory, ready, words, f"git {begin[0]} --abort")
    git(ready, begin[0], "--abort")
    assert factory.update(ready)["report"]["outcome"] == "updated"


def test_a_bisection_is_refused(factory, ready):
    git(ready, "bisect", "start")
    assert_refused(factory, ready, "a bisection is unfinished", "git bisect reset")


@pytest.mark.parametrize("where", ["--detach", "template"])
def test_only_a_branch_of_the_developers_is_merged_into(factory, ready, where):
    git(ready, "switch", "-q", where)
    assert_refused(factory, ready, "git -C", "switch main")


def test_another_branch_than_main_is_as_good(factory, ready):
    git(ready, "switch", "-q", "-c", "update")
    main = git(ready, "rev-parse", "main")
    result = factory.update(ready)
    assert_updated(result, ready)
    assert result["report"]["words"].endswith("3 files, on the branch update")
    assert git(ready, "rev-parse", "main") == main


def test_the_branch_template_in_a_worktree_of_the_developers_is_not_moved(factory, ready, tmp_path):
    git(ready, "worktree", "add", "-q", tmp_path / "theirs", "template")
    assert_refused(factory, ready, "has the branch template checked out", "worktree list")
    git(ready, "worktree", "remove", tmp_path / "theirs")
    git(ready, "worktree", "add", "-q", "-b", "mine", tmp_path / "mine")
    assert factory.update(tmp_path / "mine", name="orbit")["report"]["outcome"] == "updated"
    assert_updated(factory.update(ready), ready)


@pytest.mark.parametrize(
    ("answers", "words"),
    [(None, "has no .little-service.yml that can be read"), ("answers: [", "that can be read"), ("comet", "is the folder of comet")],
)
def test_without_answers_of_its_own_a_service_is_refused(factory, ready, answers, words):
    file = ready / ".little-service.yml"
    text = file.read_text()
    file.unlink() if answers is None else file.write_text(text.replace("orbit", "comet") if answers == "comet" else answers)
    commit(ready)
    assert_refused(factory, ready, words)


def test_a_folder_that_is_no_repository_of_its_own_is_refused(factory, ready):
    (ready / ".git").rename(ready / "git")
    git(ready.parent, "init", "-q")
    result = factory.update(ready)
    assert (result["report"]["outcome"], f"{ready} is not a git repository" in result["msg"]) == ("failed", True)


@pytest.mark.parametrize("ignored", [True, False])
def test_files_in_the_way_are_named_and_kept(factory, ready, ignored):
    (ready / "docs").mkdir()
    (ready / "docs/new.md").write_text("a secret of mine\n")
    (ready / "docs/beside.md").write_text("mine too\n")
    if ignored:
        (ready / ".git/info/exclude").write_text("docs\n")
    assert_refused(factory, ready, "lie where the template has a file: docs/new.md.")
    (ready / "docs/new.md").rename(ready / "docs/mine.md")
    assert factory.update(ready)["report"]["outcome"] == "updated"
    assert (ready / "docs/mine.md").read_text() == "a secret of mine\n"


def test_a_link_or_a_file_in_place_of_a_folder_is_in_the_way_and_not_followed(factory, ready, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (ready / "docs").symlink_to(outside)
    assert_refused(factory, ready, "lie where the template has a file: docs.")
    assert list(outside.iterdir()) == []
    (ready / "docs").unlink()
    (ready / "docs").write_text("a file\n")
    assert_refused(factory, ready, "lie where the template has a file: docs.")


def test_what_git_does_not_know_stays_where_the_template_makes_a_file_of_a_folder(factory, ready):
    (ready / "app/cache").write_text("mine\n")
    (ready / ".git/info/exclude").write_text("cache\n")
    git(ready, "revert", "--no-edit", "HEAD")
    factory.release("0.3.0", {"app/code.py": None, "app/settings.py.j2": None})
    (factory.root / "service_template/app").rmdir()
    factory.release("0.4.0", {"app": "a file now\n"})
    assert_refused(factory, ready, "lie where the template has a file: app/cache.")
    (ready / "app/cache").unlink()
    assert factory.update(ready)["report"]["outcome"] == "updated"
    assert (ready / "app").read_text() == "a file now\n"


SETTINGS = [
    {"merge.ff": "only"}, {"merge.ff": "false"}, {"branch.main.mergeOptions": "--no-commit --squash"}, {"merge.conflictStyle": "diff3"},
    {"rerere.enabled": "true", "rerere.autoUpdate": "true"}, {"merge.renames": "false", "diff.renames": "false"},
    {"core.quotePath": "true"}, {"commit.gpgSign": "true", "gpg.program": "false"}, {"merge.verifySignatures": "true"},
    {"core.autocrlf": "true"},
    {"merge.autoStash": "true", "status.showUntrackedFiles": "all"}, {"core.hooksPath": "hooks"}, {"core.excludesFile": "everything"},
    {"log.showSignature": "true"}, {"log.follow": "true", "log.date": "iso"}, {"diff.noprefix": "true", "diff.external": "false"},
    {"format.pretty": "full", "log.decorate": "full"}, {"color.ui": "always"}, {"core.fsmonitor": "false", "core.untrackedCache": "true"},
    {"submodule.recurse": "true"}, {"merge.tool": "false", "core.editor": "false"}, {"i18n.logOutputEncoding": "latin1"},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids="+".join)
def test_a_users_own_settings_of_git_change_nothing(factory, orbit, tmp_path, monkeypatch, settings):
    (tmp_path / "hooks").mkdir()
    for hook in ("pre-merge-commit", "pre-commit", "commit-msg", "reference-transaction", "post-checkout"):
        (tmp_path / "hooks" / hook).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "hooks" / hook).chmod(0o755)
    (tmp_path / "everything").write_text("*\n")
    (orbit / "worker.txt").write_text("mine\n")
    git(orbit, "mv", "README.md", "LIESMICH.md")
    commit(orbit)
    factory.release("0.2.0", NEWER)
    for number, (key, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", str(tmp_path / value) if value in ("hooks", "everything") else value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    foreseen = factory.update(orbit, check=True)
    assert (foreseen["report"]["outcome"], foreseen["changed"]) == ("behind", True), foreseen
    updated = factory.update(orbit)
    assert (updated["report"]["outcome"], updated["report"]["files"]) == ("updated", foreseen["report"]["files"]), updated
    assert factory.update(orbit)["report"]["outcome"] == "current"
    monkeypatch.delenv("GIT_CONFIG_COUNT")
    factory.release("0.3.0", {"worker.txt": "theirs\n", "README.md.j2": small.FILES["README.md.j2"] + "more\n"})
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    foreseen = factory.update(orbit, check=True, diff=True)
    real = factory.update(orbit, diff=True)
    assert real["report"]["conflicts"] == ["worker.txt"], real
    assert (real["diff"], real["report"]["said"]) == (foreseen["diff"], foreseen["report"]["said"])
    assert (orbit / "LIESMICH.md").read_text().endswith("more\n")


def test_a_path_with_odd_signs_and_files_of_all_kinds_are_merged(tmp_path):
    """Names that a shell, git or YAML would take for something else; bytes that are no text; modes; links."""
    odd = ["with space.txt", "-dash", "quote'\".txt", "ä 日本.txt", ":(top)magic", "*.glob", "new\nline.txt", "#hash"]
    factory = small.Factory(tmp_path / "a:b 'c'", {**small.FILES, **dict.fromkeys(odd, "x\n" * 9)})
    path = factory.make("orbit")
    for name in odd:
        (path / name).write_text("mine\n" + "x\n" * 9)
    (path / "bytes").write_bytes(bytes(range(256)))
    commit(path)
    source = factory.root / "service_template"
    (source / "picture").write_bytes(bytes(range(255, -1, -1)))
    (source / "link").symlink_to("app/code.py")
    (source / "worker.txt").chmod(0o755)
    factory.release("0.2.0", dict.fromkeys(odd, "x\n" * 9 + "theirs\n"))
    foreseen = factory.update(path, check=True, diff=True)
    real = factory.update(path, diff=True)
    assert real["report"]["outcome"] == "updated", real
    assert foreseen["diff"] == real["diff"]
    assert {name: (path / name).read_text() for name in odd} == dict.fromkeys(odd, "mine\n" + "x\n" * 9 + "theirs\n")
    assert (path / "picture").read_bytes() == bytes(range(255, -1, -1))
    assert (path / "link").readlink() == pathlib.Path("app/code.py")
    assert os.access(path / "worker.txt", os.X_OK)
    assert ("(mode 100644)\n" + "beat\n" * 8, "(mode 100755)\n" + "beat\n" * 8) in [(one["before"], one["after"]) for one in real["diff"]]
    factory.release("0.3.0", dict.fromkeys(odd, "theirs\n"))
    assert sorted(factory.update(path)["report"]["conflicts"]) == sorted(odd)


def test_runs_at_once_on_one_service_wait_for_each_other(factory, ready):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: factory.update(ready), range(4)))
    assert sorted(result["report"]["outcome"] for result in results) == ["current", "current", "current", "updated"], results
    assert git(ready, "rev-list", "--count", "template") == "2"
    assert [path.name for path in ready.parent.iterdir()] == ["orbit"]
