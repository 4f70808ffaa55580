#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Compose project, built, running and healthy; or gone."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: compose_project
short_description: Have a Compose project built, running and healthy; or gone
description:
  - Completes the settings, builds the images, compares the containers with the declaration, and runs C(docker compose up) only where
    something differs.
  - Then waits until all is healthy. Where that does not come, fails with the state and the last words of what failed.
  - Stands in for M(community.docker.docker_compose_v2), which reports a change in every run where a service does its work and ends
    (U(https://github.com/docker/compose/issues/11590)), takes every container for one to be made again in check mode, tells nothing
    of the containers' own words, and prints nothing while it works.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The project's name.
    type: str
    required: true
  path:
    description: The folder of the compose files. With O(state=absent) it may be gone.
    type: path
    required: true
  state:
    description: V(present) runs the project, V(absent) removes its containers and networks.
    type: str
    choices: [present, absent]
    default: present
  remove_data:
    description: With O(state=absent), whether to remove its volumes and the images that were built for it as well.
    type: bool
    default: false
  networks:
    description: Networks that the project shares with others. They are made where they are missing, and never removed.
    type: list
    elements: str
    default: []
  port:
    description: The port of this machine that the project publishes, checked before anything is started; 0 checks nothing.
    type: int
    default: 0
  repeat:
    description:
      - Services that do their work and end, each with patterns of files, relative to O(path). A file that is newer than the last end
        makes the service run again.
    type: dict
    default: {}
  settings:
    description:
      - What C(.env) has to hold. The project's own script C(bin/dotenv) writes it, with C(KEY=VALUE …) as its arguments, and prints
        C(changed) or C(unchanged); with C(--check) before them it writes nothing. Empty leaves C(.env) as it is.
    type: dict
    default: {}
  wait_timeout:
    description: How long to wait for health, in seconds.
    type: int
    default: 180
  log:
    description: The file that is given what C(docker) prints while it builds and starts. A relative path is one below O(path).
    type: path
    default: reports/compose.log
  log_lines:
    description: How many of its last lines to show of what did not come up.
    type: int
    default: 15
attributes:
  check_mode:
    support: full
    description: The builder is asked whether an image would differ, and stopped at the first step that it would really take.
  diff_mode: {support: full, description: Shows what would be done.}
  idempotent: {support: full, description: "Where all is as declared and well, nothing is started."}
"""

EXAMPLES = r"""
- name: Run the service
  little_service.factory.compose_project:
    name: orbit-ledger
    path: /srv/services/orbit-ledger
    port: 8001
    networks: [little_services]
    settings:
      SERVICE_PORT: "8001"
    repeat:
      migrate: [server/*/migrations/*.py]

- name: Remove it with its data
  little_service.factory.compose_project:
    name: orbit-ledger
    path: /srv/services/orbit-ledger
    state: absent
    remove_data: true
"""

RETURN = r"""
plan:
  description: What was or would be done, in words such as V(recreate web).
  type: list
  elements: str
  returned: success
services:
  description: The services that go on running.
  type: list
  elements: str
  returned: with O(state=present)
last_words:
  description: The last lines of what failed, by service.
  type: dict
  returned: when something did not come up
"""

import contextlib
import pathlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.little_service.factory.plugins.module_utils import compose, ports
from ansible_collections.little_service.factory.plugins.module_utils.compose_cli import Project
from ansible_collections.little_service.factory.plugins.module_utils.docker_cli import DockerError


def present(project: Project, options: dict, check_mode: bool) -> dict:
    if check_mode and not project.engine_answers():
        return {"changed": True, "plan": [f"build and create {project.name}"], "services": []}
    check_port(project, options["port"])
    unset = project.settings_differ(options["settings"])
    if check_mode and not (project.path / ".env").exists():
        # Without it the compose files cannot be read; with new secrets in it every container is a new one.
        return {"changed": True, "plan": ["complete .env", f"build and create {project.name}"], "services": []}
    if unset and not check_mode:
        project.set_settings(options["settings"])
    config = project.config()
    wanted = compose.services(config)
    networks = [name for name in options["networks"] if name not in project.networks()]
    images = {service.image for service in wanted.values() if service.built}
    if not check_mode:
        for name in networks:
            project.docker("network", "create", name)
    newer = project.would_build(images, config) if check_mode else project.build(images)
    found = project.containers()
    remade = images if unset else newer  # what is built here is given .env as its environment
    other = {one.name for one in found if one.service in wanted and wanted[one.service].image in remade}
    other |= project.differing() if found else set()
    steps = compose.plan(wanted, found, other, project.outdated(found, options["repeat"]))
    if not check_mode:
        project.rouse(found, steps)
        if steps or compose.unwell(wanted, found):
            project.up(wanted, options["wait_timeout"])
    plan = ["complete .env"] if unset else []
    plan += [f"create the network {name}" for name in networks] + [f"build the image {image}" for image in sorted(newer)]
    plan += [f"{step} {service}" for service, step in sorted(steps.items())]
    return {"changed": bool(plan), "plan": plan, "services": sorted(name for name, service in wanted.items() if not service.ends)}


def check_port(project: Project, port: int) -> None:
    """:raises DockerError: where something else listens there."""
    if not port or ports.is_free(port):
        return
    owners = project.port_owners(port)
    if project.name in owners.values():
        return
    taken_by = ", ".join(f"the container {container}" for container in owners) or ports.holder(port)
    raise DockerError(
        f"Port {port} is taken by {taken_by}. Stop that, or give {project.name} another port: "
        f"change service_port in inventories/local/{project.name}.yml."
    )


def absent(project: Project, options: dict, check_mode: bool) -> dict:
    containers = project.labelled("container", "--all", form="{{.Names}}")
    networks = project.labelled("network", form="{{.Name}}")
    volumes = project.labelled("volume", form="{{.Name}}") if options["remove_data"] else []
    images = project.built_images() if options["remove_data"] else {}
    if not check_mode:
        if containers or networks:
            project.down()
        if volumes:
            project.docker("volume", "rm", *volumes)
        if images:
            project.docker("image", "rm", "--force", *images)
    plan = [f"remove the container {name}" for name in containers] + [f"remove the network {name}" for name in networks]
    plan += [f"remove the volume {name}, with its data" for name in volumes] + [f"remove the image {name}" for name in images.values()]
    return {"changed": bool(plan), "plan": plan}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "remove_data": {"type": "bool", "default": False},
            "networks": {"type": "list", "elements": "str", "default": []},
            "port": {"type": "int", "default": 0},
            "repeat": {"type": "dict", "default": {}},
            "settings": {"type": "dict", "default": {}},
            "wait_timeout": {"type": "int", "default": 180},
            "log": {"type": "path", "default": "reports/compose.log"},
            "log_lines": {"type": "int", "default": 15},
        },
        supports_check_mode=True,
    )
    options = module.params
    path = pathlib.Path(options["path"])
    # Where check mode finds other settings in .env, those that are to be count: they go before the file.
    # https://docs.docker.com/compose/how-tos/environment-variables/envvars-precedence/
    project = Project(options["name"], path, path / options["log"], options["log_lines"], options["settings"])
    try:
        with contextlib.nullcontext() if module.check_mode or not path.is_dir() else project.locked(options["wait_timeout"]):
            result = (present if options["state"] == "present" else absent)(project, options, module.check_mode)
    except DockerError as error:
        module.fail_json(msg=str(error), **error.details)
    if module._diff:
        done = "".join(f"{step}\n" for step in result["plan"])
        result["diff"] = {"before": "", "after": done, "before_header": "as it is", "after_header": "what is done"}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
