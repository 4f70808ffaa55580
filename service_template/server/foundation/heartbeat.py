"""Heartbeats of worker and beat: files whose age the containers' health checks look at.

That costs nothing, where ``celery inspect ping`` starts a whole Django each time and fails while all hands are busy
(https://github.com/celery/celery/issues/4079).
"""

from pathlib import Path
from typing import Any

from celery import bootsteps
from celery.beat import PersistentScheduler

WORKER = Path("/tmp/worker.heartbeat")  # noqa: S108 the container's own /tmp
BEAT = Path("/tmp/beat.heartbeat")  # noqa: S108 the container's own /tmp


class WorkerHeartbeat(bootsteps.StartStopStep):
    """Touches its file from the loop that takes tasks off the queue: it stops when that loop does."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: Any) -> None:
        parent.timer.call_repeatedly(5.0, WORKER.touch)


class Scheduler(PersistentScheduler):
    """Celery's own scheduler, which touches its file whenever it looks for what is due."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        BEAT.touch()
        return super().tick(*args, **kwargs)
