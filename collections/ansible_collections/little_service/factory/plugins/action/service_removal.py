# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove a service's registration, and where asked its folder. Documented in modules/service_removal.py."""

from __future__ import annotations

import pathlib
import shutil

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.little_service.factory.plugins.plugin_utils import git, pushed, registry, repository, staging


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("name", "path", "inventories", "delete_files", "data_may_be_lost"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        name = self._task.args["name"]
        try:
            result.update(self._removed(name, pathlib.Path(self._task.args["inventories"]).resolve()))
        except (repository.Refused, registry.RegistryError, staging.Busy, git.GitError) as error:
            raise AnsibleActionFail(f"{name} was not removed. {error}") from None
        except OSError as error:
            raise AnsibleActionFail(
                f"{name} was not removed completely: {error.strerror} ({error.filename}). When that is mended, run this again."
            ) from None
        return result

    def _removed(self, name: str, inventories: pathlib.Path) -> dict:
        files = registry.files_of(inventories, name)
        path = pathlib.Path(self._task.args["path"]) if self._task.args["path"] else None
        folder = path if path and self._task.args["delete_files"] and (path.exists() or path.is_symlink()) else None
        if folder:
            _check_folder(folder, name, self._task.args["data_may_be_lost"])
        diff = [_gone(str(file), file.read_text(encoding="utf-8", errors="replace")) for file in files]
        if not self._task.check_mode:
            # What is half-removed must be found by the next run, so the folder goes first, and of the files this machine's last.
            if folder or (path and staging.sibling(path).exists()):
                _remove_folder(path, folder is not None)
            for file in files:
                file.unlink(missing_ok=True)
        result = {"changed": bool(files or folder), "files": [str(file) for file in files], "folder": str(folder or "")}
        if self._task.diff:
            result["diff"] = [*diff, *([_gone(str(folder), "a folder with all that is in it\n")] if folder else [])]
        return result


def _check_folder(folder: pathlib.Path, name: str, data_may_be_lost: bool) -> None:
    if folder.is_symlink():
        raise repository.Refused(
            f"{folder} is a symbolic link to {folder.readlink()}, and nothing behind a link is removed. "
            "Remove both yourself, then run this again."
        )
    if registry.answers(folder).get("name") != name:
        raise repository.Refused(
            f"{folder} has no {registry.ANSWERS_FILE} that names {name}, so it may be something else. "
            "Remove it yourself, or leave delete_files out."
        )
    mounted = pushed.mounts_below(folder)
    if mounted:
        raise repository.Refused(f"Something is mounted in {folder}: {', '.join(mounted)}. Type: umount {mounted[0]}, and run this again.")
    lost = [] if data_may_be_lost else pushed.missing_elsewhere(repository.Repository(folder))
    if lost:
        raise repository.Refused(
            f"With {folder} this would be lost: {'; '.join(lost)}. Commit and push it (git -C {folder} push --all and push --tags), "
            f"or leave delete_files out, or, where it can go, add: -e confirm_data_loss={name}"
        )


def _remove_folder(path: pathlib.Path, wanted: bool) -> None:
    """Move the folder aside and remove it there: it is whole or gone, and what a killed run left aside goes as well."""
    with staging.beside(path) as (aside, _):
        if wanted:
            path.rename(aside / path.name)
            shutil.rmtree(aside / path.name)


def _gone(name: str, before: str) -> dict:
    return {"before": before, "after": "", "before_header": name, "after_header": f"{name} (absent)"}
