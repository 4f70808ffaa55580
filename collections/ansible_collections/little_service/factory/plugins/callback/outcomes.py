# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends a run over several services with a table: how each ended, and what is to be done."""

from __future__ import annotations

DOCUMENTATION = """
name: outcomes
type: notification
short_description: End a run over several hosts with a table of outcomes
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
description:
  - A host that fails leaves a run, and the others go on without it. This prints, below the recap of a run over more than one host,
    a table with a line for each, so that nobody has to look for it in the log of all.
  - What a host told with M(ansible.builtin.set_stats) as C(outcome) and C(words), with C(per_host), is what is shown of it.
  - Of a host that told nothing and failed, its error is shown.
  - A host that left before its end without a failure, such as a service that is absent, is not shown.
requirements:
  - enabled in C(callbacks_enabled)
"""

from ansible.plugins.callback import CallbackBase
from ansible_collections.little_service.factory.plugins.filter.text_table import text_table

COLUMNS = ["service", "outcome", "words"]
SHARED = "What services share failed in the task “{}”; it is done once for all, and its error is told above."


class CallbackModule(CallbackBase):
    """Notes failures as they come, and which hosts were still in the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "little_service.factory.outcomes"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display=None, options=None):
        super().__init__(display=display, options=options)
        self._failed: dict[str, str] = {}
        self._stopped = ""  # the task by which those that are still there were stopped
        self._last: dict[str, str] = {}  # the last task that a host began
        self._task = ""  # the last task that each host begins for itself

    def v2_runner_on_start(self, host, task):
        if not task.run_once:
            self._task = task._uuid
        self._last[host.get_name()] = self._task

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if not ignore_errors:
            self._failed[result.host.get_name()] = self._error(result.result)
            if result.task.run_once:
                self._stopped = result.task.get_name()

    def v2_runner_on_unreachable(self, result):
        self._failed[result.host.get_name()] = self._error(result.result)

    def v2_playbook_on_stats(self, stats):
        rows = list(filter(None, (self._row(host, stats) for host in sorted({*stats.processed, *self._last}))))
        if len(rows) < 2:
            return
        self._display.display("\n".join(["", *text_table(rows, COLUMNS)]))
        again = [row["service"] for row in rows if row["outcome"] in ("failed", "stopped")]
        if again:
            self._display.display(f"\nTo take only those that failed, type the same with: -e name={','.join(again)}")

    def _row(self, host, stats):
        told = stats.custom.get(host, {})
        if "outcome" in told:
            return {"service": host, **told}
        if host in self._failed:
            return {"service": host, "outcome": "failed", "words": self._failed[host]}
        # A task that is run once for all ends, where it fails, the run of all.
        if self._stopped and self._last[host] == self._task:
            return {"service": host, "outcome": "stopped", "words": SHARED.format(self._stopped)}
        return None

    @staticmethod
    def _error(result) -> str:
        said = result.get("msg") or next((one["msg"] for one in result.get("results") or [] if one.get("failed") and one.get("msg")), "")
        return str(said) or "It said nothing; the log above may."
