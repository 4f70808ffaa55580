"""When things happen: how long AWS takes, how fast the sandbox lets that pass, and what falls due meanwhile.

Nothing runs by itself: what is due is done before the next request is answered, in the order in which it fell due.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import heapq
import itertools
import logging
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

PROFILES = ("none", "real")
ASIDE = -1.0
T = TypeVar("T")
_beside = concurrent.futures.ThreadPoolExecutor(max_workers=32, thread_name_prefix="beside")


def beside(work: Callable[[], T]) -> Generator[float, None, T]:
    """A part of a story that is done beside the sandbox, which answers others meanwhile: its result, or its error.

    The work runs in a thread without the sandbox's lock: it touches no state and calls nothing of the sandbox's.
    """
    doing = _beside.submit(work)
    while not doing.done():
        yield ASIDE
    return doing.result()


class Clock:
    """Seconds of AWS's time to come, told in time of this machine. The profile ``none`` lets them pass at once."""

    def __init__(self) -> None:
        self.profile, self.speed = "none", 1.0
        self._due: list[tuple[float, int, Callable[[], Any]]] = []
        self._aside: list[Callable[[], Any]] = []
        self._count = itertools.count()
        self._at: float | None = None
        self._ahead = 0.0  # seconds that were skipped

    def _time(self) -> float:
        return time.time() + self._ahead

    def now(self) -> datetime.datetime:
        """The time, or that at which the step that is being done fell due."""
        return datetime.datetime.fromtimestamp(self._at or self._time(), datetime.UTC)

    def length(self, seconds: float) -> float:
        """What so many seconds on AWS last here."""
        return 0.0 if self.profile == "none" else seconds / self.speed

    def after(self, seconds: float, step: Callable[[], Any], *, as_is: bool = False) -> None:
        """Have a step done when so many seconds of AWS's time have passed, or so many of ours."""
        length = seconds if as_is else self.length(seconds)
        heapq.heappush(self._due, ((self._at or self._time()) + length, next(self._count), step))

    def play(self, story: Generator[float, None, None]) -> None:
        """Do a story's next part, and the one after it when as many seconds as it yields have passed.

        A story that waits for somebody yields ``ASIDE``: it is asked again before each request.
        """

        def step() -> None:
            seconds = next(story, None)
            if seconds == ASIDE:
                self._aside.append(step)
            elif seconds is not None:
                self.after(seconds, step)

        step()

    def run_due(self) -> None:
        """Do what has fallen due, and what that makes due in turn."""
        waiting, self._aside = self._aside, []
        self._due += [(0.0, next(self._count), step) for step in waiting]
        heapq.heapify(self._due)
        while self._due and self._due[0][0] <= self._time():
            self._at, _, step = heapq.heappop(self._due)
            try:
                step()
            except Exception:
                logging.getLogger("sandbox").exception("A step that was due failed; what it belongs to stays as it is.")
            finally:
                self._at = None

    def set(self, profile: str, speed: float) -> None:
        """Change how time passes; what was under way keeps its share of what was left."""
        now, before = self._time(), self.speed
        self.profile, self.speed = profile, speed
        rest = 0.0 if profile == "none" else before / speed
        self._due = [(now + max(0.0, due - now) * rest, count, step) for due, count, step in self._due]
        heapq.heapify(self._due)

    def skip(self, seconds: float) -> None:
        """Let so many seconds of AWS's time pass at once: a test need not wait for them."""
        self._ahead += self.length(seconds)

    def clear(self) -> None:
        self._due.clear()
        self._aside.clear()
        self._ahead = 0.0
