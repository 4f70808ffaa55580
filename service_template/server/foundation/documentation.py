"""``/api/schema/`` and ``/api/docs/``: OpenAPI, and a page to read and try it, from files of our own."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

schema = SpectacularJSONAPIView.as_view()
_page = SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="docs.html")


def page(request: HttpRequest) -> HttpResponseBase:
    """The documentation; whoever has to sign in first is sent there."""
    if settings.API_DOCUMENTATION_OPEN or request.user.is_authenticated:
        return _page(request)
    return redirect_to_login(request.get_full_path())


_PROBLEM = {
    "type": "object",
    "description": "https://www.rfc-editor.org/rfc/rfc9457",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail", "code"],
                "properties": {name: {"type": "string"} for name in ("field", "detail", "code")},
            },
        },
    },
}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of every operation that its errors are problem details."""
    result["components"]["schemas"]["Problem"] = _PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"description": "A problem", "content": content}
    return result
