# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check every input of new_service and tell what follows from them. Reads only. Documented in modules/service_inputs.py."""

from __future__ import annotations

import pathlib

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.little_service.factory.plugins.module_utils import ports
from ansible_collections.little_service.factory.plugins.plugin_utils import git, inputs, names, registry, template


class ActionModule(ActionBase):
    _requires_connection = False
    _VALID_ARGS = frozenset(("inputs", "raw_params", "root", "inventories", "services_dir", "service_port"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        arguments = self._task.args
        root = pathlib.Path(arguments["root"]).resolve()
        inventories = pathlib.Path(arguments["inventories"]).resolve()
        try:
            _check_typed(arguments["inputs"], task_vars)
            given = {
                **arguments["inputs"],
                "name": names.service_name(arguments["inputs"]["name"], arguments["raw_params"]),
            }
            answers = inputs.answers(given, git.identity(root))
            path = _path(given["name"], arguments["services_dir"], root, inventories)
            _check_port(given["name"], arguments["service_port"], inventories)
            _check_folder(given["name"], path, inventories, answers["github"])
        except (
            names.NameRefused,
            inputs.InputsRefused,
            ports.PortRefused,
            registry.RegistryError,
            git.GitError,
        ) as refused:
            raise AnsibleActionFail(str(refused)) from None
        result.update(
            changed=False,
            answers=answers,
            variables=inputs.template_variables(answers, template.today(root)),
            path=str(path),
            without_effect=_without_effect(answers, path, task_vars),
        )
        return result


def _check_typed(given: dict, task_vars: dict) -> None:
    """Refuse what Ansible would evaluate: `-e` takes text for a template, so it would reach the service changed or not at all."""
    for key in given:
        typed = task_vars.get(key)
        if not isinstance(typed, str) or not any(mark in typed for mark in ("{{", "{%", "{#")):
            continue
        if key == "name":
            names.service_name(typed)
        raise inputs.InputsRefused(f"{key} holds {{{{, {{% or {{#, which Ansible would evaluate. Leave the braces out.")


def _path(name: str, services_dir: object, root: pathlib.Path, inventories: pathlib.Path) -> pathlib.Path:
    """Where the service is or will be: a registered one stays where it is."""
    place = registry.places(inventories).get(name)
    if services_dir:
        path = inputs.folder(services_dir, root, name)
        if place and place.path != path:
            raise inputs.InputsRefused(
                f"{name} is registered at {place.path}, not {path}. Leave services_dir out, "
                f"or move the folder and change service_path in {inventories / registry.LOCAL / name}.yml."
            )
        return path
    return place.path if place else inputs.folder("services", root, name)


def _check_port(name: str, service_port: object, inventories: pathlib.Path) -> None:
    places = registry.places(inventories)
    if not service_port:
        return
    port = ports.requested(service_port, {place.port: other for other, place in places.items() if other != name})
    if name in places and places[name].port != port:
        raise ports.PortRefused(
            f"{name} has the port {places[name].port} and keeps it. To change it, edit service_port in "
            f"{inventories / registry.LOCAL / name}.yml."
        )


def _check_folder(name: str, path: pathlib.Path, inventories: pathlib.Path, github: str) -> None:
    places = registry.places(inventories)
    if path.is_symlink() or path.exists():
        if path.is_dir() and (not any(path.iterdir()) or name in places or registry.answers(path).get("name") == name):
            return
        raise names.NameRefused(
            f"{path} exists and is not a service of that name. Choose another name, or another place with -e services_dir=FOLDER."
        )
    tracked = registry.registered_in(inventories, name)
    origin = next((facts.get("service_github") for file in tracked for facts in registry.hosts(file).values()), "") or github
    if tracked and origin and name not in places:
        raise names.NameRefused(
            f"{name} is taken: it is registered in {tracked[0]} and lives at github.com/{origin}. "
            f"To work on it here type: git clone git@github.com:{origin} {path}, and run this again."
        )


def _without_effect(answers: dict, path: pathlib.Path, task_vars: dict) -> list[str]:
    """The inputs that were typed and differ from what an existing service was made with: it is never written again."""
    made_with = registry.answers(path)
    return [key for key, value in answers.items() if key in task_vars and key in made_with and made_with[key] != value]
