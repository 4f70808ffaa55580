"""``/health/live`` and ``/health/ready``.

Live: the process answers; if not, restart it. Ready: what pages need is there; if not, send requests elsewhere. They
are answered before all other middleware, so that a load balancer may ask by address and in plain HTTP.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)
_migrated = False


class HealthMiddleware:
    """Answers the two addresses and passes on all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/health/live":
            return _answer(200, {"status": "ok"})
        if request.path == "/health/ready":
            return ready()
        return self.get_response(request)


def ready() -> JsonResponse:
    """Ask everything that the settings name: 503 when something required is missing, 200 otherwise."""
    required = {name: _ask(name, check) for name, check in settings.HEALTH_CHECKS_REQUIRED.items()}
    optional = {name: _ask(name, check) for name, check in settings.HEALTH_CHECKS_OPTIONAL.items()}
    checks = required | optional
    if any(not check["ok"] for check in required.values()):
        return _answer(503, {"status": "unavailable", "checks": checks})
    return _answer(200, {"status": "ok" if all(c["ok"] for c in optional.values()) else "degraded", "checks": checks})


def mysql() -> None:
    """MySQL answers a query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def migrations() -> None:
    """Every migration of this code is applied. Once it is, it stays so for the life of the process."""
    global _migrated
    if _migrated:
        return
    executor = MigrationExecutor(connection)
    missing = [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    if missing:
        raise RuntimeError(f"not applied: {', '.join(missing)}")
    _migrated = True


def _ask(name: str, check: str) -> dict[str, Any]:
    start = time.perf_counter()
    try:
        import_string(check)()
        ok = True
    except Exception:  # whatever goes wrong is the answer
        # The reason is for the log: the address is open to everybody.
        logger.warning("%s is not ready", name, exc_info=True)
        ok = False
    return {"ok": ok, "milliseconds": round((time.perf_counter() - start) * 1000, 1)}


def _answer(status: int, body: dict[str, Any]) -> JsonResponse:
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
