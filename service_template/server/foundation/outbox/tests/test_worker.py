"""Nothing is lost, and nothing is done twice, whatever dies: with a real worker, MySQL and Redis."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.contextvars import bound_contextvars

from .. import services
from ..models import Entry
from . import live, work
from .live import entry, relay_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_queues() -> None:
    live.redis().flushdb()


def traces(name: str) -> int:
    return Entry.objects.filter(name=name).count()


def done_after_a_relay(name: str) -> bool:
    relay_at_once()
    return entry(name).state == Entry.State.DONE


def test_what_a_killed_worker_had_in_hand_is_done_once_by_another(tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    process = live.start("worker", "--include", "foundation.outbox.tests.work")
    work.leave_trace_slowly.delay("trace", str(begun), str(go))
    live.eventually(begun.exists)
    # Whoever has it in hand, has it alone: what is sent now is not begun.
    relay_at_once()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert traces("trace") == 0

    go.touch()
    with live.worker("--include", "foundation.outbox.tests.work"):
        # MySQL lets go of what the dead worker had in hand once it has noticed that the connection is gone.
        live.eventually(lambda: done_after_a_relay("leave_trace_slowly"))
    assert traces("trace") == 1
    assert entry("leave_trace_slowly").attempts == 2


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[None]:
    """One worker for all the tests below, which leave it alive."""
    with live.worker("--include", "foundation.outbox.tests.work"):
        yield


def test_a_task_is_done_on_behalf_of_its_request_and_user(worker: None) -> None:
    with bound_contextvars(request_id="a-request", user="7"):
        work.leave_trace.delay("trace")

    live.eventually(lambda: entry("leave_trace").state == Entry.State.DONE)
    trace = Entry.objects.get(name="trace")
    assert (trace.request_id, trace.user) == ("a-request", "7")


def test_a_redis_that_lost_everything_is_filled_again(worker: None, tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    # The only hand of the worker is busy, so that the second waits in Redis.
    work.leave_trace_slowly.delay("first", str(begun), str(go))
    live.eventually(begun.exists)
    work.leave_trace.delay("second")
    live.redis().flushdb()
    go.touch()
    live.eventually(lambda: traces("first") == 1)

    assert relay_at_once() == 1
    live.eventually(lambda: entry("leave_trace").state == Entry.State.DONE)
    assert traces("second") == 1


def test_a_task_that_arrives_many_times_is_done_once(worker: None, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    work.leave_trace.delay("once")
    for _ in range(3):
        services.publish(entry("leave_trace"))
    # Behind them in the queue.
    work.leave_trace_slowly.delay("last", str(tmp_path / "begun"), str(tmp_path / "go"))

    live.eventually(lambda: traces("last") == 1)
    assert traces("once") == 1
    assert entry("leave_trace").attempts == 1


def test_a_poison_message_ends_where_somebody_looks_and_may_be_tried_again(worker: None, tmp_path: Path) -> None:
    cure = tmp_path / "cure"
    work.fail_without.delay(str(cure))
    live.eventually(lambda: entry("fail_without").attempts == 1 and entry("fail_without").error != "")
    relay_at_once()
    live.eventually(lambda: entry("fail_without").state == Entry.State.FAILED)

    assert "FileNotFoundError" in entry("fail_without").error
    assert traces("rolled back") == 0
    assert relay_at_once() == 0

    cure.touch()
    assert services.retry(Entry.objects.all()) == 1
    assert services.relay() == 1
    live.eventually(lambda: entry("fail_without").state == Entry.State.DONE)
    assert traces("rolled back") == 1
    assert entry("fail_without").error == ""


def test_a_task_that_kills_each_worker_ends_there_too(worker: None) -> None:
    work.kill_the_worker.delay()

    live.eventually(lambda: bool(relay_at_once()) or entry("kill_the_worker").state == Entry.State.FAILED)
    live.eventually(lambda: entry("kill_the_worker").state == Entry.State.FAILED)
    assert "lost" in entry("kill_the_worker").error
