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
    - V(ready), an engine that answers and Compose v2.
    - V(no_compose), an engine that answers without Compose v2.
    - V(not_permitted), an engine whose socket this user may not use.
    - V(not_running), an engine is installed here and does not answer.
    - V(unreachable), an engine elsewhere (E(DOCKER_HOST) or a context) that does not answer.
    - V(absent), no engine is installed here. A client alone is not an engine.
  type: str
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
  description: The folder of the engine's data, empty where it is not on this machine.
  type: str
  returned: always
free_bytes:
  description: The room left for the engine's data in bytes, -1 where it cannot be told from here.
  type: int
  returned: always
"""

import json
import os
import shutil
import subprocess

from ansible.module_utils.basic import AnsibleModule

LOCAL = "unix:///var/run/docker.sock"


def ask() -> dict:
    """What ``docker info`` says; with the client's errors under ``error``. Empty where there is no client."""
    try:
        answer = subprocess.run(["docker", "info", "--format", "{{json .}}"], capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        return {}
    except subprocess.TimeoutExpired:
        return {"error": "the engine did not answer within 30 s"}
    try:
        info = json.loads(answer.stdout)
    except ValueError:
        info = {}
    errors = info.get("ServerErrors") or ([] if info.get("ServerVersion") else [answer.stderr.strip()])
    return {**info, "error": "; ".join(errors)}


def endpoint() -> str:
    """Where the client asks: DOCKER_HOST, the current context, or the local socket."""
    if os.environ.get("DOCKER_HOST"):
        return os.environ["DOCKER_HOST"]
    form = "{{(index .Endpoints.docker).Host}}"
    try:
        shown = subprocess.run(
            ["docker", "context", "inspect", "--format", form], capture_output=True, text=True, timeout=30, check=False
        ).stdout.strip()
    except (FileNotFoundError, subprocess.TimeoutExpired):
        shown = ""
    return shown or LOCAL


def state(info: dict, where: str, has_engine: bool) -> str:
    """See RETURN; ``has_engine`` is whether dockerd is installed on this machine."""
    if info.get("ServerVersion"):
        return "ready" if compose_version(info).lstrip("v").split(".")[0] not in ("", "0", "1") else "no_compose"
    if "permission denied" in info.get("error", "").lower():
        return "not_permitted"
    if where != LOCAL:
        return "unreachable"
    return "not_running" if has_engine else "absent"


def compose_version(info: dict) -> str:
    """The version of the Compose plugin of the client."""
    plugins = (info.get("ClientInfo") or {}).get("Plugins") or []
    return next((plugin.get("Version", "") for plugin in plugins if plugin.get("Name") == "compose"), "")


def free_bytes(data_root: str) -> int:
    """The room left in the file system of a folder, -1 where the folder is not on this machine or not to be read."""
    try:
        return shutil.disk_usage(data_root).free if data_root else -1
    except OSError:
        return -1


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    info = ask()
    answers = bool(info.get("ServerVersion"))
    where = LOCAL if answers and not os.environ.get("DOCKER_HOST") else endpoint()
    data_root = info.get("DockerRootDir", "") if answers else ""
    module.exit_json(
        changed=False,
        state=state(info, where, shutil.which("dockerd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") is not None),
        version=info.get("ServerVersion", ""),
        compose_version=compose_version(info),
        endpoint=where,
        error=info.get("error", ""),
        data_root=data_root,
        free_bytes=free_bytes(data_root),
    )


if __name__ == "__main__":
    main()
