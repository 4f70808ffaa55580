"""Heartbeats: files that are touched while worker and beat do their work."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import current_app

from foundation import heartbeat


def test_beat_touches_its_file_at_each_tick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", tmp_path / "beat")
    scheduler = heartbeat.Scheduler(current_app, schedule_filename=str(tmp_path / "schedule"))

    scheduler.tick()

    assert (tmp_path / "beat").exists()


def test_the_worker_touches_its_file_often_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "WORKER", tmp_path / "worker")
    calls: list[tuple[float, Callable[[], None]]] = []
    worker = SimpleNamespace(timer=SimpleNamespace(call_repeatedly=lambda *call: calls.append(call)))

    heartbeat.WorkerHeartbeat(worker).start(worker)
    ((seconds, touch),) = calls
    touch()

    assert seconds <= 15, "docker-compose.yml gives it 30 seconds, in which one may be late"
    assert (tmp_path / "worker").exists()
