# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a service's branch with its remote's. Documented in modules/service_pushed.py."""

from __future__ import annotations

import os
import pathlib
import re

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.little_service.factory.plugins.plugin_utils import git

PATIENCE = 60.0  # seconds for a remote to answer
WHOLE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Branch:
    """A branch here and at its remote."""

    def __init__(self, folder: pathlib.Path, name: str, remote: str) -> None:
        self.folder, self.name, self.remote = folder, name, remote
        self.notes: list[str] = []
        self.here = self._commit(f"refs/heads/{name}")
        listed = git.run(folder, "ls-remote", "--refs", remote, f"refs/heads/{name}", timeout=PATIENCE)
        self.there = listed.split()[0] if listed else ""
        if git.run(folder, "status", "--porcelain"):
            self.notes.append(f"What is not committed in {folder} is not released.")

    def _commit(self, what: str) -> str:
        done = git.call(self.folder, "rev-parse", "--verify", "--quiet", f"{what}^{{commit}}")
        return os.fsdecode(done.stdout).strip() if done.returncode == 0 else ""

    def ahead(self) -> int:
        """How many commits here are not there."""
        if not self.here or self.here == self.there:
            return 0
        if not self.there:
            return int(git.run(self.folder, "rev-list", "--count", self.here))
        if not self._commit(self.there):
            # Somebody else pushed since: only with their commits here can ours be counted.
            git.run(self.folder, "fetch", "--quiet", "--no-tags", self.remote, f"refs/heads/{self.name}", timeout=PATIENCE)
        if behind := int(git.run(self.folder, "rev-list", "--count", f"{self.here}..{self.there}")):
            self.notes.append(f"{self.remote}/{self.name} has {_commits(behind)} that are not here; they are released too.")
        return int(git.run(self.folder, "rev-list", "--count", f"{self.there}..{self.here}"))

    def push(self) -> None:
        git.run(self.folder, "push", "--quiet", self.remote, f"{self.here}:refs/heads/{self.name}", timeout=PATIENCE)


class ActionModule(ActionBase):
    """Ansible's entry point."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("path", "branch", "remotes", "commit", "push"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(
            {
                "path": {"type": "path", "required": True},
                "branch": {"type": "str", "required": True},
                "remotes": {"type": "list", "elements": "str", "default": ["origin"]},
                "commit": {"type": "str", "default": ""},
                "push": {"type": "bool", "default": False},
            }
        )
        try:
            result.update({"changed": False, "pushed": False, "notes": [], **self._found(given)})
        except git.GitError as error:
            raise AnsibleActionFail(str(error)) from None
        return result

    def _found(self, given):
        folder = pathlib.Path(given["path"])
        is_here = (folder / ".git").exists()
        if given["commit"]:
            return {"commit": _whole(folder if is_here else None, given["commit"].lower())}
        if not is_here:
            return self._unknown(f"{folder} is not on this machine", given)
        known = git.run(folder, "remote").splitlines()
        remote = next((name for name in given["remotes"] if name in known), None)
        if remote is None:
            return self._unknown(f"{folder} has no git remote {' or '.join(given['remotes'])}", given)
        branch = Branch(folder, given["branch"], remote)
        ahead = branch.ahead()
        if ahead and not given["push"]:
            raise AnsibleActionFail(_refusal(branch, ahead))
        if not ahead:
            if not branch.there:
                raise AnsibleActionFail(f"{remote} has no branch {branch.name}, and {folder} none to push. Commit something first.")
            return {"commit": branch.there, "notes": branch.notes}
        if not self._task.check_mode:
            branch.push()
        notes = [f"{_commits(ahead)} of {branch.name} {'would be' if self._task.check_mode else 'were'} pushed to {remote}.", *branch.notes]
        return {"commit": branch.here, "notes": notes, "changed": True, "pushed": True}

    def _unknown(self, why, given):
        if given["push"]:
            raise AnsibleActionFail(f"Nothing can be pushed: {why}.")
        return {"commit": "", "notes": [f"Whether something is not pushed yet is not known: {why}."]}


def _refusal(branch, ahead):
    other = f", or release what {branch.remote} holds with: -e commit={branch.there}" if branch.there else ""
    return (
        f"{branch.name} in {branch.folder} is {_commits(ahead)} ahead of {branch.remote}, and a release takes what {branch.remote} holds. "
        f"Push first with: -e push=true{other}"
    )


def _whole(folder, commit):
    """A commit in full; git knows those that begin so."""
    if WHOLE.fullmatch(commit):
        return commit
    found = git.call(folder, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") if folder else None
    if found is None or found.returncode:
        where = f" and {folder} knows none that begins so" if folder else ""
        raise AnsibleActionFail(
            f"commit={commit} is no whole commit (40 letters of 0-9 and a-f){where}. Those there are, are told by: git log"
        )
    return os.fsdecode(found.stdout).strip()


def _commits(number):
    return "1 commit" if number == 1 else f"{number} commits"
