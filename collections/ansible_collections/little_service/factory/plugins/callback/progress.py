# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says, while a task takes long, that it still runs, for how long, and what it is at."""

from __future__ import annotations

DOCUMENTATION = """
name: progress
type: notification
short_description: Say that a long task still runs, and what it is at
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
description:
  - Ansible prints nothing between the start and the end of a task. This prints a line every few seconds while one runs.
  - A task that has the variable C(progress_log), the path of a file into which it writes, has the last line of that file shown.
  - A task that has the variable C(progress_lines), as true, has every line of that file printed as it comes, and nothing else.
  - A task that has the variable C(progress_interrupted) has it printed where the run is interrupted while the task runs.
  - A task that ends sooner than the interval prints nothing more than it did.
requirements:
  - enabled in C(callbacks_enabled)
options:
  interval:
    description: Seconds before the first line, and between two lines; 0 prints none.
    type: float
    default: 5
    ini:
      - section: callback_progress
        key: interval
    env:
      - name: LITTLE_SERVICE_PROGRESS_INTERVAL
"""

import atexit
import dataclasses
import os
import pathlib
import re
import shutil
import sys
import threading
import time

from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

LINES_INTERVAL = 1.0  # seconds, where each line is shown
TAIL = 4096  # bytes; enough for the last line of a log
# Colours and cursor movements of the programs whose output is shown: ECMA-48, 5.4.
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclasses.dataclass
class Running:
    """A task that runs on one host."""

    name: str
    host: str
    log: str
    start: float
    due: float  # when its next line is
    since: int = 0  # what the log held before belongs to an earlier run
    words: str = ""  # said where it is interrupted
    lines: bool = False  # whether its log is all that is shown


class CallbackModule(CallbackBase):
    """One thread, which sleeps until a line is due."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "little_service.factory.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display=None, options=None):
        super().__init__(display=display, options=options)
        self._play = None
        self._running: dict[tuple[str, str], Running] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._has_words = False

    def v2_playbook_on_play_start(self, play):
        self._play = play

    def v2_runner_on_start(self, host, task):
        lines = self._told(host, task, "progress_lines") == "True"
        if self.get_option("interval") <= 0 and not lines:
            return
        now = time.monotonic()
        log = self._told(host, task, "progress_log")
        words = self._told(host, task, "progress_interrupted")
        if words and not self._has_words:
            self._has_words = True
            atexit.register(self._interrupted)
        name = task.get_name().rpartition(" : ")[2]  # less the role's
        entry = Running(name, host.get_name(), log, now, now + self._pause(lines), _size(log), words, lines)
        with self._lock:
            self._running[task._uuid, host.get_name()] = entry
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, name="progress", daemon=True)
            self._thread.start()

    def v2_runner_on_ok(self, result):
        self._end(result)

    def v2_runner_on_skipped(self, result):
        self._end(result)

    def v2_runner_on_unreachable(self, result):
        self._end(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._end(result)

    def v2_playbook_on_stats(self, stats):
        self._ended.set()
        if self._thread is not None:
            self._thread.join(1)

    def _end(self, result):
        with self._lock:
            entry = self._running.pop((result.task._uuid, result.host.get_name()), None)
        if entry and entry.lines:
            self._show_lines(entry)

    def _pause(self, lines) -> float:
        return LINES_INTERVAL if lines else self.get_option("interval")

    def _show_lines(self, entry):
        said, entry.since = new_lines(entry.log, entry.since)
        for one in said:
            self._display.display(one)

    def _interrupted(self):
        """Ansible tells callbacks nothing of an interruption: it ends, and whatever had begun has not."""
        for entry in self._running.values():
            if entry.words:
                self._display.display(f"  ... {entry.host}: {entry.words}")

    def _told(self, host, task, variable) -> str:
        """A variable of the task's own; callbacks are handed variables as they were written."""
        if self._play is None or variable not in task.get_vars():
            return ""
        try:
            variables = self._play.get_variable_manager().get_vars(play=self._play, host=host, task=task)
            return str(Templar(loader=self._play.get_loader(), variables=variables).template(variables[variable]))
        except (AnsibleError, KeyError):
            return ""  # the task itself will say what is wrong with its variables

    def _beat(self):
        while True:
            with self._lock:
                now = time.monotonic()
                late = [entry for entry in self._running.values() if entry.due <= now]
                for entry in late:
                    entry.due = now + self._pause(entry.lines)
                # A task that starts meanwhile is due so many seconds after that at the earliest.
                pause = min([LINES_INTERVAL, *(entry.due - now for entry in self._running.values())])
            for entry in [one for one in late if one.lines]:
                self._show_lines(entry)
            for entry in [one for one in late if not one.lines]:
                self._display.display(line(entry, now, width()))
            if self._ended.wait(pause):
                return


def width() -> int:
    """The columns of the terminal; a file or a pipe has as many as a log is read with."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 160


def line(entry: Running, now: float, columns: int) -> str:
    """What is shown of a task that runs, in one line of the terminal."""
    seconds = round(now - entry.start)
    took = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"
    said = last_line(entry.log, entry.since)
    text = f"  ... {entry.host}: {entry.name}, {took}" + (f": {said}" if said else "")
    return text if len(text) < columns else text[: columns - 2] + "…"


def last_line(log: str, since: int = 0) -> str:
    """The last line of a file that says something, less control characters; empty where there is none."""
    if not log:
        return ""
    try:
        with pathlib.Path(log).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            # A file that has shrunk was begun anew.
            file.seek(max(0 if size < since else since, size - TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    said = [stripped for part in re.split(r"[\r\n]", text) if (stripped := CONTROL.sub("", part).strip())]
    return said[-1] if said else ""


def new_lines(log: str, since: int) -> tuple[list[str], int]:
    """The whole lines that a file has got since it was so long, less control characters, and how long it is with them."""
    try:
        with pathlib.Path(log).open("rb") as file:
            file.seek(since)
            got = file.read()
    except OSError:
        return [], since
    whole = got[: got.rfind(b"\n") + 1]
    return [CONTROL.sub("", one) for one in whole.decode("utf-8", "replace").splitlines()], since + len(whole)


def _size(log: str) -> int:
    try:
        return pathlib.Path(log).stat().st_size if log else 0
    except OSError:
        return 0
