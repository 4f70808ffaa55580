"""What a remote's branch holds, and what of this machine's it does not."""

from __future__ import annotations

import pathlib
import subprocess
import types

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.little_service.factory.plugins.action.service_pushed import ActionModule
from ansible_collections.little_service.factory.plugins.plugin_utils import git


def run(folder: pathlib.Path, *words: str) -> str:
    plain = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *plain, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: pathlib.Path, message: str = "More") -> str:
    run(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")
    return run(folder, "rev-parse", "main")


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """A service whose one commit is at its remote."""
    mine = tmp_path / "mine"
    run(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "bare.git"))
    run(tmp_path, "init", "--quiet", "--initial-branch=main", str(mine))
    run(mine, "remote", "add", "origin", str(tmp_path / "bare.git"))
    commit(mine)
    run(mine, "push", "--quiet", "origin", "main")
    return mine


def look(folder: pathlib.Path, *, check: bool = False, **given) -> dict:
    action = types.SimpleNamespace(_task=types.SimpleNamespace(check_mode=check), _unknown=ActionModule._unknown)
    action._unknown = types.MethodType(ActionModule._unknown, action)
    asked = {"path": str(folder), "branch": "main", "remotes": ["sandbox", "origin"], "commit": "", "push": False, **given}
    return ActionModule._found(action, asked)


def there(folder: pathlib.Path) -> str:
    return run(folder, "ls-remote", "origin", "refs/heads/main").split()[0]


def test_what_is_pushed_is_released(folder):
    assert look(folder) == {"commit": there(folder), "notes": []}


def test_what_is_not_committed_is_told(folder):
    (folder / "file").write_text("")
    assert look(folder)["notes"] == [f"What is not committed in {folder} is not released."]


def test_commits_that_are_only_here_are_refused_or_pushed(folder):
    before, head = there(folder), commit(folder)
    with pytest.raises(AnsibleActionFail, match="is 1 commit ahead of origin") as caught:
        look(folder)
    assert f"-e commit={before}" in str(caught.value)
    assert look(folder, push=True, check=True) == {
        "commit": head, "changed": True, "pushed": True, "notes": ["1 commit of main would be pushed to origin."],
    }  # fmt: skip
    assert there(folder) == before
    assert look(folder, push=True)["pushed"]
    assert there(folder) == head


def others(folder: pathlib.Path) -> str:
    """Somebody else pushes a commit."""
    theirs = folder.parent / "theirs"
    run(folder.parent, "clone", "--quiet", str(folder.parent / "bare.git"), str(theirs))
    head = commit(theirs, "Theirs")
    run(theirs, "push", "--quiet", "origin", "main")
    return head


def test_what_others_pushed_since_is_released_and_told(folder):
    head = others(folder)
    assert look(folder) == {"commit": head, "notes": ["origin/main has 1 commit that are not here; they are released too."]}


def test_where_both_went_on_nothing_is_pushed_over_the_others_work(folder):
    head = others(folder)
    commit(folder)
    with pytest.raises(AnsibleActionFail, match="1 commit ahead"):
        look(folder)
    with pytest.raises(git.GitError, match="rejected"):
        look(folder, push=True)
    assert there(folder) == head


def test_a_first_push_makes_the_branch(folder):
    run(folder.parent, "init", "--quiet", "--bare", str(folder.parent / "sandbox.git"))
    run(folder, "remote", "add", "sandbox", str(folder.parent / "sandbox.git"))
    with pytest.raises(AnsibleActionFail, match="1 commit ahead of sandbox"):
        look(folder)
    assert look(folder, push=True)["pushed"]


def test_a_commit_is_known_by_its_first_letters(folder):
    head = commit(folder)
    assert look(folder, commit=head[:9].upper()) == {"commit": head}
    assert look(folder.parent / "nowhere", commit="A" * 40) == {"commit": "a" * 40}
    with pytest.raises(AnsibleActionFail, match="knows none that begins so"):
        look(folder, commit="0123456")


def test_where_nothing_can_be_compared_nothing_is_refused_but_a_push(folder):
    run(folder, "remote", "remove", "origin")
    assert "has no git remote sandbox or origin" in look(folder)["notes"][0]
    assert "is not on this machine" in look(folder.parent / "nowhere")["notes"][0]
    with pytest.raises(AnsibleActionFail, match="Nothing can be pushed"):
        look(folder.parent / "nowhere", push=True)
