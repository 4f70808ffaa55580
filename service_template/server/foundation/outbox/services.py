"""What is done with the outbox's entries."""

from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from foundation import workers

from .models import Entry

# No more than this waits in a queue before its rest is sent: a Redis that was lost is soon full again, and a worker that
# was away for a day does not find each task twenty times.
_ROOM = 1000
_KEPT = timedelta(days=7)
_SENDS_OF_AN_UNKNOWN_TASK = 8


def patience(sent: int) -> timedelta:
    """How long to wait for an entry that is on its way, before it is sent again."""
    return timedelta(seconds=min(15 * 2**sent, 3600))


def publish(entry: Entry) -> None:
    """Put the entry into its queue in Redis. Not inside a transaction that locks it: the worker would find it locked."""
    current_app.send_task(entry.name, **entry.arguments, task_id=str(entry.pk), queue=entry.queue)


def relay() -> int:
    """Send what is due: not done in time, or due for another try. Returns how many. Any number may run at once."""
    return sum(_relay(queue.name) for queue in settings.CELERY_TASK_QUEUES)


def retry(entries: QuerySet[Entry]) -> int:
    """Give those that failed another chance; the next relay sends them."""
    failed = entries.filter(state=Entry.State.FAILED)
    return failed.update(state=Entry.State.WAITING, attempts=0, sent=0, due_at=timezone.now())


def tidy() -> int:
    """Forget what was done long ago. What failed stays until somebody has looked at it."""
    return Entry.objects.filter(state=Entry.State.DONE, due_at__lt=timezone.now() - _KEPT).delete()[0]


def _relay(queue: str) -> int:
    room = max(_ROOM - workers.depth(queue), 0)
    due = Entry.objects.filter(state=Entry.State.WAITING, queue=queue, due_at__lte=timezone.now())
    with transaction.atomic():
        # Not those that a worker or another relay has in hand.
        entries = list(due.select_for_update(skip_locked=True).order_by("due_at")[:room])
        for entry in entries:
            entry.due_at = timezone.now() + patience(entry.sent)
            entry.sent += 1
            if entry.name not in current_app.tasks and entry.sent > _SENDS_OF_AN_UNKNOWN_TASK:
                entry.state, entry.error = Entry.State.FAILED, "There is no task of this name."
        Entry.objects.bulk_update(entries, ["state", "due_at", "sent", "error"])
    for entry in entries:
        publish(entry)
    return len(entries)
