# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Register a service in each inventory, once. Documented in modules/service_registration.py."""

from __future__ import annotations

import pathlib

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.little_service.factory.plugins.module_utils import ports
from ansible_collections.little_service.factory.plugins.plugin_utils import registry, renderer, staging, tree


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("inventories", "template", "local_template", "variables", "path", "service_port"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        inventories = pathlib.Path(self._task.args["inventories"]).resolve()
        try:
            if self._task.check_mode:
                result.update(self._ensure(inventories))
            else:
                # Two services made at once must not get the same port: one lock for all of this machine's places.
                local = inventories / registry.LOCAL
                local.mkdir(parents=True, exist_ok=True)
                with staging.locked(local):
                    result.update(self._ensure(inventories))
        except (ports.PortRefused, registry.RegistryError, staging.Busy, tree.TreeError) as error:
            raise AnsibleActionFail(f"The registration is not complete. {error}") from None
        except OSError as error:
            raise AnsibleActionFail(staging.reason(error, "the registration")) from None
        return result

    def _ensure(self, inventories: pathlib.Path) -> dict:
        name = self._task.args["variables"]["service_name"]
        port = self._port(name, inventories)
        texts = {inventories / environment / f"{name}.yml": self._rendered(environment) for environment in registry.ENVIRONMENTS}
        texts[inventories / registry.LOCAL / f"{name}.yml"] = self._rendered(registry.LOCAL, service_port=port)
        missing = {file: text for file, text in texts.items() if not file.exists()}
        if not self._task.check_mode:
            for file, text in missing.items():
                staging.write_file(file, text)
        result = {"changed": bool(missing), "service_port": port, "files": [str(file) for file in missing]}
        if self._task.diff:
            result["diff"] = [
                {"before": "", "after": text, "before_header": f"{file} (absent)", "after_header": str(file)}
                for file, text in missing.items()
            ]
        return result

    def _port(self, name: str, inventories: pathlib.Path) -> int:
        places = registry.places(inventories)
        if name in places:
            return places[name].port
        taken = {place.port: other for other, place in places.items()}
        asked = self._task.args["service_port"]
        return ports.requested(asked, taken) if asked else ports.choose(taken)

    def _rendered(self, environment: str, **more) -> str:
        arguments = self._task.args
        source = pathlib.Path(arguments["local_template"] if environment == registry.LOCAL else arguments["template"])
        variables = {
            **arguments["variables"],
            "service_environment": environment,
            "service_path": arguments["path"],
            **more,
        }
        return renderer.renderer(self._templar, source.parent, variables)(source.read_text(encoding="utf-8"), source.name)
