# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Merge what is new in the template into a service. Documented in modules/service_update.py."""

from __future__ import annotations

import contextlib
import pathlib
import re
import tempfile
from collections.abc import Iterator

from ansible.plugins.action import ActionBase
from ansible_collections.little_service.factory.plugins.plugin_utils import (
    git,
    inputs,
    journal,
    renderer,
    repository,
    staging,
    template,
    tree,
    update,
    update_words,
)

REFUSALS = (repository.Refused, template.UnknownVersion, inputs.InputsRefused, tree.TreeError, git.GitError, staging.Busy)


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("name", "path", "root", "parts", "inputs", "must_be_here"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        name, path = self._task.args["name"], self._task.args["path"]
        try:
            if path and pathlib.Path(path).is_dir():
                result.update(self._updated(name, pathlib.Path(path), task_vars))
            else:
                result.update(self._elsewhere(name, path))
        except REFUSALS as error:
            result.update(_failed(name, str(error)))
        except OSError as error:
            result.update(_failed(name, staging.reason(error, path)))
        return result

    def _elsewhere(self, name: str, path: str) -> dict:
        if path or self._task.args["must_be_here"]:
            where = f"at {path}, where inventories/local/{name}.yml says it is" if path else "on this machine"
            return _failed(name, f"{name} is not {where}. Clone it, and type: ansible-playbook new_service.yml -e name={name}")
        told = {"name": name, "outcome": "elsewhere", "words": "not on this machine, so left alone"}
        return {"changed": False, "report": told}

    def _updated(self, name: str, path: pathlib.Path, task_vars: dict) -> dict:
        check, root = self._task.check_mode, pathlib.Path(self._task.args["root"]).resolve()
        with _place_to_work(path, check) as (scratch, keep):
            there = repository.Repository(path, keep, scratch / "objects" if check else None)
            repository.check_kind(there, name)
            if not check:
                journal.recover(there)
            version = template.today(root)
            planned = update.plan(there, name, self._template(root, version), scratch)
            behind = template.between(root, planned.record.version, version)
            answers = self._answers(planned.record.answers)
            new = {key: value for key, value in answers.items() if key not in planned.record.answers}
            told = update_words.report(there, planned, version, name=name, behind=behind, new_answers=new, check=check)
            diff = update_words.differences(there, planned) if self._task.diff else []
            if not check:
                update.apply(there, planned, version, scratch)
        told["words"] = update_words.words(told, check, branch=answers["branch"], restored=planned.restored)
        told["words"] += update_words.differing(answers, task_vars, f"inventories/*/{name}.yml")
        told["to_do"] = update_words.to_do(told, str(path), check)
        return {"changed": planned.changed, "report": told, **({"diff": diff} if diff else {})}

    def _answers(self, recorded: dict) -> dict:
        """The answers of today's template: those that the service has, and for new questions the defaults."""
        given = {**self._task.args["inputs"], **recorded, "name": self._task.args["name"]}
        try:
            return inputs.answers(given, git.identity(pathlib.Path(self._task.args["path"])))
        except inputs.InputsRefused as refused:
            told = re.sub(r"Type for example: -e (\w+)=(\S+)", r"Write for example: \1: \2", str(refused))
            raise repository.Refused(f"The answers in {self._task.args['path']}/.little-service.yml cannot be used.\n{told}") from None

    def _template(self, root: pathlib.Path, version: template.Version) -> update.Template:
        def today(recorded: dict) -> list[tree.Entry]:
            answers = self._answers(recorded)
            return self._entries(root / template.FOLDER, self._task.args["parts"], answers, answers, version)

        def earlier(record: repository.Record, folder: pathlib.Path) -> list[tree.Entry]:
            source, parts = template.at(root, record.version, folder)
            try:
                # What was asked since has no place in the answers file of then.
                return self._entries(source, parts, self._answers(record.answers), record.answers, record.version)
            except tree.TreeError as error:
                raise template.UnknownVersion(f"{record.version} can no longer be rendered: {error}") from None

        return update.Template(version, today, earlier, lambda of, whose: template.check(root, of, whose))

    def _entries(self, source: pathlib.Path, parts: dict, answers: dict, written: dict, version: template.Version) -> list[tree.Entry]:
        variables = inputs.template_variables(answers, version)
        render = renderer.renderer(self._templar, source, {**variables, "service_answers": written})
        return tree.rendered(source, render, inputs.left_out(answers, parts))


@contextlib.contextmanager
def _place_to_work(path: pathlib.Path, check: bool) -> Iterator[tuple[pathlib.Path, tuple[int, ...]]]:
    """A folder to work in, and the lock of the service; in check mode nothing is written beside the service, and nothing locked."""
    if check:
        with tempfile.TemporaryDirectory(prefix="little-service-") as scratch:
            (pathlib.Path(scratch) / "objects").mkdir()
            yield pathlib.Path(scratch), ()
    else:
        staging.sweep(path.parent)
        with staging.beside(path) as (scratch, lock):
            yield scratch, (lock,)


def _failed(name: str, why: str) -> dict:
    return {"failed": True, "msg": why, "report": {"name": name, "outcome": "failed", "words": f"failed. {why}"}}
