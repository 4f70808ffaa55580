"""The base of every task that must not be lost, ``@shared_task(base=Task)``, and what beat asks for."""

import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import celery
from celery import shared_task
from celery.result import AsyncResult
from celery.utils.time import get_exponential_backoff_interval
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from foundation import tracing

from . import measures, services
from .models import Entry

logger = logging.getLogger(__name__)


class Task(celery.Task):  # type: ignore[type-arg] # generic in the stubs only
    """``delay`` writes the task into the outbox, as part of the transaction at hand.

    It runs inside a transaction, which marks it as done: what it does to the database happens once. What it does elsewhere
    may happen twice, so that must be idempotent. One that fails is tried again, later each time, at most ``max_retries`` times.
    """

    queue: str | None = None
    max_retries = 7
    backoff_seconds = 5
    longest_backoff_seconds = 3600

    def apply_async(  # type: ignore[override] # fewer options: what is not here, the outbox could not keep
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        countdown: float = 0,
        queue: str | None = None,
        producer: object = None,  # beat's own
    ) -> AsyncResult[Any]:
        """Write the task down; after the commit it is sent, or once ``countdown`` seconds are over."""
        entry = Entry.objects.create(
            name=self.name,
            arguments={"args": list(args or ()), "kwargs": dict(kwargs or {})},
            queue=queue or self.queue or settings.CELERY_TASK_DEFAULT_QUEUE,
            **tracing.current(),
            due_at=timezone.now() + (timedelta(seconds=countdown) if countdown else services.patience(0)),
        )
        if not countdown:
            # Robust: while Redis is away, what was asked for is done nevertheless, and the relay sends the task later.
            # Not a functools.partial: Django 5.2 cannot report its failure (https://code.djangoproject.com/ticket/36487).
            transaction.on_commit(lambda: services.publish(entry), robust=True)
        return self.AsyncResult(str(entry.pk))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly or self.request.is_eager:
            return self.run(*args, **kwargs)
        entry = self._begin()
        if entry is None:
            logger.info("%s is done already, or in other hands", self.name)
            return None
        with bound_contextvars(request_id=entry.request_id, user=entry.user):
            try:
                return self._work(entry, args, kwargs)
            except Exception:
                self._fail(entry, traceback.format_exc())
                raise

    def _begin(self) -> Entry | None:
        """Count the attempt before it is made: a task that kills its worker would never be counted after it."""
        with transaction.atomic():
            entry = self._lock()
            if entry is None:
                return None
            entry.attempts += 1
            if entry.attempts > self.max_retries + 1:
                entry.state, entry.due_at = Entry.State.FAILED, timezone.now()
                entry.error = (
                    entry.error or "Each worker that began it was lost: out of memory, or over the time limit?"
                )
            entry.save()
        return entry if entry.state == Entry.State.WAITING else None

    def _work(self, entry: Entry, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        start = time.perf_counter()
        with transaction.atomic():
            # The lock says that the task is in hand. It goes with the worker, so nobody need guess whether that lives.
            if self._lock() is None:
                return None
            result = self.run(*args, **kwargs)
            entry.state, entry.due_at, entry.error = Entry.State.DONE, timezone.now(), ""
            entry.save()
        logger.info("%s is done", self.name, extra={"milliseconds": round((time.perf_counter() - start) * 1000, 1)})
        return result

    def _fail(self, entry: Entry, error: str) -> None:
        retries = entry.attempts - 1
        seconds = get_exponential_backoff_interval(
            self.backoff_seconds, retries, self.longest_backoff_seconds, full_jitter=True
        )
        entry.state = Entry.State.FAILED if retries >= self.max_retries else Entry.State.WAITING
        entry.due_at = timezone.now() + timedelta(seconds=seconds)
        entry.sent = 0
        entry.error = error[-5000:]
        entry.save()

    def _lock(self) -> Entry | None:
        waiting = Entry.objects.filter(pk=str(self.request.id), state=Entry.State.WAITING)
        return waiting.select_for_update(skip_locked=True).first()


# What beat asks for (``CELERY_BEAT_SCHEDULE``) is not in the outbox itself: the next one makes up for one that is lost.
@shared_task
def relay() -> None:
    services.relay()


@shared_task
def tidy() -> None:
    services.tidy()


@shared_task
def write_metrics() -> None:
    measures.write()
