#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether Docker's engine and Compose v2 can be used, and what stands in the way."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: docker_engine_info
short_description: Tell whether Docker's engine and Compose v2 can be used, and what stands in the way
description:
  - Asks the engine that C(docker) would use, be it local, of a context, or of E(DOCKER_HOST).
  - One call of the client answers all of it, so it is cheap enough to be asked at the start of every run.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options: {}
attributes:
  check_mode: {support: full, description: It reads only.}
  diff_mode: {support: none, description: There is nothing to show.}
  idempotent: {support: full, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: Ask for Docker's engine
  little_service.factory.docker_engine_info:
  register: engine
"""

RETURN = r"""
state:
  description:
    - V(ready), an engine that answers, Compose v2 and buildx.
    - V(no_compose), an engine that answers, without Compose v2 or without buildx, which Compose builds with.
    - V(not_permitted), an engine whose socket this user may not use.
    - V(not_running), an engine is installed here and does not answer.
    - V(unreachable), an engine elsewhere (E(DOCKER_HOST) or a context) that does not answer.
    - V(absent), no engine is installed here, or no client. A client alone is not an engine.
  type: str
  returned: always
missing:
  description: What is to be installed, of V(engine), V(compose) and V(buildx).
  type: list
  elements: str
  returned: always
version:
  description: The engine's version, empty where it does not answer.
  type: str
  returned: always
compose_version:
  description: The version of the Compose plugin, empty where there is none.
  type: str
  returned: always
endpoint:
  description: The address at which the engine was asked.
  type: str
  returned: always
error:
  description: The client's own words where the engine does not answer.
  type: str
  returned: always
data_root:
  description: The folder of the engine's data, or where it would be; empty where it is not on this machine.
  type: str
  returned: always
free_bytes:
  description: The room left for the engine's data in bytes, -1 where it cannot be told from here.
  type: int
  returned: always
"""

import json
import os
import pathlib
import shutil
import subprocess

from ansible.module_utils.basic import AnsibleModule

LOCAL = "unix:///var/run/docker.sock"
DATA_ROOT = "/var/lib/docker"
SYSTEM_PATH = ":/usr/sbin:/usr/local/sbin"  # not on the PATH of every user


def ask() -> dict:
    """What ``docker info`` says; with the client's errors under ``error``. Empty where there is no client."""
    try:
        answer = subprocess.run(["docker", "info", "--format", "{{json .}}"], capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        return {}
    except subprocess.TimeoutExpired:
        return {"error": "it did not answer within 30 s"}
    try:
        info = json.loads(answer.stdout)
    except ValueError:
        info = {}
    errors = info.get("ServerErrors") or ([] if info.get("ServerVersion") else [answer.stderr.strip()])
    return {**info, "error": "; ".join(errors)}


def endpoint(info: dict) -> str:
    """Where the client asks: DOCKER_HOST, the current context, or the local socket."""
    where = os.environ.get("DOCKER_HOST", "")
    # An older client does not name its context in its answer.
    if info and not where and info.get("ClientInfo", {}).get("Context") != "default":
        form = "{{(index .Endpoints.docker).Host}}"
        shown = subprocess.run(["docker", "context", "inspect", "--format", form], capture_output=True, text=True, timeout=30, check=False)
        where = shown.stdout.strip()
    # https://docs.docker.com/reference/cli/docker/#environment-variables; /var/run is a link to /run.
    return LOCAL if where in ("", "unix://", "unix:///run/docker.sock") else where


def plugins(info: dict) -> dict[str, str]:
    """The plugins of the client that work, and their versions."""
    listed = (info.get("ClientInfo") or {}).get("Plugins") or []
    return {plugin["Name"]: plugin.get("Version", "").lstrip("v") for plugin in listed if not plugin.get("Err")}


def missing(info: dict, state: str) -> list[str]:
    """What is to be installed: a Compose of version 1 is none."""
    there = plugins(info)
    lacking = {
        "engine": state == "absent",
        "compose": there.get("compose", "").split(".")[0] in ("", "0", "1"),
        "buildx": "buildx" not in there,
    }
    return [name for name, lacks in lacking.items() if lacks]


def state(info: dict, where: str, has_engine: bool) -> str:
    """See RETURN; ``has_engine`` is whether dockerd is installed on this machine."""
    if info.get("ServerVersion"):
        return "no_compose" if missing(info, "") else "ready"
    # Over ssh these words are about a key.
    if where.startswith("unix:") and "permission denied" in info.get("error", "").lower():
        return "not_permitted"
    if where != LOCAL:
        return "unreachable"
    return "not_running" if has_engine and info else "absent"


def free_bytes(data_root: str) -> int:
    """The room in the file system where the engine's data are or would be; -1 where that is not on this machine."""
    if not data_root:
        return -1
    there = next(folder for folder in (pathlib.Path(data_root), *pathlib.Path(data_root).parents) if os.path.lexists(folder))
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return -1


def data_root(info: dict, where: str) -> str:
    """The folder of the data of an engine on this machine; Docker Desktop's is in a virtual machine, at a path that is not here."""
    named = info.get("DockerRootDir", "")
    if where != LOCAL or (named and not os.path.lexists(named)):
        return ""
    return named or DATA_ROOT


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    info = ask()
    where = endpoint(info)
    found = state(info, where, shutil.which("dockerd", path=os.environ.get("PATH", "") + SYSTEM_PATH) is not None)
    folder = data_root(info, where)
    module.exit_json(
        changed=False,
        state=found,
        missing=missing(info, found),
        version=info.get("ServerVersion", ""),
        compose_version=plugins(info).get("compose", ""),
        endpoint=where,
        error=info.get("error", ""),
        data_root=folder,
        free_bytes=free_bytes(folder),
    )


if __name__ == "__main__":
    main()
