"""A callback of the tests: writes down what each task did, and kills the run where it is told to.

RECORD_FILE gets a line of JSON for each result. RECORD_KILL_TASK is the number of the task before whose start ansible-playbook is killed;
RECORD_KILL_NAMED kills a second after a task of that name has begun.
"""

from __future__ import annotations

import json
import os
import signal
import threading

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: Write down what each task did
description:
  - For the tests of the playbooks.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display=None, options=None):
        super().__init__(display=display, options=options)
        self._tasks = 0
        self._kill_at = int(os.environ.get("RECORD_KILL_TASK", "0"))
        self._kill_named = os.environ.get("RECORD_KILL_NAMED", "")

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._tasks += 1
        if self._tasks == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._kill_named and task.get_name().endswith(self._kill_named):
            threading.Timer(1, os.kill, (os.getpid(), signal.SIGKILL)).start()

    def v2_runner_on_ok(self, result):
        self._write(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write(result, "failed")

    def _write(self, result, status):
        got = result.result
        entry = {"number": self._tasks, "task": result.task.get_name(), "host": result.host.get_name(), "status": status}
        entry |= {
            "changed": bool(got.get("changed")),
            "steps": got.get("steps", []),
            "diff": got.get("diff", []),
            "msg": got.get("msg", ""),
        }
        with open(os.environ["RECORD_FILE"], "a", encoding="utf-8") as file:  # noqa: PTH123 appended in one write
            file.write(json.dumps(entry, default=str) + "\n")
