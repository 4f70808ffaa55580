"""Tasks, through a real Redis and a real worker."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from celery import current_app
from django.conf import settings
from django.test import Client

from foundation.outbox.tests import live

from .. import selectors, services, tasks

VISIT = """
import django, time
django.setup()
from django.test import Client
start = time.monotonic()
print(Client().get("/").status_code, time.monotonic() - start)
"""


@pytest.fixture
def worker() -> Iterator[None]:
    """A worker as in production."""
    with live.worker():
        yield


@pytest.fixture
def silent_address() -> Iterator[str]:
    """Somebody who takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture(params=["redis://127.0.0.1:1/0", "redis://nowhere.invalid:6379/0", "silent"])
def redis_away(request: pytest.FixtureRequest, silent_address: str) -> str:
    """An address where no Redis answers."""
    return silent_address if request.param == "silent" else str(request.param)


@pytest.mark.django_db(transaction=True)
def test_the_worker_records_the_visit(worker: None, client: Client) -> None:
    client.get("/")

    live.eventually(lambda: selectors.get_counter("page").recorded_value == 1)
    assert '<strong id="recorded">1</strong>' in client.get("/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_page_answers_and_counts_while_redis_is_away(redis_away: str) -> None:
    command = [sys.executable, "-c", VISIT]
    result = subprocess.run(
        command,
        env=live.process_environment(REDIS_URL=redis_away),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    status, seconds = result.stdout.split()
    assert status == "200"
    # A busy machine takes its time, too; without limits of its own the page would hang.
    assert float(seconds) < 15, result.stderr
    assert "Error calling" in result.stderr
    assert selectors.get_counter("page").value == 1


def test_beat_knows_its_tasks_by_their_names() -> None:
    current_app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in current_app.tasks


@pytest.mark.django_db
def test_tasks_may_run_twice() -> None:
    counter = services.count_visit("page")

    for _ in range(2):
        tasks.record_visit(counter.pk, 1)

    assert selectors.get_counter("page").recorded_value == 1
