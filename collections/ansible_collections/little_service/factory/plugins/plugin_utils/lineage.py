# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which commits of a service are the template's own, and which of them what is checked out stands on.

Three-way merging is as good as its base. A base with a developer's line in it would take that line away, so a commit is believed to be the
template's only where its message names its own tree, or where that tree is what the template renders to. And where an update came in as one
squashed commit, git sees no base in it: the answers file tells which one it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ansible_collections.little_service.factory.plugins.plugin_utils import git, registry
from ansible_collections.little_service.factory.plugins.plugin_utils.repository import LOCAL, REMOTE, Record, Refused, Repository
from ansible_collections.little_service.factory.plugins.plugin_utils.template import UnknownVersion


@dataclasses.dataclass(frozen=True)
class Lineage:
    """Where the next commit of the template goes."""

    record: Record
    base: str  # the template's commit that HEAD stands on
    joined: bool  # whether git knows that HEAD stands on it
    parents: list[str]
    restored: bool  # whether the branch was missing


def find(repository: Repository, name: str, render: Callable[[Record], str]) -> Lineage:
    """The template's lineage in a service.

    :param render: makes the tree of an earlier version again, from its record; raises UnknownVersion where it cannot.
    :raises Refused: where that is not known, or where the branch holds what is not the template's.
    """
    record = repository.record("HEAD")
    if record is None:
        raise Refused(
            f"{repository} has no {registry.ANSWERS_FILE} that can be read: it tells what to render. "
            f"Take it back from the last commit that had it: git -C {repository} log -- {registry.ANSWERS_FILE}"
        )
    if record.answers.get("name") != name:
        raise Refused(f"{repository} is the folder of {record.answers.get('name')}, not of {name}. Mend inventories/local/{name}.yml.")
    tips = [commit for commit in (repository.commit(LOCAL), repository.commit(REMOTE)) if commit]
    base = _base(repository, record, tips, render)
    _check_tips(repository, tips, base)
    parents = repository.run("merge-base", "--independent", base, *genuine(repository, "HEAD")[:1], *tips).split()
    return Lineage(record, base, repository.is_ancestor(base, "HEAD"), parents, not repository.commit(LOCAL))


def genuine(repository: Repository, *tips: str) -> list[str]:
    """The template's commits below ``tips``, newest first."""
    form = f"%H %T %(trailers:key={git.TRAILER},valueonly,separator=%x2C)"
    listed = repository.run("log", "--topo-order", f"--grep=^{git.TRAILER}: ", f"--format={form}", *tips, "--").splitlines()
    return [commit for commit, tree, *named in map(str.split, listed) if named == [tree]]


def _base(repository: Repository, record: Record, tips: list[str], render: Callable[[Record], str]) -> str:
    below_head = genuine(repository, "HEAD")
    for commit in dict.fromkeys([*below_head, *(genuine(repository, *tips) if tips else [])]):
        found = repository.record(commit)
        if found and found.version == record.version:
            return commit
    try:
        tree = render(_as_made(repository, record))
    except UnknownVersion as unknown:
        raise Refused(
            f"{repository} names a version of which neither it nor this checkout has the template: {unknown}. Where it was made or updated "
            f"last is the branch template; push that, and type here: git -C {repository} fetch origin template:template"
        ) from None
    for line in repository.run("log", "--topo-order", "--format=%H %T", "HEAD").splitlines():
        if line.endswith(tree):
            return line.split()[0]
    return make(repository, tree, below_head[:1], f"Restore the template at {record.version}")


def _as_made(repository: Repository, record: Record) -> Record:
    """The record with the answers of its last update: those of today may have been changed since."""
    answers = record.answers
    for commit in repository.run("log", "--topo-order", "--format=%H", "HEAD", "--", registry.ANSWERS_FILE).split():
        found = repository.record(commit)
        if found and found.version != record.version:
            break
        answers = found.answers if found else answers
    return Record(record.version, answers)


def _check_tips(repository: Repository, tips: list[str], base: str) -> None:
    for tip in tips:
        known = genuine(repository, tip)
        if tip not in known and not repository.is_ancestor(tip, base):
            last = known[0] if known else base
            push = " && git push --force origin template" if tip == repository.commit(REMOTE) else ""
            raise Refused(
                f"The branch template of {repository} holds commits that update_service.yml did not make. To keep them elsewhere and put "
                f"it back, type there: git branch from-template {tip[:12]} && git branch -f template {last[:12]}{push}"
            )


def make(repository: Repository, tree: str, parents: list[str], message: str) -> str:
    """A commit of the template's."""
    return repository.commit_tree(tree, parents, f"{message}\n\n{git.TRAILER}: {tree}")
