"""The web's way in. Each view only calls a service or a selector."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import selectors, services

PAGE = "page"


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Say hello and count the visit."""
    counter = services.count_visit(PAGE) if _is_visit(request) else selectors.get_counter(PAGE)
    return render(request, "page.html", {"counter": counter})


def _is_visit(request: HttpRequest) -> bool:
    """Not HEAD, and not a browser that fetches the page in case somebody goes there (https://wicg.github.io/nav-speculation/prefetch.html)."""
    return request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", "")
