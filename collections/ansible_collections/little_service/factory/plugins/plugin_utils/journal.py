# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an update is about to do to a developer's files, noted beforehand, so that a killed one can be taken back.

git writes file by file, then its index, then the branch. Killed between, it leaves files that belong to neither side, and locks that stop
every other git. The note names the tree that was being written: a file that holds what HEAD has, or the beginning of what that tree has, is
ours to take back; any other is a developer's, and stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib

from ansible_collections.little_service.factory.plugins.plugin_utils import git, merging, staging
from ansible_collections.little_service.factory.plugins.plugin_utils.repository import LOCAL, Refused, Repository

NAME = "little-service-update.json"


def note(repository: Repository, tree: str = "") -> None:
    """Note that ``tree`` is about to be written over HEAD's; without one, that branches are about to change."""
    staging.write_file(repository.own / NAME, json.dumps({"head": repository.commit("HEAD"), "tree": tree}))


def forget(repository: Repository) -> None:
    (repository.own / NAME).unlink(missing_ok=True)


def halfway(repository: Repository) -> frozenset[str]:
    """The files that an interrupted run may have left half-written.

    :raises Refused: where one was changed since, so that taking it back would lose that.
    """
    noted = _noted(repository)
    if not noted or not noted["tree"] or noted["head"] != repository.commit("HEAD") or repository.commit("MERGE_HEAD"):
        return frozenset()
    paths = merging.changed(repository, "HEAD", noted["tree"])
    foreign = [path for path in paths if not _is_ours(repository, path, noted["tree"])]
    if foreign:
        raise Refused(
            f"An update of {repository} was cut short, and since then these files were changed: {', '.join(foreign)}. "
            "Move them out of the folder, run this again, and put back what you need of them."
        )
    return frozenset(paths)


def recover(repository: Repository) -> None:
    """Finish or take back what an interrupted run began. :raises Refused: as `halfway`."""
    if _noted(repository) is None:
        return
    if not _git_is_at_work(repository.folder):
        _unlock(repository)
    paths = halfway(repository)
    if paths:
        _take_back(repository, paths)
    elif repository.commit("MERGE_HEAD") == repository.commit(LOCAL) != "":
        drop_deleted(repository)
    forget(repository)


def drop_deleted(repository: Repository) -> None:
    """Leave deleted what the developer deleted, in a merge that has conflicts."""
    paths = [path for path in merging.deleted_here(merging.unmerged(repository)) if _is_as(repository, path, f":3:{path}")]
    if paths:
        repository.run("rm", "--quiet", "--force", "--", *(f":(literal){path}" for path in paths))


def _noted(repository: Repository) -> dict[str, str] | None:
    try:
        return json.loads((repository.own / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _take_back(repository: Repository, paths: frozenset[str]) -> None:
    repository.run("read-tree", "--reset", "HEAD")
    kept = paths & set(repository.listed("ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD"))
    for path in paths - kept:
        _remove(repository.folder, path)
    given = "".join(f"{path}\0" for path in sorted(kept))
    repository.run("checkout-index", "--force", "--quiet", "-z", "--stdin", given=os.fsencode(given))
    repository.run("update-index", "-q", "--refresh", fine=(0, 1))


def _is_ours(repository: Repository, path: str, tree: str) -> bool:
    """Whether a file is as HEAD has it, or as far as a killed git came with ``tree``."""
    there = _on_disk(repository.folder / path)
    after = _committed(repository, f"{tree}:{path}")
    return there is None or there == _committed(repository, f"HEAD:{path}") or (after is not None and after.startswith(there))


def _is_as(repository: Repository, path: str, name: str) -> bool:
    return _on_disk(repository.folder / path) in (None, _committed(repository, name))


def _on_disk(file: pathlib.Path) -> bytes | None:
    """None where nothing is, or a folder, whose files are looked at one by one."""
    if file.is_symlink():
        return os.fsencode(file.readlink())
    return file.read_bytes() if file.is_file() else None


def _committed(repository: Repository, name: str) -> bytes | None:
    """A file as git would write it to the disk, line ends and the like converted."""
    with contextlib.suppress(git.GitError):
        return repository.raw("cat-file", "--filters", name)
    return None


def _remove(folder: pathlib.Path, path: str) -> None:
    file = folder / path
    with contextlib.suppress(IsADirectoryError, FileNotFoundError, NotADirectoryError):
        file.unlink()
    for parent in pathlib.PurePosixPath(path).parents[:-1]:
        with contextlib.suppress(OSError):  # not empty: a developer's, or HEAD's
            (folder / parent).rmdir()


def _git_is_at_work(folder: pathlib.Path) -> bool:
    """Whether a git that is not ours runs in the folder, as far as Linux tells this user; elsewhere nothing is known, so one may."""
    processes = pathlib.Path("/proc")
    if not processes.is_dir():
        return True
    for process in processes.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "comm").read_text().startswith("git") and (process / "cwd").resolve().is_relative_to(folder.resolve()):
                return True
    return False


def _unlock(repository: Repository) -> None:
    """Remove the locks that a killed git left. No branch can have such a name: https://git-scm.com/docs/git-check-ref-format"""
    for folder in {repository.own, repository.common}:
        for lock in [*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock")]:
            lock.unlink(missing_ok=True)
