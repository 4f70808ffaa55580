"""Two services, both made from this template: one calls the other, with its token, its time-outs and its request's id."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.conftest import Result, run
from tests.service import Service, born, free_port

pytestmark = [pytest.mark.docker, pytest.mark.full]

PREAMBLE = """
import django; django.setup()
from structlog.contextvars import bound_contextvars
from foundation.siblings import Sibling
with bound_contextvars(request_id="order-7"), Sibling("{ledger}") as ledger:
    {line}
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory) -> Iterator[tuple[Service, Service]]:
    """A caller, and the ledger that it has a token for. The ledger allows it to add counters and not to count visits."""
    folder = tmp_path_factory.mktemp("siblings")
    with born(folder, "ledger", celery="false") as ledger, born(folder, "caller", celery="false") as caller:
        run("bin/dotenv", f"SERVICE_PORT={free_port()}", cwd=ledger.path)
        up = ledger.make("up")
        assert up.status == 0, up.output
        token = ledger.make("token", "for=caller", "days=1", "may=add_counter").output.split()[-1]
        key = f"SIBLING_{ledger.name.upper().replace('-', '_')}_TOKEN"
        run("bin/dotenv", f"SERVICE_PORT={free_port()}", f"SIBLINGS={ledger.name}", f"{key}={token}", cwd=caller.path)
        up = caller.make("up")
        assert up.status == 0, up.output
        yield caller, ledger


def call(services: tuple[Service, Service], line: str) -> Result:
    """What the caller's code has from the ledger."""
    caller, ledger = services
    code = PREAMBLE.format(ledger=ledger.name, line=line)
    return caller.compose("exec", "--no-TTY", "web", "python", "-c", code, timeout=120)


def test_what_it_may_it_does_and_the_ledger_knows_for_which_request(services):
    _, ledger = services
    made = call(services, 'print(ledger.post("/api/v1/counters/", {"name": "apples"})["owner"])')
    assert made.output.splitlines()[-1] == "caller", made.output
    found = call(services, 'print([counter["name"] for counter in ledger.get("/api/v1/counters/", owner="caller")["results"]])')
    assert found.output.splitlines()[-1] == "['apples']", found.output
    log = ledger.compose("logs", "--no-color", "web").output
    (line,) = [line for line in log.splitlines() if "POST /api/v1/counters/ 201" in line]
    assert "order-7" in line


def test_what_it_may_not_is_refused_and_raised(services):
    _, ledger = services
    # A visit makes the page's counter, which is nobody's.
    urllib.request.urlopen(f"http://127.0.0.1:{ledger.variable('SERVICE_PORT')}/", timeout=30).close()
    page = 'ledger.get("/api/v1/counters/", name="page")["results"][0]["id"]'
    refused = call(services, f'ledger.post(f"/api/v1/counters/{{{page}}}/visits/")')
    assert refused.status != 0
    assert "httpx.HTTPStatusError" in refused.output, refused.output
    assert "403 Forbidden" in refused.output, refused.output


def test_a_ledger_that_is_silent_costs_some_seconds_and_is_found_again(services):
    _, ledger = services
    paused = ledger.compose("pause", "web")
    assert paused.status == 0, paused.output
    begun = time.monotonic()
    try:
        silent = call(services, 'ledger.get("/api/v1/counters/")')
    finally:
        ledger.compose("unpause", "web")
    assert silent.status != 0
    assert "httpx.ReadTimeout" in silent.output or "httpx.ConnectTimeout" in silent.output, silent.output
    assert time.monotonic() - begun < 60, "three times five seconds, and the pauses between"
    assert call(services, 'print(len(ledger.get("/api/v1/counters/")["results"]))').status == 0


def test_a_ledger_that_is_away_is_raised_and_found_again(services):
    _, ledger = services
    ledger.compose("stop", "web")
    away = call(services, 'ledger.get("/api/v1/counters/")')
    assert away.status != 0
    assert "httpx.ConnectError" in away.output or "httpx.ConnectTimeout" in away.output, away.output
    assert ledger.compose("up", "--detach", "--wait", "web").status == 0
    assert call(services, 'print(len(ledger.get("/api/v1/counters/")["results"]))').status == 0
