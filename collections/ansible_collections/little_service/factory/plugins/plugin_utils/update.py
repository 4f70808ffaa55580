# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a service up to date with the template: read, plan, apply.

Every step is a whole one: a killed run leaves the branch `template` where it was or with one commit more, and the developer's files as they
were, merged, or noted in the journal as half-written.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

from ansible_collections.little_service.factory.plugins.plugin_utils import git, journal, lineage, merging, tree
from ansible_collections.little_service.factory.plugins.plugin_utils.repository import LOCAL, Record, Refused, Repository, check_ready
from ansible_collections.little_service.factory.plugins.plugin_utils.template import Version


@dataclasses.dataclass(frozen=True)
class Template:
    """What a service is to be rendered from."""

    version: Version
    render: Callable[[dict], list[tree.Entry]]  # from a service's answers
    render_earlier: Callable[[Record, pathlib.Path], list[tree.Entry]]  # the second is a folder to work in
    check: Callable[[Version, str], None]  # raises UnknownVersion where this one is older


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done, or was."""

    record: Record
    head: str
    joined: str  # HEAD, or a commit with the same files that stands on the template's commit that the answers file names
    template: str  # the template's commit, to be on its branch
    restored: bool
    merge: merging.Merge | None  # None where HEAD holds the template's commit already
    forward: bool = False  # HEAD itself is a commit of the template's: no merge is needed
    resumed: bool = False  # the conflicts are those of an earlier run
    moved: bool = False  # the branch `template` is to move

    @property
    def changed(self) -> bool:
        return not self.resumed and (self.moved or self.merge is not None)

    @property
    def outcome(self) -> str:
        if self.resumed or (self.merge and self.merge.conflicts):
            return "conflicts"
        return "updated" if self.merge else "current"


def plan(repository: Repository, name: str, template: Template, scratch: pathlib.Path) -> Plan:
    """What an update would do. Writes nothing but objects, and those where the repository was told to.

    :raises Refused: where nothing may be done as it is.
    """
    unfinished = _unfinished(repository)
    if unfinished:
        return unfinished
    found = repository.record("HEAD")
    check_ready(repository, found.answers.get("branch", "main") if found else "main", journal.halfway(repository))

    def earlier(record: Record) -> str:
        return _stored(repository, template.render_earlier(record, scratch / "earlier"), scratch / "earlier-tree")

    line = lineage.find(repository, name, earlier)
    for record in filter(None, map(repository.record, (line.base, *line.parents))):
        template.check(record.version, str(repository))
    entries = template.render(line.record.answers)
    commit = _template_commit(repository, line, _stored(repository, entries, scratch / "tree"), template.version)
    head = repository.commit("HEAD")
    joined = head if line.joined else _join(repository, head, line)
    begun = Plan(line.record, head, joined, commit, line.restored, None, moved=commit != repository.commit(LOCAL) or joined != head)
    return begun if repository.is_ancestor(commit, joined) else _with_merge(repository, begun, scratch)


def _unfinished(repository: Repository) -> Plan | None:
    """The merge that an earlier run left to the developer."""
    theirs = repository.commit("MERGE_HEAD")
    if not theirs:
        return None
    record = repository.record("HEAD")
    if record is None or theirs not in lineage.genuine(repository, theirs):
        raise Refused(f"A merge is unfinished in {repository}. Type there: git commit, or git merge --abort; then run this again.")
    head = repository.commit("HEAD")
    merge = merging.Merge("", "", sorted(merging.unmerged(repository)), [], [])
    return Plan(record, head, head, theirs, False, merge, resumed=True)


def _stored(repository: Repository, entries: list[tree.Entry], folder: pathlib.Path) -> str:
    """A rendered tree as git's."""
    folder.mkdir(parents=True)
    tree.write(entries, folder)
    apart = {"GIT_WORK_TREE": folder, "GIT_INDEX_FILE": folder.with_name(f"{folder.name}.index")}
    # --force: neither the template's own .gitignore nor the user's may leave out what the template brings.
    repository.run("add", "--all", "--force", ".", **apart)
    return repository.run("write-tree", **apart)


def _template_commit(repository: Repository, line: lineage.Lineage, rendered: str, version: Version) -> str:
    if len(line.parents) == 1 and repository.tree(line.parents[0]) == rendered:
        return line.parents[0]
    return lineage.make(repository, rendered, line.parents, f"Render Little Service's template {version}")


def _join(repository: Repository, head: str, line: lineage.Lineage) -> str:
    """A commit with HEAD's files that tells git which version of the template they hold."""
    message = f"Note that this holds Little Service's template {line.record.version}"
    return repository.commit_tree(repository.tree(head), (head, line.base), message)


def _with_merge(repository: Repository, begun: Plan, scratch: pathlib.Path) -> Plan:
    forward = repository.is_ancestor(begun.joined, begun.template)
    if forward:
        files = repository.tree(begun.template)
        merge = merging.Merge(files, files, [], [], [])
    else:
        merge = merging.foresee(repository, begun.joined, begun.template, scratch)
    blocked = sorted(set(merging.in_the_way(repository, merge.tree)) - journal.halfway(repository))
    if blocked:
        raise Refused(
            f"In {repository} these are not in git and lie where the template has a file: {', '.join(blocked)}. "
            "Move them away, or commit them, and run this again."
        )
    return dataclasses.replace(begun, merge=merge, forward=forward)


def apply(repository: Repository, planned: Plan, version: Version, scratch: pathlib.Path) -> None:
    """Do what was planned.

    :raises GitError: where git does not; what it began is taken back.
    """
    if not planned.changed:
        return
    journal.note(repository)
    try:
        repository.run("update-ref", "-m", "update_service.yml", LOCAL, planned.template)
        if planned.joined != planned.head:
            repository.run("update-ref", "-m", "update_service.yml", "HEAD", planned.joined, planned.head)
        if planned.merge:
            _merge(repository, planned, f"Merge Little Service's template {version}", scratch)
    except git.GitError:
        journal.recover(repository)
        raise
    journal.forget(repository)


def _merge(repository: Repository, planned: Plan, message: str, scratch: pathlib.Path) -> None:
    # A developer's options for merges of this branch, such as --squash, are for the developer's own.
    plain = ("-c", f"branch.{repository.run('symbolic-ref', '--short', 'HEAD')}.mergeOptions=")
    who = git.as_user(repository.folder)
    merge = (*merging.SETTINGS, *plain, *who, "merge", "--quiet", "--no-autostash", "--no-verify-signatures")
    if planned.merge.conflicts:
        # The names in git's markers are those that it is given here.
        journal.note(repository, merging.foresee(repository, "HEAD", git.TEMPLATE_BRANCH, scratch).written)
        said = repository.run(*merge, "--no-ff", "--no-edit", "-m", message, git.TEMPLATE_BRANCH, fine=(0, 1))
        ended_as_foreseen = bool(repository.commit("MERGE_HEAD"))
        journal.drop_deleted(repository)
    else:
        commit = planned.template
        if not planned.forward:
            commit = repository.commit_tree(planned.merge.tree, (planned.joined, planned.template), message)
        journal.note(repository, planned.merge.tree)
        said = repository.run(*merge, "--ff-only", commit)
        ended_as_foreseen = repository.commit("HEAD") == commit
    if not ended_as_foreseen:
        raise git.GitError(f"git merge did not end as it was foreseen in {repository}: {said}")
