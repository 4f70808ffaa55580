"""When a service's folder may go: nothing that is nowhere else goes with it, nothing outside of it goes, and a killed run is completed."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.little_service.factory.plugins.action import service_removal
from ansible_collections.little_service.factory.plugins.plugin_utils import pushed
from ansible_collections.little_service.factory.plugins.plugin_utils.repository import Repository

from tests import small
from tests.small import commit, git
from tests.test_new_service_faults import points
from tests.test_update_faults import dies_at

FACTS = "services:\n  hosts:\n    orbit: {}\n"


@pytest.fixture
def safe(orbit, tmp_path):
    """A service of which all is on its remote."""
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "remote.git"], check=True)
    git(orbit, "remote", "add", "origin", tmp_path / "remote.git")
    git(orbit, "push", "-q", "origin", "--all")
    (orbit / ".git/info/exclude").write_text("*.ignored\n")
    (orbit / "a.ignored").touch()
    for place in ("sandbox", "staging", "production", "local"):
        (tmp_path / "inventories" / place).mkdir(parents=True)
        (tmp_path / "inventories" / place / "orbit.yml").write_text(FACTS)
    return orbit


def remove(path, check=False, **more):
    inventories = path.parent.parent / "inventories"
    given = {"name": path.name, "path": str(path), "inventories": str(inventories), "delete_files": True, "data_may_be_lost": False}
    return small.plugin(service_removal, check, **{**given, **more})


def test_what_is_pushed_and_what_git_ignores_may_go(safe):
    assert pushed.missing_elsewhere(Repository(safe)) == []
    result = remove(safe)
    assert (result["changed"], result["folder"], len(result["files"])) == (True, str(safe), 4)
    assert list(safe.parent.iterdir()) == []


def untracked(path):
    (path / "notes.txt").touch()


def nested(path):
    subprocess.run(["git", "init", "-q", path / "mine"], check=True)
    (path / "mine/file").touch()


def stashed(path):
    (path / "worker.txt").write_text("half\n")
    git(path, *small.plain_git.as_user(path), "stash", "-q")


def branch(path):
    git(path, "switch", "-q", "-c", "idea")
    commit(path)
    git(path, "switch", "-q", "main")


def detached(path):
    git(path, "switch", "-q", "--detach")
    commit(path)


def rewound_remote(path):
    """The remote lost what this clone believes to be there."""
    git(path.parent.parent / "remote.git", "update-ref", "refs/heads/main", git(path, "rev-parse", "main~1"))


def noted(path):
    git(path, *small.plain_git.as_user(path), "notes", "add", "-m", "remember", "HEAD")


LOSSES = [
    (untracked, "not committed: notes.txt"),
    (nested, "not committed: mine/"),
    (lambda path: (path / "worker.txt").write_text("half\n"), "not committed: worker.txt"),
    (lambda path: git(path, "rm", "-q", "worker.txt"), "not committed: worker.txt"),
    (stashed, "stashed: stash@{0}"),
    (branch, "not pushed: the branch idea"),
    (commit, "not pushed: HEAD, the branch main"),
    (detached, "not pushed: HEAD"),
    (lambda path: git(path, "tag", "v1"), "not pushed: the tag v1"),
    (noted, "not pushed: refs/notes/commits"),
    (rewound_remote, "not pushed: HEAD, the branch main"),
    (lambda path: git(path, "worktree", "add", "-q", path.parent / "beside", "template"), "shares its .git with other worktrees"),
    (lambda path: git(path, "remote", "set-url", "origin", path.parent / "nowhere"), "the remote origin cannot be asked"),
    (lambda path: git(path, "remote", "remove", "origin"), "it has no remote"),
    (lambda path: (path / ".git").rename(path / "git"), "it is not a git repository"),
]


@pytest.mark.parametrize(("lose", "words"), LOSSES, ids=[words for _, words in LOSSES])
def test_what_is_nowhere_else_keeps_the_folder_and_the_registration(safe, lose, words):
    lose(safe)
    for check in (True, False):
        with pytest.raises(AnsibleActionFail, match="confirm_data_loss=orbit") as refused:
            remove(safe, check)
        assert words in str(refused.value)
    assert (safe / "app/code.py").exists()
    assert len(list((safe.parent.parent / "inventories").rglob("*.yml"))) == 4
    assert remove(safe, data_may_be_lost=True)["changed"]
    assert not safe.exists()


def test_a_remote_inside_the_folder_is_no_other_place(safe):
    git(safe, "init", "-q", "--bare", safe / "backup.ignored")
    git(safe, "remote", "set-url", "origin", "./backup.ignored")
    git(safe, "push", "-q", "origin", "--all")
    assert pushed.missing_elsewhere(Repository(safe)) == ["it has no remote"]


def test_a_tag_is_pushed_where_the_remote_has_it_by_its_name(safe):
    git(safe, *small.plain_git.as_user(safe), "tag", "-a", "v1", "-m", "words that are nowhere else")
    assert pushed.missing_elsewhere(Repository(safe)) == ["not pushed: the tag v1"]
    git(safe, "push", "-q", "--tags")
    assert pushed.missing_elsewhere(Repository(safe)) == []


def test_commits_are_pushed_whatever_the_branch_is_called_there(safe):
    commit(safe)
    git(safe, "push", "-q", "origin", "main:refs/heads/another")
    assert pushed.missing_elsewhere(Repository(safe)) == []


def test_no_link_is_followed(safe, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine\n")
    (safe / "link.ignored").symlink_to(outside)
    (safe / "app/file.ignored").symlink_to(outside / "precious")
    remove(safe)
    assert (outside / "precious").read_text() == "mine\n"


def test_a_folder_that_is_a_link_is_left_to_its_owner(safe, tmp_path):
    safe.rename(tmp_path / "elsewhere")
    safe.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AnsibleActionFail, match=r"symbolic link to .*elsewhere, and nothing behind a link is removed"):
        remove(safe, data_may_be_lost=True)
    assert (tmp_path / "elsewhere/app/code.py").exists()


@pytest.mark.parametrize("answers", [None, "answers: {name: comet}\n"])
def test_a_folder_that_does_not_say_whose_it_is_stays(safe, answers):
    file = safe / ".little-service.yml"
    file.unlink() if answers is None else file.write_text(answers)
    with pytest.raises(AnsibleActionFail, match="may be something else"):
        remove(safe, data_may_be_lost=True)
    assert (safe / "app/code.py").exists()


def test_what_is_mounted_in_it_stays(safe, tmp_path):
    """In a namespace of its own, so that nothing stays mounted."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").touch()
    (safe / "with space.ignored").mkdir()
    script = 'mount --bind "$1" "$2" && python -m tests.small remove "$3"'
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    words = [tmp_path / "outside", safe / "with space.ignored", safe]
    done = subprocess.run([*namespace, "sh", "-c", script, "sh", *words], capture_output=True, text=True, check=False, **small.BY_ITSELF)
    assert "Something is mounted in" in done.stderr
    assert "with space.ignored. Type: umount" in done.stderr
    assert (tmp_path / "outside/precious").exists()


def test_a_file_that_registers_others_as_well_is_not_removed(safe):
    file = safe.parent.parent / "inventories/staging/orbit.yml"
    file.write_text(FACTS + "    comet: {}\n")
    with pytest.raises(AnsibleActionFail, match="registers comet as well"):
        remove(safe)
    assert (safe / "app/code.py").exists()


@pytest.mark.parametrize("delete", [True, False])
def test_killed_at_any_point_the_next_run_completes_it(safe, tmp_path, delete):
    counter, store = tmp_path / "touches", tmp_path / "store"
    store.mkdir()
    subprocess.run(["cp", "-a", tmp_path / "services", tmp_path / "inventories", store], check=True)

    def again():
        subprocess.run(["rm", "-rf", tmp_path / "services", tmp_path / "inventories"], check=True)
        subprocess.run(["cp", "-a", store / "services", store / "inventories", tmp_path], check=True)

    def killed(point):
        child = os.fork()
        if child == 0:
            dies_at(point, tmp_path, counter)()
            remove(safe, delete_files=delete)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert killed(0) == 0
    total = counter.stat().st_size
    for point in points(total):
        again()
        assert killed(point) == -signal.SIGKILL
        local = tmp_path / "inventories/local/orbit.yml"
        # As long as it is known it can be named; once it is not, nothing of it is left.
        if local.exists():
            assert (safe / "app/code.py").exists() or not safe.exists()
            remove(safe, delete_files=delete)
        assert list((tmp_path / "inventories").rglob("*.yml")) == []
        assert [path.name for path in safe.parent.iterdir()] == ([] if delete else ["orbit"])
