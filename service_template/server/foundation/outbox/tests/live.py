"""Real workers and beats for tests, on the tests' own database and queues."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis

from .. import services
from ..models import Entry


def process_environment(**variables: str) -> dict[str, str]:
    """Variables for a process that works on the tests' database."""
    return os.environ | {"DATABASE_NAME": str(connection.settings_dict["NAME"])} | variables


def redis() -> Redis:
    """The tests' own Redis database."""
    return Redis.from_url(settings.CELERY_BROKER_URL)


def start(command: str, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
    """A worker or a beat as in production, which a test may kill with all its children."""
    return subprocess.Popen(
        ["docker-entrypoint.sh", command, *arguments],
        env=process_environment(WORKER_CONCURRENCY="1"),
        start_new_session=True,
        text=True,
        **streams,
    )


@contextmanager
def worker(*arguments: str) -> Iterator[None]:
    """A worker, until the end of the test."""
    process = start("worker", *arguments)
    try:
        yield
        process.terminate()
        assert process.wait(timeout=90) == 0
    finally:
        process.kill()
        process.wait()
        current_app.control.purge()


def eventually(promise: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not promise():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.1)


def entry(name: str) -> Entry:
    """The one task of this name in ``work.py``."""
    return Entry.objects.get(name=f"foundation.outbox.tests.work.{name}")


def relay_at_once() -> int:
    """Relay as if the time of waiting were over, for all that is in nobody's hand."""
    with transaction.atomic():
        waiting = Entry.objects.filter(state=Entry.State.WAITING).select_for_update(skip_locked=True)
        Entry.objects.filter(pk__in=[entry.pk for entry in waiting]).update(due_at=timezone.now())
    return services.relay()
