"""How the outbox is, for metrics. Each is one look into an index, or one question to Redis."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from foundation import broker

from .models import Entry


def depths() -> dict[str, int]:
    """How many messages wait in each queue."""
    return {queue.name: broker.depth(queue.name) for queue in settings.CELERY_TASK_QUEUES}


def waiting() -> int:
    """How many tasks are not done yet."""
    return Entry.objects.filter(state=Entry.State.WAITING).count()


def failed() -> int:
    """How many tasks were given up."""
    return Entry.objects.filter(state=Entry.State.FAILED).count()


def done_last_minute() -> int:
    """How many tasks were done in the last minute."""
    since = timezone.now() - timedelta(minutes=1)
    queues = [queue.name for queue in settings.CELERY_TASK_QUEUES]
    return Entry.objects.filter(state=Entry.State.DONE, queue__in=queues, due_at__gte=since).count()


def lag() -> float:
    """For how many seconds the oldest task has been waiting for a relay that should have sent it."""
    oldest = Entry.objects.filter(state=Entry.State.WAITING).aggregate(oldest=Min("due_at"))["oldest"]
    return max((timezone.now() - oldest).total_seconds(), 0.0) if oldest else 0.0
