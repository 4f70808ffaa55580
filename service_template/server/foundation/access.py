"""One log line, and one measurement, for each request."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from . import logs, metrics

logger = logging.getLogger(__name__)


class AccessMiddleware:
    """Right after the request's id: what comes later is measured and logged. Health is neither."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        with logs.about(request):
            response = self.get_response(request)
            seconds = time.perf_counter() - start
            # The route and not the path, of which there is no end.
            route = request.resolver_match.route if request.resolver_match else "none"
            metrics.count_request(request.method or "", route, response.status_code, seconds)
            logger.info(
                "%s %s %s",
                request.method,
                request.path,
                response.status_code,
                extra={"route": route, "status": response.status_code, "milliseconds": round(seconds * 1000, 1)},
            )
        return response
