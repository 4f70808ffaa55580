"""Errors under ``/api/``: problem details, whatever went wrong and wherever (https://www.rfc-editor.org/rfc/rfc9457).

What goes wrong in a view is shaped by :func:`handle`. All else (unknown paths, hosts, a failure, Django's own page for
it in DEBUG) is a page by the time it gets to the middleware, which puts a problem in its place.
"""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from . import tracing

CONTENT_TYPE = "application/problem+json"


class ProblemMiddleware:
    """Refuses what no view should see, and gives every error under ``/api/`` its shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/api/"):
            return self.get_response(request)
        refusal = _refusal(request)
        if refusal:
            return _problem(*refusal)
        response = self.get_response(request)
        if response.status_code < 400 or response.headers.get("Content-Type") == CONTENT_TYPE:
            return response
        return _problem(HTTPStatus(response.status_code))


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Shape what a view of the API raises: Django REST Framework's ``EXCEPTION_HANDLER``."""
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        errors = list(_flat(error.get_full_details()))
        response.data = _body(HTTPStatus.BAD_REQUEST, "The request is not valid.", errors=errors)
    else:
        # What Django says of a missing row names the model.
        detail = "" if isinstance(error, Http404) else str(response.data["detail"])
        response.data = _body(HTTPStatus(response.status_code), detail)
    response.content_type = CONTENT_TYPE
    return response


def unknown_path(request: HttpRequest, unknown: str) -> HttpResponse:
    """Nothing is here."""
    raise Http404


def _refusal(request: HttpRequest) -> tuple[HTTPStatus, str] | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        return HTTPStatus.BAD_REQUEST, "Content-Length is no number."
    if int(length) > settings.API_BODY_LIMIT:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have {settings.API_BODY_LIMIT} bytes."
    # Django would read even the address by it, and Python knows codecs that make no text ("hex", "rot13").
    if (request.encoding or "utf-8").lower() not in {"utf-8", "utf8"}:
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The charset is UTF-8."
    if not request.headers.get("Authorization", "").isascii():
        return HTTPStatus.UNAUTHORIZED, "Authorization holds what no token does."
    return None


def _problem(status: HTTPStatus, detail: str = "") -> JsonResponse:
    return JsonResponse(_body(status, detail), status=status, content_type=CONTENT_TYPE)


def _body(status: HTTPStatus, detail: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail or status.description or status.phrase,
        "request_id": tracing.current()["request_id"],
        **more,
    }


def _flat(details: Any, field: str = "") -> Iterator[dict[str, str]]:
    """The errors of a serializer, which are nested as its fields are, as a list."""
    if isinstance(details, list):
        for item in details:
            yield from _flat(item, field)
    elif set(details) == {"message", "code"}:
        yield {"field": field, "detail": details["message"], "code": details["code"]}
    else:
        for name, item in details.items():
            yield from _flat(item, f"{field}.{name}" if field else str(name))
