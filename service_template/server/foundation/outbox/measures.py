"""How queues and tasks are, for Prometheus, for CloudWatch and for `make tasks`. What cannot be asked is left out."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import RedisError

from foundation import metrics, workers

from .models import Entry


def depths() -> dict[str, int]:
    """How many messages wait in each queue."""
    with suppress(RedisError):
        return {queue.name: workers.depth(queue.name) for queue in settings.CELERY_TASK_QUEUES}
    return {}


def tasks() -> dict[str, float]:
    """How many tasks are in which state, and for how long the oldest waits for a relay. Each is one look into an index."""
    with suppress(DatabaseError):
        entries = Entry.objects.filter(queue__in=[queue.name for queue in settings.CELERY_TASK_QUEUES])
        waiting, now = entries.filter(state=Entry.State.WAITING), timezone.now()
        done = entries.filter(state=Entry.State.DONE, due_at__gte=now - timedelta(minutes=1))
        oldest = waiting.aggregate(oldest=Min("due_at"))["oldest"] or now
        return {
            "tasks_waiting": waiting.count(),
            "tasks_failed": entries.filter(state=Entry.State.FAILED).count(),
            "tasks_done_last_minute": done.count(),
            "outbox_lag_seconds": max((now - oldest).total_seconds(), 0.0),
        }
    return {}


def write() -> None:
    """Log them for CloudWatch. Beat has it done once a minute, by one worker."""
    numbers = {name.title().replace("_", ""): number for name, number in tasks().items()}
    if queues := depths():
        numbers["QueueDepth"] = sum(queues.values())
    metrics.write(numbers)


class TaskCollector(Collector):
    """Asks MySQL and Redis at each scrape: the same whichever process is asked."""

    def collect(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("queue_depth", "Messages that wait in Redis.", labels=["queue"])
        for queue, number in depths().items():
            depth.add_metric([queue], number)
        yield depth
        for name, value in tasks().items():
            yield GaugeMetricFamily(name, name.replace("_", " "), value=value)
