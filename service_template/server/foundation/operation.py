"""``/metrics``, for whoever has the token, and ``/version``."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from . import metrics


@never_cache
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Not there at all without METRICS_TOKEN. A network cannot be the key: behind a load balancer all come from inside."""
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        raise Http404
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


@never_cache
@require_safe
def show_version(_: HttpRequest) -> JsonResponse:
    """What the image was built from, and when."""
    return JsonResponse({"commit": settings.SERVICE_COMMIT, "built_at": settings.SERVICE_BUILT_AT})


urlpatterns = [
    path("metrics", show_metrics),
    path("version", show_version),
]
