# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether all that a developer made in a repository is somewhere else as well. Reads only; the remotes themselves are asked."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

from ansible_collections.little_service.factory.plugins.plugin_utils import git
from ansible_collections.little_service.factory.plugins.plugin_utils.repository import Repository

PATIENCE = 60.0  # seconds for a remote to answer


def missing_elsewhere(repository: Repository) -> list[str]:
    """What would be lost with the folder, in words; empty where nothing would."""
    if not (repository.folder / ".git").exists():
        return ["it is not a git repository, so nothing of it can be elsewhere"]
    return [*_not_committed(repository), *_not_pushed(repository)]


def _not_committed(repository: Repository) -> Iterator[str]:
    found = repository.listed("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=none")
    if found:
        yield f"not committed: {_some([line[3:] for line in found])}"
    if repository.commit("MERGE_HEAD"):
        yield "a merge is unfinished"
    stashes = repository.run("stash", "list").splitlines()
    if stashes:
        yield f"stashed: {_some(stashes)}"
    others = [line for line in repository.run("worktree", "list", "--porcelain").splitlines() if line.startswith("worktree ")][1:]
    if others or repository.own != repository.common:
        yield f"it shares its .git with other worktrees: {_some(others or [str(repository.common)])}"
    if (repository.common / "modules").exists():
        yield "it has submodules, into which this does not look"


def _not_pushed(repository: Repository) -> Iterator[str]:
    remotes = [name for name in repository.run("remote").splitlines() if not _is_inside(repository, name)]
    if not remotes:
        yield "it has no remote"
        return
    there: dict[str, set[str]] = {}
    for remote in remotes:
        try:
            listed = git.run(repository.folder, "ls-remote", "--refs", remote, timeout=PATIENCE).splitlines()
        except git.GitError as error:
            yield f"the remote {remote} cannot be asked ({error})"
            continue
        for oid, name in (line.split("\t") for line in listed):
            there.setdefault(name, set()).add(oid)
    absent = [_short(name) for name, oid in _local(repository) if not _is_there(repository, name, oid, there)]
    if absent:
        yield f"not pushed: {_some(absent)}"


def _local(repository: Repository) -> Iterator[tuple[str, str]]:
    """Everything that a developer can have given a name, HEAD included."""
    if repository.commit("HEAD"):
        yield "HEAD", repository.commit("HEAD")
    for line in repository.run("for-each-ref", "--format=%(objectname) %(refname)").splitlines():
        oid, name = line.split(" ", 1)
        if not name.startswith("refs/remotes/") and name != "refs/stash":
            yield name, oid


def _is_there(repository: Repository, name: str, oid: str, there: dict[str, set[str]]) -> bool:
    """Tags are there by their own names, commits below any name."""
    if oid in there.get(name, ()):
        return True
    if name.startswith("refs/tags/"):
        return False
    given = "".join(f"{known}^{{commit}}\n" for oids in there.values() for known in oids)
    found = repository.run("cat-file", "--batch-check=%(objectname) %(objecttype)", given=given.encode()).splitlines()
    known = [line.split()[0] for line in found if line.endswith(" commit")]
    given = "".join(f"^{commit}\n" for commit in known)
    return not repository.run("rev-list", "--max-count=1", "--stdin", given=f"{oid}\n{given}".encode())


def _is_inside(repository: Repository, remote: str) -> bool:
    """Whether a remote is a folder in the one that is to go."""
    url = repository.run("remote", "get-url", remote).removeprefix("file://")
    return (repository.folder / url).resolve().is_relative_to(repository.folder.resolve()) and (repository.folder / url).exists()


def _short(name: str) -> str:
    for kind, words in (("refs/heads/", "the branch "), ("refs/tags/", "the tag ")):
        if name.startswith(kind):
            return words + name.removeprefix(kind)
    return name


def _some(items: list[str]) -> str:
    return ", ".join(items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")


def mounts_below(folder: pathlib.Path) -> list[str]:
    """What is mounted in a folder: to remove it would be to remove what lies elsewhere. Linux tells; elsewhere there are none for us."""
    try:
        lines = pathlib.Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return []
    # The fifth field, with blanks and the like in octal: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    points = [os.fsdecode(line.split()[4].decode("unicode_escape").encode("latin1")) for line in lines]
    return [point for point in points if pathlib.Path(point).is_relative_to(folder.resolve())]
