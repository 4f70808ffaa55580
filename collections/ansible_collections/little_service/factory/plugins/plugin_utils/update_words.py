# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an update found or did, for people in a line and for programs in a report."""

from __future__ import annotations

import shlex

from ansible_collections.little_service.factory.plugins.plugin_utils import merging, registry
from ansible_collections.little_service.factory.plugins.plugin_utils.repository import Repository
from ansible_collections.little_service.factory.plugins.plugin_utils.template import Version
from ansible_collections.little_service.factory.plugins.plugin_utils.update import Plan


def report(repository: Repository, planned: Plan, version: Version, *, name: str, behind: dict, new_answers: dict, check: bool) -> dict:
    """One service's entry of the report that `-e output=FILE.json` writes."""
    merge = planned.merge
    outcome = "behind" if check and planned.outcome == "updated" else planned.outcome
    files = merging.changed(repository, planned.joined, merge.tree) if merge and merge.tree else []
    return {
        "name": name,
        "outcome": outcome,
        "branch": repository.run("symbolic-ref", "--quiet", "--short", "HEAD", fine=(0, 1)),
        "from": _told(planned.record.version),
        "to": _told(version),
        "behind": behind if merge else {"versions": [], "changes": []},
        "files": files,
        "conflicts": [shown(planned, path) for path in merge.conflicts] if merge else [],
        "said": [shown(planned, words) for words in merge.said] if merge else [],
        "deleted_here": merge.left_out if merge else [],
        "new_answers": new_answers if merge else {},
    }


def shown(planned: Plan, text: str) -> str:
    """Words of a merge that was foreseen, with the names that the merge itself gives its two sides."""
    return text.replace(planned.template, "template").replace(planned.joined, "HEAD")


def differences(repository: Repository, planned: Plan) -> list[dict]:
    """What Ansible shows with --diff."""
    if planned.merge is None or not planned.merge.tree:
        return []
    found = merging.differences(repository, planned.joined, planned.merge.tree)
    return [{key: shown(planned, text) for key, text in difference.items()} for difference in found]


def words(told: dict, check: bool, *, branch: str, restored: bool) -> str:
    """The line on one service. :param branch: the one that is usually checked out."""
    would = "would be " if check else ""
    said = {
        "current": f"current, {_version(told['from'])}",
        "behind": f"would be updated from {_version(told['from'])} to {_version(told['to'])}, {_count(told['files'])}",
        "updated": f"updated from {_version(told['from'])} to {_version(told['to'])}, {_count(told['files'])}",
        "conflicts": f"{'would have ' if check and told['files'] else ''}conflicts in {', '.join(told['conflicts'])}",
    }[told["outcome"]]
    if told["outcome"] == "conflicts" and not told["conflicts"]:
        said = "conflicts that are mended and not committed"
    said += f", on the branch {told['branch']}" if told["branch"] != branch else ""
    said += f"; its branch template {would}restored" if restored else ""
    if told["new_answers"]:
        taken = ", ".join(f"{key}: {value}" for key, value in told["new_answers"].items())
        said += f"; new questions {would}answered by default ({taken}); to change one, edit {registry.ANSWERS_FILE}, commit, run this again"
    if told["deleted_here"]:
        said += f"; changed in the template, deleted here, and so left out: {', '.join(told['deleted_here'])}"
    return said


def to_do(told: dict, path: str, check: bool) -> list[str]:
    """What is left to the developer, and what to type."""
    if not told["conflicts"]:
        return [f"Type: git -C {shlex.quote(path)} commit"] if told["outcome"] == "conflicts" else []
    if check and told["files"]:
        return [*told["said"], "Nothing was changed. Without --check they are left in the files between git's markers, for you to mend."]
    files = " ".join(shlex.quote(file) for file in told["conflicts"])
    return [
        *told["said"],
        f"Mend them in your editor (git -C {shlex.quote(path)} diff shows them), then type:",
        f"  git -C {shlex.quote(path)} add --all -- {files} && git -C {shlex.quote(path)} commit",
        f"Or go back to what was: git -C {shlex.quote(path)} merge --abort",
    ]


def differing(answers: dict, facts: dict, files: str) -> str:
    """What the inventories still say of a service whose answers have changed."""
    kept = [f"service_{key}: {answers[key]}" for key in ("celery", "python_version", "github", "branch") if _differs(answers, facts, key)]
    return f"; its answers have changed, so write in {files}: {', '.join(kept)}" if kept else ""


def _differs(answers: dict, facts: dict, key: str) -> bool:
    fact = facts.get(f"service_{key}")
    return fact is not None and key in answers and str(fact) != str(answers[key])


def _told(version: Version) -> dict[str, str]:
    """As the answers file has it."""
    return {"version": version.number, "commit": version.commit}


def _version(told: dict[str, str]) -> str:
    return str(Version(told["version"], told["commit"]))


def _count(files: list[str]) -> str:
    return f"{len(files)} file{'' if len(files) == 1 else 's'}"
