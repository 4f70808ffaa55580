"""Queues and tasks are measured, for Prometheus and for CloudWatch alike, and what cannot be asked is left out."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from foundation import metrics

from .. import measures, tasks
from ..models import Entry
from . import live, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def some_of_each() -> None:
    live.redis().flushdb()
    work.leave_trace.delay("sent")
    work.leave_trace.apply_async(["later"], countdown=60)
    work.leave_trace.apply_async(["overdue"], countdown=60, queue="slow")
    Entry.objects.filter(queue="slow").update(due_at=timezone.now() - timedelta(seconds=90))
    work.leave("done")
    work.leave("given up")
    Entry.objects.filter(name="given up").update(state=Entry.State.FAILED)


@pytest.fixture
def mysql_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        away.setitem(connection.settings_dict, "PORT", 1)
        yield
    connection.close()


def test_prometheus_sees_queues_and_tasks() -> None:
    text = metrics.exposition(measures.TaskCollector()).decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")

    assert float(lines['queue_depth{queue="default"}']) == 1
    assert float(lines['queue_depth{queue="slow"}']) == 0
    assert float(lines["tasks_waiting"]) == 3
    assert float(lines["tasks_failed"]) == 1
    assert float(lines["tasks_done_last_minute"]) == 1
    assert 90 <= float(lines["outbox_lag_seconds"]) < 120


def test_without_redis_the_rest_is_measured(settings: LazySettings) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

    text = metrics.exposition(measures.TaskCollector()).decode()

    assert "tasks_waiting 3.0" in text
    assert "queue_depth{" not in text


@pytest.mark.usefixtures("mysql_away")
def test_without_mysql_requests_and_queues_are_measured(client: Client, settings: LazySettings) -> None:
    settings.METRICS_TOKEN = "0123456789abcdef" * 4  # pragma: allowlist secret

    answer = client.get("/metrics", headers={"Authorization": f"Bearer {settings.METRICS_TOKEN}"})

    assert answer.status_code == 200
    assert 'queue_depth{queue="default"} 1.0' in answer.content.decode()
    assert "http_request_duration_seconds" in answer.content.decode()
    assert "tasks_waiting" not in answer.content.decode()


def test_cloudwatch_sees_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(metrics.logger, "info", lines.append)

    tasks.write_metrics()

    (line,) = map(json.loads, lines)
    assert (line["QueueDepth"], line["TasksWaiting"], line["TasksFailed"]) == (1, 3, 1)
    assert 90 <= line["OutboxLagSeconds"] < 120


def test_a_developer_sees_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("tasks")

    assert "In the queue default: 1\nIn the queue slow: 0\n" in capsys.readouterr().out
