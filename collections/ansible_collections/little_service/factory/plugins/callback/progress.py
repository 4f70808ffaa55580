# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says, while a task takes long, that it still runs, and for how long."""

from __future__ import annotations

DOCUMENTATION = """
name: progress
type: notification
short_description: Say that a long task still runs
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
description:
  - Ansible prints nothing between the start and the end of a task. This prints a line every few seconds while one runs.
  - A task that ends sooner prints nothing more than it did.
requirements:
  - enabled in C(callbacks_enabled)
options:
  interval:
    description: Seconds between two lines, and before the first.
    type: float
    default: 5
    ini:
      - section: callback_progress
        key: interval
    env:
      - name: LITTLE_SERVICE_PROGRESS_INTERVAL
"""

import threading
import time

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """One thread, which sleeps while no task runs longer than the interval."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "little_service.factory.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display=None, options=None):
        super().__init__(display=display, options=options)
        self._lock = threading.Lock()
        self._running = {}  # (task, host) -> (name, host, start)
        self._ended = threading.Event()
        self._thread = None

    def v2_runner_on_start(self, host, task):
        with self._lock:
            self._running[task._uuid, host.get_name()] = (task.get_name(), host.get_name(), time.monotonic())
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, name="progress", daemon=True)
            self._thread.start()

    def _end(self, result):
        with self._lock:
            self._running.pop((result._task._uuid, result._host.get_name()), None)

    v2_runner_on_ok = v2_runner_on_skipped = v2_runner_on_unreachable = _end

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._end(result)

    def v2_playbook_on_stats(self, stats):
        self._ended.set()

    def _beat(self):
        interval = self.get_option("interval")
        while not self._ended.wait(interval):
            now = time.monotonic()
            with self._lock:
                long = [entry for entry in self._running.values() if now - entry[2] >= interval]
            for name, host, start in long:
                self._display.display(f"  ... {name} [{host}]: {now - start:.0f} s")
