# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where services are registered: one file per service and inventory."""

from __future__ import annotations

import dataclasses
import pathlib

import yaml

ANSWERS_FILE = ".little-service.yml"
LOCAL = "local"
ENVIRONMENTS = ("sandbox", "staging", "production")


class RegistryError(Exception):
    """An inventory file cannot be read as one. Its text names the file."""


@dataclasses.dataclass(frozen=True)
class Place:
    """What this machine knows of a service."""

    path: pathlib.Path
    port: int


def places(inventories: pathlib.Path) -> dict[str, Place]:
    """The services of this machine.

    :raises RegistryError: where a file of ``inventories/local`` is no inventory of one service.
    """
    found = {}
    for file in sorted((inventories / LOCAL).glob("[!._]*.yml")):
        for name, facts in hosts(file).items():
            if "service_path" in facts and "service_port" in facts:
                found[name] = Place(pathlib.Path(facts["service_path"]), int(facts["service_port"]))
    return found


def hosts(file: pathlib.Path) -> dict[str, dict]:
    """The hosts of the group `services` in one inventory file."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return {name: facts or {} for name, facts in (content["services"]["hosts"] or {}).items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise RegistryError(f"{file} cannot be read as an inventory of services: {error}. Mend or remove it.") from None


def answers(path: pathlib.Path) -> dict:
    """What the service in ``path`` was made with; empty where no service is there or its developer removed the file."""
    try:
        return dict(yaml.safe_load((path / ANSWERS_FILE).read_text(encoding="utf-8"))["answers"])
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return {}


def registered_in(inventories: pathlib.Path, name: str) -> list[pathlib.Path]:
    """The tracked files that know the service."""
    files = [inventories / environment / f"{name}.yml" for environment in ENVIRONMENTS]
    return [file for file in files if file.is_file()]


def files_of(inventories: pathlib.Path, name: str) -> list[pathlib.Path]:
    """All files that know the service, this machine's last.

    :raises RegistryError: where one of them knows others as well, so that it is not the service's alone.
    """
    files = [inventories / environment / f"{name}.yml" for environment in (*reversed(ENVIRONMENTS), LOCAL)]
    found = [file for file in files if file.is_file()]
    for file in found:
        others = sorted(set(hosts(file)) - {name})
        if others:
            raise RegistryError(f"{file} registers {', '.join(others)} as well. Move that to a file of its own, and run this again.")
    return found
