# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Render a tree of templates into a git repository, whole or not at all. Documented in modules/service_folder.py."""

from __future__ import annotations

import pathlib

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.little_service.factory.plugins.plugin_utils import git, inputs, renderer, staging, tree


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("src", "path", "variables", "answers", "parts"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        path = pathlib.Path(self._task.args["path"])
        try:
            result.update(self._ensure(path))
        except (tree.TreeError, git.GitError, staging.Busy) as error:
            raise AnsibleActionFail(f"{path} was not made. {error}") from None
        except OSError as error:
            raise AnsibleActionFail(staging.reason(error, str(path))) from None
        return result

    def _ensure(self, path: pathlib.Path) -> dict:
        if not self._task.check_mode:
            staging.sweep(path.parent)
        if path.is_dir() and any(path.iterdir()):
            return {"changed": False, "path": str(path), "files": 0}
        entries = self._entries()
        changed = True if self._task.check_mode else self._make(path, entries)
        result = {"changed": changed, "path": str(path), "files": len(entries)}
        if self._task.diff:
            result["diff"] = [_difference(path, entry) for entry in entries]
        return result

    def _entries(self) -> list[tree.Entry]:
        arguments = self._task.args
        source = pathlib.Path(arguments["src"])
        render = renderer.renderer(self._templar, source, arguments["variables"])
        return tree.rendered(source, render, inputs.left_out(arguments["answers"], arguments["parts"]))

    def _make(self, path: pathlib.Path, entries: list[tree.Entry]) -> bool:
        answers = self._task.args["answers"]
        version = self._task.args["variables"]["service_template_version"]
        with staging.staged_folder(path) as claim:
            if claim is None:
                return False
            folder, lock = claim
            tree.write(entries, folder)
            git.first_commit(folder, answers["branch"], f"Make {answers['name']} with Little Service {version}", keep=(lock,))
            if answers["github"]:
                git.run(folder, "remote", "add", "origin", f"git@github.com:{answers['github']}.git", keep=(lock,))
        return True


def _difference(path: pathlib.Path, entry: tree.Entry) -> dict:
    after = f"-> {entry.target}\n" if entry.target is not None else entry.content.decode("utf-8", errors="replace")
    name = str(path / entry.path)
    after = after or "(an empty file)\n"  # Ansible shows no difference between nothing and nothing
    return {"before": "", "after": after, "before_header": f"{name} (absent)", "after_header": name}
