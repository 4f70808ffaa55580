"""The same tree, made by others: each gets a throw-away copy of service_template/ in its own dialect, with the same values.

A contender is a function that takes a fresh folder and returns the command to run; its tree is then `folder / "made"`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import yaml

from benchmarks.measure import ROOT, BenchmarkFailed, run

TEMPLATE = ROOT / "service_template"
LOCK = ROOT / "benchmarks/requirements-peers.lock"
VENV = ROOT / ".cache/benchmarks/peers"


@dataclasses.dataclass(frozen=True)
class Source:
    """What is rendered: the files of the template that the answers leave in, and the variables."""

    files: list[pathlib.Path]  # relative to service_template/
    variables: dict[str, object]

    @property
    def templates(self) -> list[pathlib.Path]:
        return [file for file in self.files if file.suffix == ".j2"]

    @property
    def plain(self) -> list[pathlib.Path]:
        return [file for file in self.files if file.suffix != ".j2"]

    def path(self, file: pathlib.Path) -> pathlib.Path:
        """Where a file of the template stands in the rendered tree."""
        return pathlib.Path(str(file).removesuffix(".j2").replace("{{ service_package }}", str(self.variables["service_package"])))


def ansible_template(source: Source, folder: pathlib.Path) -> Callable[[pathlib.Path], list[object]]:
    """Ansible's own way: `copy` for the plain files, in one task, and a loop of `template` over the others."""
    # Ansible would evaluate the braces in a template's own path, so they are gone from the copies.
    for file in source.files:
        _copy(TEMPLATE / file, folder / ("templates" if file in source.templates else "plain") / source.path(file))
    folders = sorted({str(source.path(file).parent) for file in source.templates} - {"."})
    templates = [str(source.path(file)) for file in source.templates]
    tasks = [
        {"ansible.builtin.copy": {"src": f"{folder}/plain/", "dest": "{{ made }}/", "mode": "preserve", "local_follow": False}},
        {"ansible.builtin.file": {"path": "{{ made }}/{{ item }}", "state": "directory", "mode": "0755"}, "loop": folders},
        {
            "ansible.builtin.template": {"src": f"{folder}/templates/{{{{ item }}}}", "dest": "{{ made }}/{{ item }}", "mode": "preserve"},
            "loop": templates,
        },
    ]
    play = _play(folder, tasks, source.variables)
    return lambda target: ["ansible-playbook", play, "-e", f"made={target / 'made'}"]


def one_copy(folder: pathlib.Path) -> Callable[[pathlib.Path], list[object]]:
    """The least that a play can do: one file of one line."""
    play = _play(folder, [{"ansible.builtin.copy": {"content": "one line\n", "dest": "{{ made }}", "mode": "0644"}}], {})
    return lambda target: ["ansible-playbook", play, "-e", f"made={target / 'made'}"]


def cookiecutter(source: Source, folder: pathlib.Path) -> Callable[[pathlib.Path], list[object]]:
    """It renders every file but those named, in a folder whose own name is a variable, with variables in a namespace."""
    names = re.compile(rf"\b({'|'.join(source.variables)})\b")

    def renamed(text: str) -> str:
        return names.sub(r"cookiecutter.\1", text)

    tree = folder / "template" / "{{ cookiecutter.folder }}"
    for file in source.files:
        made = tree / renamed(str(file).removesuffix(".j2"))
        _copy(TEMPLATE / file, made)
        if file in source.templates:
            made.write_text(renamed(made.read_text(encoding="utf-8")), encoding="utf-8")
    settings = {
        "folder": "made",
        **source.variables,
        "_copy_without_render": [renamed(str(file)) for file in source.plain],
        "_extensions": ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        "_jinja2_env_vars": {"trim_blocks": True},
    }
    (folder / "template/cookiecutter.json").write_text(json.dumps(settings), encoding="utf-8")
    # Its record of past answers would go to the user's home folder.
    config = folder / "config.yml"
    config.write_text(yaml.safe_dump({"replay_dir": str(folder / "replay"), "cookiecutters_dir": str(folder)}), encoding="utf-8")
    return lambda target: [
        VENV / "bin/cookiecutter", "--no-input", "--config-file", config, "--output-dir", target, folder / "template",
    ]  # fmt: skip


def copier(source: Source, folder: pathlib.Path) -> Callable[[pathlib.Path], list[object]]:
    """It follows the same rule of suffixes, and Ansible's filters come with it."""
    for file in source.files:
        _copy(TEMPLATE / file, folder / "template" / file)
    questions = {name: {"type": "yaml", "default": json.dumps(value)} for name, value in source.variables.items()}
    settings = {
        **questions,
        "_templates_suffix": ".j2",
        "_envops": {"trim_blocks": True, "keep_trailing_newline": True},
        "_preserve_symlinks": True,
    }
    (folder / "template/copier.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return lambda target: [VENV / "bin/copier", "copy", "--quiet", "--defaults", folder / "template", target / "made"]


def install() -> None:
    """Make the virtual environment of the peers from their lock, where it is not there already."""
    stamp = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if (VENV / "stamp").exists() and (VENV / "stamp").read_text() == stamp:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    run([sys.executable, "-m", "venv", VENV])
    run([VENV / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement", LOCK])
    (VENV / "stamp").write_text(stamp)


def versions(*names: str) -> dict[str, str]:
    """The versions of distributions in the peers' environment."""
    code = f"import importlib.metadata, json; print(json.dumps({{n: importlib.metadata.version(n) for n in {names!r}}}))"
    return json.loads(subprocess.run([VENV / "bin/python", "-c", code], check=True, capture_output=True, text=True).stdout)


def snapshot(tree: pathlib.Path) -> dict[str, tuple[int, bytes | str]]:
    """Every file of a tree with its mode and content, and every link; without git's own."""
    if not tree.is_dir():
        raise BenchmarkFailed(f"{tree} was not made")
    return {
        path.relative_to(tree).as_posix(): (0, str(path.readlink()))
        if path.is_symlink()
        else (path.stat().st_mode & 0o777, path.read_bytes())
        for path in tree.rglob("*")
        if (path.is_symlink() or path.is_file()) and path.relative_to(tree).parts[0] != ".git"
    }


def differences(ours: dict, theirs: dict) -> list[str]:
    return sorted(path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path))


def _play(folder: pathlib.Path, tasks: list[dict], variables: dict) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "play.yml"
    file.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}]), encoding="utf-8")
    return file


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
