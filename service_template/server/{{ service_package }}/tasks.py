"""Celery's way in. Each task only calls a service; it may run twice, so the service is idempotent."""

from celery import shared_task

from foundation.outbox.tasks import Task

from . import services


@shared_task(base=Task)
def record_visit(counter_pk: int, value: int) -> None:
    services.record_visit(counter_pk, value)
