"""Tasks that tests give to a real worker. What they do to the database is one more entry, which has the trace's name."""

import os
import signal
import time
from pathlib import Path

from celery import shared_task
from django.utils import timezone

from foundation import tracing

from ..models import Entry
from ..tasks import Task


def leave(trace: str) -> None:
    Entry.objects.create(
        name=trace,
        arguments={},
        queue="default",
        state=Entry.State.DONE,
        due_at=timezone.now(),
        **tracing.current(),
    )


@shared_task(base=Task)
def leave_trace(trace: str) -> None:
    leave(trace)


@shared_task(base=Task)
def leave_trace_slowly(trace: str, begun: str, go: str) -> None:
    leave(trace)
    Path(begun).touch()
    while not Path(go).exists():
        time.sleep(0.05)


@shared_task(base=Task, max_retries=1, backoff_seconds=0)
def fail_without(path: str) -> None:
    leave("rolled back")
    Path(path).unlink()


@shared_task(base=Task, max_retries=1)
def kill_the_worker() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
