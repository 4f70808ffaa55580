# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have the sandbox answer. Documented in modules/sandbox_running.py."""

from __future__ import annotations

import importlib
import pathlib
import sys
import urllib.parse

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

HERE = pathlib.Path(__file__).resolve().parents[6]


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("url", "root", "mode"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        url = self._task.args["url"]
        daemon = _daemon(pathlib.Path(self._task.args.get("root") or HERE).resolve())
        port = _port(url)
        try:
            before = daemon.log_file(port).exists()
            said, new = daemon.start(port, self._task.args.get("mode") or None)
        except daemon.SandboxError as error:
            raise AnsibleActionFail(str(error)) from None
        emptied = new and before
        msg = f"The sandbox runs on {url}."
        if new:
            msg = f"The sandbox was started on {url}." + (" It had ended since it last ran: what stood in it is gone." if before else "")
        result.update(changed=new, emptied=emptied, msg=msg, **{key: said[key] for key in ("pid", "started", "clock", "mode")})
        return result


def _port(url: str) -> int:
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost") or not port:
        raise AnsibleActionFail(
            f"The sandbox's address is {url!r}, which is none of this machine. "
            "Set aws_endpoint_url in inventories/sandbox/group_vars/all.yml, or LITTLE_SERVICE_SANDBOX_URL, to http://127.0.0.1:4566."
        )
    return port


def _daemon(root: pathlib.Path):
    """sandbox/core/daemon.py of this project; it is no part of the collection."""
    if not (root / "sandbox/core/daemon.py").is_file():
        raise AnsibleActionFail(f"There is no sandbox in {root}. Set root to the folder of Little Service.")
    sys.path.insert(0, str(root))
    try:
        return importlib.import_module("sandbox.core.daemon")
    finally:
        sys.path.remove(str(root))
