# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a merge would make, foreseen by git itself without touching a file: https://git-scm.com/docs/git-merge-tree"""

from __future__ import annotations

import dataclasses
import os
import pathlib

from ansible_collections.little_service.factory.plugins.plugin_utils.repository import Repository

# What a user's own settings would have `git merge` and `git merge-tree` do differently from each other, or from one machine to the next.
SETTINGS = ("-c", "merge.renames=true", "-c", "merge.directoryRenames=conflict", "-c", "rerere.enabled=false")
_WITH_CONTENT = ("100644", "100755", "120000")  # a submodule has none here


@dataclasses.dataclass(frozen=True)
class Merge:
    """A merge that was not made yet."""

    tree: str  # what the files would be, git's markers included
    written: str  # what `git merge` writes, before we leave out what the developer deleted
    conflicts: list[str]
    said: list[str]  # git's own words on the conflicts
    left_out: list[str]  # what the template would change and the developer deleted: it stays so


def foresee(repository: Repository, ours: str, theirs: str, scratch: pathlib.Path) -> Merge:
    """What merging ``theirs`` into ``ours`` would make. The two names are those in git's markers."""
    asked = ("merge-tree", "--write-tree", "-z", "--messages", ours, theirs)
    answered = os.fsdecode(repository.raw(*SETTINGS, *asked, fine=(0, 1))).split("\0")
    end = answered.index("")
    unmerged = _stages(answered[1:end])
    left_out = deleted_here(unmerged)
    conflicts = sorted(set(unmerged) - set(left_out))
    said = [words for paths, kind, words in _messages(answered[end + 1 :]) if "CONFLICT" in kind and set(paths) & set(conflicts)]
    return Merge(_without(repository, answered[0], left_out, scratch), answered[0], conflicts, said, left_out)


def unmerged(repository: Repository) -> dict[str, set[int]]:
    """The stages of each file of the index that git could not merge."""
    return _stages(repository.listed("ls-files", "--unmerged", "-z"))


def deleted_here(stages: dict[str, set[int]]) -> list[str]:
    """The files that the template changed or renamed and the developer deleted: of those git has no stage 2, "ours"."""
    return sorted(path for path, found in stages.items() if found == {1, 3})


def _stages(entries: list[str]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for entry in entries:
        about, _, path = entry.partition("\t")
        found.setdefault(path, set()).add(int(about.split()[2]))
    return found


def _messages(fields: list[str]):
    """Of each message its paths, its kind and its words."""
    while len(fields) > 1:
        count = int(fields[0])
        yield fields[1 : count + 1], fields[count + 1], fields[count + 2].strip()
        fields = fields[count + 3 :]


def _without(repository: Repository, tree: str, paths: list[str], scratch: pathlib.Path) -> str:
    if not paths:
        return tree
    index = scratch / "index-without"
    repository.run("read-tree", tree, GIT_INDEX_FILE=index)
    given = "".join(f"{path}\0" for path in paths)
    repository.run("update-index", "--force-remove", "-z", "--stdin", given=os.fsencode(given), GIT_INDEX_FILE=index)
    return repository.run("write-tree", GIT_INDEX_FILE=index)


def in_the_way(repository: Repository, tree: str) -> list[str]:
    """What is not git's and lies where ``tree`` has a file that HEAD has not. git itself would write over what it ignores."""
    found = set()
    for path in changed(repository, "HEAD", tree, "--diff-filter=A"):
        place = pathlib.PurePosixPath(path)
        for part in (place, *place.parents[:-1]):
            there = repository.folder / part
            if (there.is_symlink() or there.exists()) and (part == place or there.is_symlink() or not there.is_dir()):
                found |= set(repository.listed("ls-files", "--others", "-z", "--", f":(literal){part}"))
    return sorted(found)


def changed(repository: Repository, old: str, new: str, *more: str) -> list[str]:
    """The paths in which two trees differ."""
    return repository.listed("diff-tree", "-r", "-z", "--no-renames", "--name-only", *more, old, new)


def differences(repository: Repository, old: str, new: str) -> list[dict]:
    """The same as Ansible shows them, file by file."""
    fields = repository.listed("diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", old, new)
    entries = [(*about.lstrip(":").split()[:4], path) for about, path in zip(fields[::2], fields[1::2], strict=True)]
    sides = [side for entry in entries for side in zip(entry[:2], entry[2:4], strict=True)]
    texts = contents(repository, {oid for mode, oid in sides if mode in _WITH_CONTENT})
    return [
        {
            "before": _shown(texts, before, mode_before, mode_after),
            "after": _shown(texts, after, mode_after, mode_before),
            "before_header": path if mode_before.strip("0") else f"{path} (absent)",
            "after_header": path if mode_after.strip("0") else f"{path} (absent)",
        }
        for mode_before, mode_after, before, after, path in entries
    ]


def _shown(texts: dict[str, bytes], oid: str, mode: str, other_mode: str) -> str:
    if not mode.strip("0"):
        return ""
    text = texts.get(oid, oid.encode()).decode("utf-8", errors="replace") or "(an empty file)\n"
    return f"(mode {mode})\n{text}" if other_mode.strip("0") and mode != other_mode else text


def contents(repository: Repository, oids: set[str]) -> dict[str, bytes]:
    """The content of each object, asked of one git."""
    asked, found, start = sorted(oids), {}, 0
    output = repository.raw("cat-file", "--batch", given="".join(f"{oid}\n" for oid in asked).encode())
    for oid in asked:
        end = output.index(b"\n", start)
        size = int(output[start:end].split()[2])
        found[oid] = output[end + 1 : end + 1 + size]
        start = end + 2 + size
    return found
