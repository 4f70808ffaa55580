"""A small template in a repository of its own, and services made from it by the real plugins in this process: an example costs tenths."""

from __future__ import annotations

import os
import pathlib
import subprocess
import types

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.little_service.factory.plugins.action import service_folder, service_update
from ansible_collections.little_service.factory.plugins.plugin_utils import git as plain_git
from ansible_collections.little_service.factory.plugins.plugin_utils import inputs, template

ROOT = pathlib.Path(__file__).resolve().parent.parent
# How to run this file.
BY_ITSELF = {"cwd": ROOT, "env": {**os.environ, "PYTHONPATH": f"{ROOT / 'collections'}:{ROOT}"}}

ANSWERS_FILE = """---
template:
  version: {{ service_template_version | to_json }}
  commit: {{ service_template_commit | to_json }}
answers:
{% for key, value in service_answers.items() %}
  {{ key }}: {{ value | to_json(ensure_ascii=False) }}
{% endfor %}
"""
PARTS = {"celery": ["worker.txt"], "circleci": [".circleci"], "github": [".github"]}
INPUTS = {
    "name": "", "description": "A little service.", "owner_name": "Ada", "owner_email": "ada@example.org", "python_version": "3.13",
    "time_zone": "UTC", "github": "", "branch": "main", "celery": True, "ci": "circleci",
}  # fmt: skip
FILES = {
    "README.md.j2": "# {{ service_title }}\n\n{{ service_description }}\n\n" + "".join(f"line {number}\n" for number in range(20)),
    "app/code.py": "".join(f"value_{number} = {number}\n" for number in range(30)),
    "app/settings.py.j2": "NAME = '{{ service_name }}'\n" + "".join(f"OPTION_{number} = {number}\n" for number in range(12)),
    "worker.txt": "beat\n" * 8,
    ".circleci/config.yml": "version: 2.1\n",
    ".github/ci.yml": "on: push\n",
}
CODE = FILES["app/code.py"]
# What the tests' next version has.
NEWER = {"app/code.py": CODE.replace("value_20 = 20", "value_20 = 21"), "docs/new.md": "new\n"}


def git(folder: pathlib.Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip("\n")


def plugin(module, check: bool = False, diff: bool = False, **arguments: object) -> dict:
    """Run an action plugin of ours as Ansible would."""
    task = types.SimpleNamespace(args=arguments, check_mode=check, diff=diff, async_val=0, action=module.__name__)
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="unused"))
    return module.ActionModule(task, connection, None, None, Templar(DataLoader())).run(task_vars={})


class Factory:
    """A repository like this one with a small template, and a folder of services."""

    def __init__(self, folder: pathlib.Path, files: dict[str, str] | None = None):
        self.root, self.services = folder / "factory", folder / "services"
        self.services.mkdir(parents=True)
        self.parts = dict(PARTS)
        git(folder, "init", "-q", "-b", "main", "factory")
        self.release("0.1.0", files or FILES)

    @classmethod
    def at(cls, folder: pathlib.Path) -> Factory:
        """A copy of one."""
        there = object.__new__(cls)
        there.root, there.services, there.parts = folder / "factory", folder / "services", dict(PARTS)
        return there

    def write(self, files: dict[str, str | None]) -> None:
        """Change the template; None removes a file."""
        for path, text in {".little-service.yml.j2": ANSWERS_FILE, **files}.items():
            file = self.root / template.FOLDER / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)

    def release(self, number: str, files: dict[str, str | None]) -> str:
        """Change and commit the template; returns the commit."""
        self.write(files)
        for path, text in ((template.NUMBER_FILE, f"version: {number}\n"), (template.PARTS_FILE, f"{template.PARTS}: {self.parts}\n")):
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        return commit(self.root, f"Release {number}")

    def make(self, name: str, **answers: object) -> pathlib.Path:
        """What new_service.yml makes."""
        made_with = inputs.answers({**INPUTS, "name": name, **answers}, ("Ada", "ada@example.org"))
        variables = inputs.template_variables(made_with, template.today(self.root))
        source, path = self.root / template.FOLDER, self.services / name
        made = plugin(service_folder, src=str(source), path=str(path), variables=variables, answers=made_with, parts=self.parts)
        assert made["changed"], made
        return path

    def update(self, path: pathlib.Path, check: bool = False, diff: bool = False, **more: object) -> dict:
        """What update_service.yml does with one service."""
        given = {"name": path.name, "path": str(path), "root": str(self.root), "parts": self.parts, "inputs": INPUTS, "must_be_here": True}
        return plugin(service_update, check, diff, **{**given, **more})


def commit(folder: pathlib.Path, message: str = "Work") -> str:
    git(folder, "add", "--all", "--force")
    git(folder, *plain_git.as_user(folder), "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def files(folder: pathlib.Path) -> dict[str, bytes]:
    """Every file of a working tree, less git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts[:1]
    }


def refs(folder: pathlib.Path) -> str:
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname)") + git(folder, "rev-parse", "HEAD")


def assert_updated(result: dict, path: pathlib.Path) -> None:
    """What the developer of the fixture `orbit` wrote and NEWER are both there."""
    assert result["report"]["outcome"] == "updated", result
    assert (path / "app/code.py").read_text() == "mine = 1\n" + NEWER["app/code.py"]
    assert (path / "docs/new.md").read_text() == "new\n"
    assert git(path, "status", "--porcelain") == ""


def assert_refused(factory: Factory, path: pathlib.Path, *words: str) -> None:
    """Nothing is changed, in either mode, and the reason is told."""
    before = refs(path), files(path)
    for check in (True, False):
        result = factory.update(path, check=check)
        assert (result["report"]["outcome"], result.get("changed", False)) == ("failed", False), result
        assert all(word in result["msg"] for word in words), result["msg"]
        assert (refs(path), files(path)) == before


if __name__ == "__main__":
    # For tests that need a process of its own: update FOLDER, or remove PATH.
    import sys

    from ansible_collections.little_service.factory.plugins.action import service_removal

    verb, there = sys.argv[1], pathlib.Path(sys.argv[2])
    if verb == "update":
        print(Factory.at(there).update(there / "services/orbit")["report"])
    else:
        inventories = there.parent.parent / "inventories"
        print(
            plugin(
                service_removal, name=there.name, path=str(there), inventories=str(inventories), delete_files=True, data_may_be_lost=True
            )
        )
