#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Compose project, built, running and healthy; or gone."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: compose_project
short_description: Have a Compose project built, running and healthy; or gone
description:
  - Builds the images, compares the containers with the declaration, and runs C(docker compose up --wait) only where something differs.
  - Stands in for M(community.docker.docker_compose_v2), which starts a service that does its work and ends (a migration) in each run, so
    it reports a change in every run, and whose check mode takes every container for one to be made again.
  - External networks that are missing are made.
  - Where a service does not come up, fails with its state and its last log lines.
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
  port:
    description: The port of this machine that the project publishes, checked before anything is started; 0 checks nothing.
    type: int
    default: 0
  settings:
    description: What C(.env) holds or will hold; in check mode, where it is not written, the project is compared with these values.
    type: dict
    default: {}
  wait_timeout:
    description: How long to wait for health, in seconds.
    type: int
    default: 180
  log_lines:
    description: How many of its last log lines to show of a service that did not come up.
    type: int
    default: 15
attributes:
  check_mode:
    support: full
    description:
      - The images are built under another name to learn whether they would differ, so that much time may be taken; nothing else is written.
      - Where C(.env) is missing the compose files cannot be read, and all that is said is that the project would be made.
  diff_mode: {support: full, description: Shows what would be done to each service.}
  idempotent: {support: full, description: "Where all is as declared and well, nothing is started."}
"""

EXAMPLES = r"""
- name: Run the service
  little_service.factory.compose_project:
    name: orbit-ledger
    path: /srv/services/orbit-ledger
    port: 8001

- name: Remove it with its data
  little_service.factory.compose_project:
    name: orbit-ledger
    path: /srv/services/orbit-ledger
    state: absent
    remove_data: true
"""

RETURN = r"""
plan:
  description: What was or would be done, by service or thing, V(create), V(recreate), V(start), V(remove) or V(build).
  type: dict
  returned: success
services:
  description: The services that are declared.
  type: list
  elements: str
  returned: with O(state=present)
"""

import copy
import json
import os
import pathlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.little_service.factory.plugins.module_utils import compose, ports


class Project:
    """One project. All that changes something goes through `docker`."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.name: str = module.params["name"]
        self.path = pathlib.Path(module.params["path"])
        # Which files and which project are meant is said by the caller of this module, not by the shell of whoever runs it.
        for variable in ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"):
            os.environ.pop(variable, None)

    def docker(self, *arguments: str, data: str | None = None) -> str:
        """Run docker in the project's folder and return what it printed; fail with its own words."""
        status, output, errors = self.try_docker(*arguments, data=data)
        if status:
            self.module.fail_json(msg=f"docker {' '.join(arguments[:3])} failed for {self.name}: {last_lines(errors or output, 15)}")
        return output

    def try_docker(self, *arguments: str, data: str | None = None) -> tuple[int, str, str]:
        cwd = str(self.path) if self.path.is_dir() else None
        # Compose takes a variable of the environment before that of .env.
        settings = self.module.params["settings"] if self.module.check_mode else {}
        environment = {"BUILDKIT_PROGRESS": "plain", **{key: str(value) for key, value in settings.items()}}
        return self.module.run_command(["docker", *arguments], cwd=cwd, data=data, environ_update=environment)

    def config(self) -> dict:
        return json.loads(self.docker("compose", "config", "--format", "json"))

    def labelled(self, kind: str, *more: str) -> list[str]:
        """The ids of the project's containers, networks, volumes or images."""
        # `docker image ls` repeats an image for each of its tags.
        listed = self.docker(kind, "ls", "--quiet", "--filter", f"label={compose.PROJECT}={self.name}", *more).split()
        return list(dict.fromkeys(listed))

    def containers(self) -> list[compose.Container]:
        ids = self.labelled("container", "--all")
        return compose.containers(json.loads(self.docker("container", "inspect", *ids))) if ids else []

    def image_id(self, reference: str) -> str:
        status, output, _ = self.try_docker("image", "inspect", "--format", "{{.Id}}", reference)
        return "" if status else output.strip()

    def build(self, config: dict) -> dict[str, str]:
        """Build the images and return their ids by reference. In check mode they are built under another name, and removed."""
        built = [service for service in config["services"].values() if "build" in service]
        if not built:
            return {}
        if not self.module.check_mode:
            self.docker("compose", "build", "--quiet")
            return {service["image"]: self.image_id(service["image"]) for service in built}
        trial = {service["image"]: f"{service['image']}-check" for service in built}
        for service in built:
            service["image"] = trial[service["image"]]
        self.docker("compose", "--file", "-", "--project-directory", str(self.path), "build", "--quiet", data=json.dumps(config))
        ids = {reference: self.image_id(name) for reference, name in trial.items()}
        self.docker("image", "rm", *trial.values())
        return ids

    def differences(self, config: dict, before: dict[str, str], built: dict[str, str]) -> dict[str, str]:
        """The services whose containers are not as declared, or not of the newest image."""
        newer = [reference for reference, image in built.items() if image != before[reference]]
        of_newer = {
            name: "recreate"
            for name, service in config["services"].items()
            if service["image"] in newer or self.has_older_settings(service)
        }
        if self.module.check_mode and "" in before.values():
            return of_newer  # without an image there is no container to compare
        options = ("--no-start", "--no-build", "--remove-orphans")
        status, output, errors = self.try_docker("compose", "--dry-run", "up", *options)
        if status:
            self.module.fail_json(msg=f"{self.name} cannot be compared with its compose files: {last_lines(errors, 5)}")
        return {**of_newer, **compose.differences(output + errors, self.name)}

    def has_older_settings(self, service: dict) -> bool:
        """Whether a service gets .env as its environment and, in check mode, .env is not written yet."""
        given = service.get("environment") or {}
        return any(key in given and given[key] != str(value) for key, value in self.module.params["settings"].items())

    def missing_networks(self, config: dict) -> list[str]:
        external = [network["name"] for network in (config.get("networks") or {}).values() if network.get("external")]
        there = self.docker("network", "ls", "--format", "{{.Name}}").split()
        return [name for name in external if name not in there]

    def check_port(self) -> None:
        port = self.module.params["port"]
        if not port:
            return
        ours = self.docker("ps", "--quiet", "--filter", f"publish={port}", "--filter", f"label={compose.PROJECT}={self.name}")
        if ours or ports.is_free(port):
            return
        other = self.docker("ps", "--format", "the container {{.Names}}", "--filter", f"publish={port}").strip()
        self.module.fail_json(
            msg=f"Port {port} is taken by {other or ports.holder(port)}. Stop that, or give {self.name} another port: "
            f"change service_port in inventories/local/{self.name}.yml."
        )

    def up(self, services: dict[str, bool]) -> None:
        timeout = str(self.module.params["wait_timeout"])
        status, output, errors = self.try_docker(
            "compose", "up", "--detach", "--no-build", "--wait", "--wait-timeout", timeout, "--remove-orphans"
        )
        unwell = compose.unwell(services, self.containers())
        if not status and not unwell:
            return
        lines = [f"{self.name} did not come up."]
        for service, words in unwell.items():
            lines.append(f"{service} {words}.")
            if "was not started" not in words:
                shown = self.docker(
                    "compose", "logs", "--no-color", "--no-log-prefix", "--tail", str(self.module.params["log_lines"]), service
                )
                lines += [f"  | {line}" for line in shown.splitlines()] or ["  | (it wrote nothing)"]
        if not unwell:
            lines.append(last_lines(errors or output, 5))
        lines.append(f"To see more, type: make -C {self.path} logs")
        self.module.fail_json(msg="\n".join(lines))


def last_lines(text: str, count: int) -> str:
    return "\n".join(text.strip().splitlines()[-count:])


def present(project: Project) -> dict:
    module = project.module
    if module.check_mode and not (project.path / ".env").exists():
        return {"changed": True, "plan": {project.name: "create"}, "services": []}
    config = project.config()
    services = compose.ends(config)
    before = {service["image"]: project.image_id(service["image"]) for service in config["services"].values() if "build" in service}
    built = project.build(copy.deepcopy(config))
    plan = {f"image {reference}": "build" for reference, image in built.items() if image != before[reference]}
    networks = project.missing_networks(config)
    plan.update({f"network {name}": "create" for name in networks})
    if not module.check_mode:
        for name in networks:
            project.docker("network", "create", name)
    steps = compose.plan(services, project.containers(), project.differences(config, before, built))
    plan.update(steps)
    if steps:
        project.check_port()
        if not module.check_mode:
            project.up(services)
    return {"changed": bool(plan), "plan": plan, "services": list(services)}


def absent(project: Project) -> dict:
    module = project.module
    plan = {f"container {container.service}": "remove" for container in project.containers()}
    plan.update({f"network {name}": "remove" for name in project.labelled("network", "--format", "{{.Name}}")})
    volumes = images = []
    if module.params["remove_data"]:
        volumes, images = project.labelled("volume"), project.labelled("image")
        plan.update({f"volume {name}": "remove" for name in volumes})
        plan.update({f"image {name}": "remove" for name in images})
    if plan and not module.check_mode:
        project.docker("compose", "--project-name", project.name, "down", "--remove-orphans")
        left = project.labelled("container", "--all")
        if left:
            project.docker("container", "rm", "--force", *left)
        for kind, names in (("volume", volumes), ("image", images)):
            if names:
                project.docker(kind, "rm", "--force", *names)
    return {"changed": bool(plan), "plan": plan}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "remove_data": {"type": "bool", "default": False},
            "port": {"type": "int", "default": 0},
            "settings": {"type": "dict", "default": {}},
            "wait_timeout": {"type": "int", "default": 180},
            "log_lines": {"type": "int", "default": 15},
        },
        supports_check_mode=True,
    )
    result = (present if module.params["state"] == "present" else absent)(Project(module))
    if module._diff:
        lines = "".join(f"{step} {name}\n" for name, step in result["plan"].items())
        result["diff"] = {"before": "", "after": lines, "before_header": "as it is", "after_header": "what is done"}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
