"""The request's id: taken from whoever asks, or made here; in every log line, error and call that follows from the request."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"

_current: ContextVar[str] = ContextVar("request_id", default="")
# Nothing else gets into our logs: no line breaks, no quotes, no kilobytes.
_acceptable = re.compile(r"[A-Za-z0-9._-]{1,64}")


def current() -> str:
    """The id of the request at hand, or nothing."""
    return _current.get()


class RequestIdMiddleware:
    """Gives each request its id, and each answer the header that says it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        token = _current.set(given if _acceptable.fullmatch(given) else uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            response.headers[HEADER] = current()
        finally:
            _current.reset(token)
        return response


@contextmanager
def using(request_id: str) -> Iterator[None]:
    """Work on behalf of a request that is over, as a task does."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
