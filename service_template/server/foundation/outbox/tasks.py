"""What beat asks for (``CELERY_BEAT_SCHEDULE``). Not in the outbox themselves: the next one makes up for one that is lost."""

from celery import shared_task

from foundation import metrics

from . import services


@shared_task
def relay() -> None:
    services.relay()


@shared_task
def tidy() -> None:
    services.tidy()


@shared_task
def write_metrics() -> None:
    metrics.write_tasks()
