# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service's repository: what it holds, and whether something may be merged into it. Reads only."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import re
from collections.abc import Iterable

import yaml
from ansible_collections.little_service.factory.plugins.plugin_utils import git, registry
from ansible_collections.little_service.factory.plugins.plugin_utils.template import Version

LOCAL, REMOTE = f"refs/heads/{git.TEMPLATE_BRANCH}", f"refs/remotes/origin/{git.TEMPLATE_BRANCH}"
# What git keeps while something is unfinished, with the words for it and the command that ends it.
_UNFINISHED = (
    ("rebase-merge", "a rebase", "git rebase --continue, or git rebase --abort"),
    ("rebase-apply", "a rebase or git am", "git rebase --continue, or git rebase --abort (git am --abort)"),
    ("CHERRY_PICK_HEAD", "a cherry-pick", "git cherry-pick --continue, or git cherry-pick --abort"),
    ("REVERT_HEAD", "a revert", "git revert --continue, or git revert --abort"),
    ("BISECT_LOG", "a bisection", "git bisect reset"),
)


class Refused(Exception):
    """Nothing may be done here as it is. Its text says why and what to type."""


@dataclasses.dataclass(frozen=True)
class Record:
    """The answers file: what a service was made with, and from which version of the template."""

    version: Version
    answers: dict


class Repository:
    """git in one folder.

    :param keep: descriptors that git holds open too, so that a lock lasts as long as the last writer.
    :param objects: where new objects go, so that the repository itself is left as it is; None is into it.
    """

    def __init__(self, folder: pathlib.Path, keep: Iterable[int] = (), objects: pathlib.Path | None = None):
        self.folder = folder
        self._keep = tuple(keep)
        self._objects = objects

    def __str__(self) -> str:
        return str(self.folder)

    def raw(self, *arguments: str, given: bytes | None = None, fine: Iterable[int] = (0,), **variables: object) -> bytes:
        """What a git command prints. :param fine: the statuses with which it may end."""
        environment = {**self._elsewhere(), **{key: str(value) for key, value in variables.items()}}
        done = git.call(self.folder, *arguments, keep=self._keep, variables=environment, given=given)
        if done.returncode not in fine:
            raise git.refusal(self.folder, arguments, done)
        return done.stdout

    def run(self, *arguments: str, **more) -> str:
        return os.fsdecode(self.raw(*arguments, **more)).strip()

    def listed(self, *arguments: str, **more) -> list[str]:
        """What a command with -z prints."""
        return [part for part in os.fsdecode(self.raw(*arguments, **more)).split("\0") if part]

    def holds(self, *arguments: str) -> bool:
        """Whether a command succeeds."""
        return git.call(self.folder, *arguments, keep=self._keep, variables=self._elsewhere()).returncode == 0

    def _elsewhere(self) -> dict[str, str]:
        if self._objects is None:
            return {}
        # In quotes the path may hold a colon: https://git-scm.com/docs/git#Documentation/git.txt-GITALTERNATEOBJECTDIRECTORIES
        theirs = str(self.common / "objects").replace("\\", "\\\\").replace('"', '\\"')
        return {"GIT_OBJECT_DIRECTORY": str(self._objects), "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{theirs}"'}

    @functools.cached_property
    def common(self) -> pathlib.Path:
        """Where branches and objects are, in a worktree those of its main one."""
        return pathlib.Path(git.run(self.folder, "rev-parse", "--path-format=absolute", "--git-common-dir"))

    @functools.cached_property
    def own(self) -> pathlib.Path:
        """Where HEAD and the index are."""
        return pathlib.Path(git.run(self.folder, "rev-parse", "--absolute-git-dir"))

    def commit(self, name: str) -> str:
        """The id of a commit, empty where there is none."""
        return self.run("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}", fine=(0, 1))

    def tree(self, commit: str) -> str:
        return self.run("rev-parse", f"{commit}^{{tree}}")

    def commit_tree(self, tree: str, parents: Iterable[str], message: str) -> str:
        """Make a commit, on no branch yet."""
        above = [word for parent in parents for word in ("-p", parent)]
        return self.run(*git.as_user(self.folder), "commit-tree", tree, *above, "-m", message)

    def is_ancestor(self, older: str, younger: str) -> bool:
        return self.holds("merge-base", "--is-ancestor", older, younger)

    def record(self, commit: str) -> Record | None:
        """The answers file as it was committed; None where there is none, or none that can be read."""
        try:
            content = yaml.safe_load(self.raw("show", f"{commit}:{registry.ANSWERS_FILE}"))
            version, answers = content["template"], dict(content["answers"])
            return Record(Version(str(version["version"]), str(version["commit"] or "")), answers)
        except (git.GitError, ValueError, yaml.YAMLError, KeyError, TypeError):
            return None


def check_kind(repository: Repository, name: str) -> None:
    """:raises Refused: where the folder is not the top of a repository, or git is too old."""
    folder = repository.folder
    if not (folder / ".git").exists():
        raise Refused(f"{folder} is not a git repository. Clone {name} there, or put its .git back.")
    found = re.search(r"\d+\.\d+", git.run(folder, "version"))
    if tuple(map(int, found[0].split("."))) < (2, 38):
        raise Refused(f"This machine has git {found[0]}; 2.38 or newer is needed, as Debian 12 and Ubuntu 24.04 have it.")


def check_ready(repository: Repository, branch: str, halfway: frozenset[str] = frozenset()) -> None:
    """:raises Refused: where nothing may be merged into what is checked out.

    :param branch: the service's branch, to be typed where none is checked out.
    :param halfway: files that an interrupted run of ours changed.
    """
    there = repository.folder
    current = repository.run("symbolic-ref", "--quiet", "--short", "HEAD", fine=(0, 1))
    if not repository.commit("HEAD"):
        raise Refused(f"{there} has no commit yet. Make one, then run this again.")
    if current in ("", git.TEMPLATE_BRANCH):
        on = f"the branch {current}, which holds what the template makes" if current else "no branch (a detached HEAD)"
        raise Refused(f"{there} is on {on}. Type: git -C {there} switch {branch}, and run this again.")
    for file, what, cure in _UNFINISHED:
        if (repository.own / file).exists():
            raise Refused(f"{what} is unfinished in {there}. Type there: {cure}; then run this again.")
    if f"branch {LOCAL}" in repository.run("worktree", "list", "--porcelain").splitlines():
        raise Refused(f"A worktree of {there} has the branch template checked out. See: git -C {there} worktree list; remove that one.")
    changed = sorted(set(changes(repository)) - halfway)
    if changed:
        shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
        raise Refused(
            f"{there} has changes that are not committed ({shown}). Commit them, or type: git -C {there} stash; and run this again."
        )


def changes(repository: Repository) -> list[str]:
    """The tracked files that differ from HEAD, in the index or on disk."""
    found = repository.listed("status", "--porcelain", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=none")
    return [line[3:] for line in found]
