# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The template's version, and the template as it was at an earlier one, from this repository's history.

A version is a number, for people, and the last commit that changed the template, from which it can be rendered again.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re

import yaml
from ansible_collections.little_service.factory.plugins.plugin_utils import git

FOLDER = "service_template"
# What is left out with each part is told by the role's variables.
PARTS_FILE, PARTS = "roles/service_repository/vars/main.yml", "__service_repository_parts"
PATHS = (FOLDER, PARTS_FILE)
NUMBER_FILE = "collections/ansible_collections/little_service/factory/galaxy.yml"
DIRTY = "-dirty"  # as `git describe --dirty` has it: with changes that are not committed


class UnknownVersion(Exception):
    """A version that this repository's history does not hold. Its text says what to type."""


@dataclasses.dataclass(frozen=True)
class Version:
    """As the answers file of a service names it."""

    number: str
    commit: str  # empty where it is not known: an unpacked archive, or nothing committed yet

    def __str__(self) -> str:
        return f"{self.number} ({self.sha[:12] or 'no commit known'}{DIRTY if self.commit.endswith(DIRTY) else ''})"

    @property
    def sha(self) -> str:
        return self.commit.removesuffix(DIRTY)

    @property
    def can_be_had_again(self) -> bool:
        return bool(self.commit) and not self.commit.endswith(DIRTY)

    @property
    def order(self) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", self.number)]


def today(root: pathlib.Path) -> Version:
    """The version of the template as it lies in ``root``."""
    number = yaml.safe_load((root / NUMBER_FILE).read_text(encoding="utf-8"))["version"]
    if not _is_repository(root):
        return Version(number, "")
    commit = git.run(root, "log", "-1", "--format=%H", "--", *PATHS)
    changed = git.run(root, "status", "--porcelain", "--", *PATHS)
    return Version(number, f"{commit}{DIRTY}" if commit and changed else commit)


def check(root: pathlib.Path, version: Version, whose: str) -> None:
    """:raises UnknownVersion: where the template in ``root`` is not that version or a later one."""
    if version.sha and _is_repository(root):
        if git.call(root, "merge-base", "--is-ancestor", version.sha, "HEAD").returncode:
            raise UnknownVersion(
                f"{whose} names the template's version {version}, which the history of {root} does not hold. "
                f"Type: git -C {root} pull (in a shallow clone: git -C {root} fetch --unshallow), and run this again."
            )
    elif version.order > today(root).order:
        raise UnknownVersion(f"{whose} names the template's version {version}, and {root} holds {today(root)}. Fetch a newer one.")


def between(root: pathlib.Path, old: Version, new: Version) -> dict[str, list[str]]:
    """The numbers that the version took after ``old``, and the changes of the template, oldest first."""
    if not (old.sha and new.sha and _is_repository(root)):
        return {"versions": [new.number] if new.number != old.number else [], "changes": []}
    bumps = git.run(root, "log", "--reverse", "--format=", "--patch", "--unified=0", f"{old.sha}..HEAD", "--", NUMBER_FILE)
    numbers = re.findall(r"^\+version: *[\"']?([^\s\"']+)", bumps, re.MULTILINE)
    changes = git.run(root, "log", "--reverse", "--no-merges", "--format=%h %s", f"{old.sha}..{new.sha}", "--", *PATHS)
    return {"versions": [number for number in dict.fromkeys(numbers) if number != old.number], "changes": changes.splitlines()}


def at(root: pathlib.Path, version: Version, folder: pathlib.Path) -> tuple[pathlib.Path, dict[str, list[str]]]:
    """Put the template as it was into ``folder``; returns where it is, and its parts.

    :raises UnknownVersion: where that cannot be had.
    """
    if not version.can_be_had_again or not _is_repository(root):
        raise UnknownVersion(f"the template's version {version} cannot be had again")
    (folder / "tree").mkdir(parents=True)
    apart = {"GIT_INDEX_FILE": str(folder / "index"), "GIT_WORK_TREE": str(folder / "tree")}
    try:
        git.run(root, "checkout", version.commit, "--", *PATHS, variables=apart)
        parts = yaml.safe_load((folder / "tree" / PARTS_FILE).read_text(encoding="utf-8"))[PARTS]
    except (git.GitError, OSError, KeyError) as error:
        raise UnknownVersion(f"the template's version {version} cannot be had again: {error}") from None
    return folder / "tree" / FOLDER, parts


def _is_repository(root: pathlib.Path) -> bool:
    """Whether ``root`` is a repository with commits, and not a folder of another one."""
    done = git.call(root, "rev-parse", "--show-toplevel", "--verify", "HEAD")
    return done.returncode == 0 and pathlib.Path(done.stdout.decode().splitlines()[0]) == root.resolve()
