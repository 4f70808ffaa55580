"""Each log line says which request it is about, and who asked."""

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from structlog.contextvars import bound_contextvars
from structlog.stdlib import ProcessorFormatter

from foundation import tracing


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, object]]]:
    """What goes to the console."""
    written: list[dict[str, object]] = []
    root = logging.getLogger()
    formatter = next(h.formatter for h in root.handlers if isinstance(h.formatter, ProcessorFormatter))
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: written.append(json.loads(formatter.format(record))))
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def test_a_request_is_one_line_with_its_id(client: Client, lines: list[dict[str, object]]) -> None:
    client.get("/version", headers={"X-Request-ID": "abc-1"})
    client.get("/health/live")

    (line,) = (line for line in lines if line["logger"] == "foundation.tracing")
    assert line["event"] == "GET /version 200"
    assert (line["request_id"], line["route"], line["status"]) == ("abc-1", "version", 200)
    assert {"timestamp", "level", "milliseconds"} <= set(line)


def test_a_line_says_who_asked_and_does_not_go_to_the_database_for_it(lines: list[dict[str, object]]) -> None:
    class User:
        pk = 7
        is_authenticated = True

    def view(request: object) -> HttpResponse:
        logging.getLogger("a.view").warning("before")
        request._cached_user = User()  # type: ignore[attr-defined] # as Django's authentication does
        logging.getLogger("a.view").warning("after")
        return HttpResponse()

    request = RequestFactory().get("/")
    request.user = SimpleNamespace(pk="must not be asked")  # type: ignore[assignment]
    tracing.TracingMiddleware(view)(request)

    before, after, access = lines
    assert "user" not in before
    assert after["user"] == access["user"] == "7"


def test_what_a_client_does_wrong_is_no_error_of_ours(client: Client, lines: list[dict[str, object]]) -> None:
    client.get("/version", headers={"host": "evil.example"})

    (line,) = (line for line in lines if str(line["logger"]).startswith("django.security"))
    assert line["level"] == "warning"


def test_an_error_is_one_line_with_its_traceback(lines: list[dict[str, object]]) -> None:
    try:
        raise ValueError("größer")
    except ValueError:
        logging.getLogger("any").exception("It broke: %s", "badly")

    (line,) = lines
    assert line["event"] == "It broke: badly"
    assert "ValueError: größer" in str(line["exception"])


def test_what_follows_from_a_request_has_its_id(lines: list[dict[str, object]]) -> None:
    with bound_contextvars(request_id="abc-2"):
        logging.getLogger("any").warning("during")
    logging.getLogger("any").warning("later")

    assert [line.get("request_id") for line in lines] == ["abc-2", None]
    assert "user" not in tracing.add_context(None, "", {})
