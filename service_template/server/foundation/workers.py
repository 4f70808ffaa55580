"""What Celery lacks: heartbeats, one beat in the whole fleet, and a word with the broker that does not take long.

Heartbeats are files whose age the containers' health checks look at. That costs nothing, where ``celery inspect ping``
starts a whole Django each time and fails while all hands are busy (https://github.com/celery/celery/issues/4079).
"""

import logging
from functools import cache
from pathlib import Path
from typing import Any

from celery import bootsteps
from celery.beat import PersistentScheduler
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from redis import Redis

from foundation import locks

logger = logging.getLogger(__name__)

WORKER = Path("/tmp/worker.heartbeat")  # noqa: S108 the container's own /tmp
BEAT = Path("/tmp/beat.heartbeat")  # noqa: S108 the container's own /tmp


class WorkerHeartbeat(bootsteps.StartStopStep):
    """Touches its file from the loop that takes tasks off the queue: it stops when that loop does."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: Any) -> None:
        parent.timer.call_repeatedly(5.0, WORKER.touch)


class Scheduler(PersistentScheduler):
    """Celery's own scheduler, one in the whole fleet: it sends what is due while it holds a lock in MySQL.

    Any number may run; when the holder goes, another finds the lock free within ``CELERY_BEAT_MAX_LOOP_INTERVAL``. In that
    moment something may be sent twice or late, which scheduled tasks bear.
    """

    _leads: bool | None = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        BEAT.touch()
        if not self._lead():
            return float(settings.CELERY_BEAT_MAX_LOOP_INTERVAL)
        self._follow_the_clock()
        return super().tick(*args, **kwargs)

    def _follow_the_clock(self) -> None:
        """Where it was put back, Celery would wait until it has caught up."""
        now = timezone.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            # Celery's own queue has times of the old clock, and entries that are no longer those of the schedule.
            self.populate_heap()

    def _lead(self) -> bool:
        led = self._leads
        try:
            self._leads = locks.hold(connection, "beat")
        except DatabaseError:
            # With its connection the lock is gone; the next tick makes another.
            connection.close()
            self._leads = False
            logger.warning("MySQL is away: nothing is scheduled", exc_info=led is not False)  # the reason once
        if self._leads != led:
            logger.info("This beat schedules now" if self._leads else "This beat waits")
        return self._leads


def ping() -> None:
    """The broker answers, within a second."""
    _broker(settings.CELERY_BROKER_URL).ping()


def depth(queue: str) -> int:
    """How many messages wait in the queue, which Celery keeps as a list of that name."""
    return int(_broker(settings.CELERY_BROKER_URL).llen(queue))


@cache
def _broker(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
