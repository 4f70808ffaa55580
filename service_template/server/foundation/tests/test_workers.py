"""Heartbeats, and the one beat of the fleet."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import current_app
from celery.schedules import schedule
from django.db import connection
from django.utils import timezone

from foundation import workers
from foundation.outbox.tests import live


def says(log: Path, words: str) -> bool:
    return words in log.read_text()


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[workers.Scheduler]:
    monkeypatch.setattr(workers, "BEAT", tmp_path / "beat")
    made = workers.Scheduler(current_app, schedule_filename=str(tmp_path / "schedule"))
    yield made
    # Its file is a database of SQLite: left open, it would fail whichever test runs when Python finds it.
    made.close()


@pytest.mark.django_db
def test_beat_touches_its_file_at_each_tick(scheduler: workers.Scheduler) -> None:
    scheduler.tick()

    assert workers.BEAT.exists()


@pytest.mark.django_db(transaction=True)
def test_beat_goes_on_when_its_clock_is_put_back(scheduler: workers.Scheduler) -> None:
    live.redis().flushdb()
    scheduler.tick()
    scheduler.sync()  # from here on Celery's queue holds other entries than the schedule
    for entry in scheduler.schedule.values():
        entry.last_run_at = timezone.now() + timedelta(hours=2)
        entry.schedule = schedule(0.5)
    live.redis().flushdb()

    live.eventually(lambda: scheduler.tick() >= 0 and bool(live.redis().llen("housekeeping")))
    live.redis().flushdb()


def test_the_worker_touches_its_file_often_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WORKER", tmp_path / "worker")
    calls: list[tuple[float, Callable[[], None]]] = []
    worker = SimpleNamespace(timer=SimpleNamespace(call_repeatedly=lambda *call: calls.append(call)))

    workers.WorkerHeartbeat(worker).start(worker)
    ((seconds, touch),) = calls
    touch()

    assert seconds <= 15, "docker-compose.yml gives it 30 seconds, in which one may be late"
    assert (tmp_path / "worker").exists()


@pytest.mark.django_db(transaction=True)
def test_while_mysql_is_away_nothing_is_sent_and_beat_lives(
    scheduler: workers.Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.redis().flushdb()
    for entry in scheduler.schedule.values():
        entry.last_run_at = timezone.now() - timedelta(days=1)

    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        away.setitem(connection.settings_dict, "PORT", 1)
        assert scheduler.tick() == scheduler.max_interval
    assert workers.BEAT.exists()
    assert live.redis().llen("housekeeping") == 0

    # MySQL may take a moment to let go of the lock of the connection that was closed.
    live.eventually(lambda: scheduler.tick() >= 0 and bool(live.redis().llen("housekeeping")))
    connection.close()
    live.redis().flushdb()


@pytest.mark.django_db(transaction=True)
def test_of_two_beats_one_sends_and_the_other_takes_over_when_it_is_killed(tmp_path: Path) -> None:
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    beats: list[subprocess.Popen[str]] = []
    try:
        for log, said in zip(logs, ["This beat schedules now", "This beat waits"], strict=True):
            with log.open("w") as stream:
                beats.append(live.start("beat", "--schedule", f"{log}.schedule", stdout=stream, stderr=stream))
            live.eventually(partial(says, log, said))
        # A second passes, and the second beat has looked for what is due.
        time.sleep(1)
        assert not says(logs[1], "schedules now")

        os.killpg(beats[0].pid, signal.SIGKILL)
        live.redis().flushdb()
        live.eventually(partial(says, logs[1], "schedules now"))
        live.eventually(lambda: bool(live.redis().llen("housekeeping")))
    finally:
        for beat in beats:
            beat.kill()
            beat.wait()
        live.redis().flushdb()
