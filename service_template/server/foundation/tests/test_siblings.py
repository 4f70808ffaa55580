"""Calls to other services, against one that listens on a real socket."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from django.conf import LazySettings
from django.http import HttpRequest, JsonResponse
from django.test import RequestFactory

from foundation import siblings
from foundation.siblings import Sibling
from foundation.tracing import TracingMiddleware


class Ledger(ThreadingHTTPServer):
    """Answers with the statuses that a test lays out (0: not at all), the last one for good, and remembers what it was asked."""

    statuses: list[int]
    asked: list[dict[str, str]]


class Handler(BaseHTTPRequestHandler):
    server: Ledger

    def do_GET(self) -> None:
        self.server.asked.append({"method": self.command, "path": self.path, **self.headers})
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = self.server.statuses.pop(0) if len(self.server.statuses) > 1 else self.server.statuses[0]
        if status == 0:
            time.sleep(2)
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps({"status": status}).encode())

    do_POST = do_GET  # noqa: N815 http.server finds its methods by these names

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def ledger(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    server = Ledger(("127.0.0.1", 0), Handler)
    server.statuses, server.asked = [200], []
    settings.SIBLINGS = {"ledger": {"url": f"http://127.0.0.1:{server.server_port}", "token": "t0ken"}}
    monkeypatch.setattr(siblings, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(siblings, "TIMEOUT", httpx.Timeout(1))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_brings_its_token_and_the_id_of_the_request_at_hand(ledger: Ledger) -> None:
    def view(_: HttpRequest) -> JsonResponse:
        with Sibling("ledger") as sibling:
            return JsonResponse(sibling.get("/api/v1/counters/", page_size=1))

    answer = TracingMiddleware(view)(RequestFactory().get("/", headers={"x-request-id": "order-7"}))

    assert json.loads(answer.content) == {"status": 200}
    asked = ledger.asked[0]
    assert asked["path"] == "/api/v1/counters/?page_size=1"
    assert asked["Authorization"] == "Bearer t0ken"
    assert asked["X-Request-ID"] == "order-7"


@pytest.mark.parametrize("passing", [429, 502, 503, 504, 0])
def test_what_passes_is_tried_again_where_that_is_safe(ledger: Ledger, passing: int) -> None:
    ledger.statuses = [passing, 200]

    with Sibling("ledger") as sibling:
        assert sibling.get("/") == {"status": 200}
    assert len(ledger.asked) == 2


def test_it_gives_up_after_some_attempts(ledger: Ledger) -> None:
    ledger.statuses = [503]

    with Sibling("ledger") as sibling, pytest.raises(httpx.HTTPStatusError):
        sibling.get("/")
    assert len(ledger.asked) == siblings.ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_what_does_not_pass_is_raised_at_once(ledger: Ledger, status: int) -> None:
    ledger.statuses = [status]

    with Sibling("ledger") as sibling, pytest.raises(httpx.HTTPStatusError):
        sibling.get("/")
    assert len(ledger.asked) == 1


@pytest.mark.parametrize(("status", "error"), [(503, httpx.HTTPStatusError), (0, httpx.ReadTimeout)])
def test_a_post_that_may_have_arrived_is_not_sent_again(ledger: Ledger, status: int, error: type[Exception]) -> None:
    ledger.statuses = [status]

    with Sibling("ledger") as sibling, pytest.raises(error):
        sibling.post("/", {"name": "apples"})
    assert len(ledger.asked) == 1


def test_a_post_that_found_nobody_is_sent_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    send, failures = httpx.Client.request, [httpx.ConnectError("nobody"), httpx.ConnectTimeout("nobody")]

    def request(client: httpx.Client, *arguments: Any, **options: Any) -> httpx.Response:
        if failures:
            raise failures.pop()
        return send(client, *arguments, **options)

    monkeypatch.setattr(httpx.Client, "request", request)

    with Sibling("ledger") as sibling:
        assert sibling.post("/", {"name": "apples"}) == {"status": 200}
    assert len(ledger.asked) == 1


def test_one_that_is_away_for_good_is_raised(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SIBLINGS = {"ledger": {"url": "http://127.0.0.1:1", "token": "t0ken"}}
    monkeypatch.setattr(siblings, "_FIRST_PAUSE", 0.01)

    with Sibling("ledger") as sibling, pytest.raises(httpx.ConnectError):
        sibling.get("/")
