"""Calls to the other services of the house, which are away at times and slow at others."""

import random
import time
from typing import Any, Self

import httpx
from django.conf import settings

from . import tracing

TIMEOUT = httpx.Timeout(5.0, connect=1.0)
ATTEMPTS = 3
# Full jitter, so that those who failed together do not come back together:
# https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
_FIRST_PAUSE = 0.2
_PASSING = {429, 502, 503, 504}
_REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}


class Sibling:
    """A service that SIBLINGS names: its address, our token for it, and manners.

    ``with Sibling("ledger") as ledger: ledger.get("/api/v1/counters/")``. What it refuses is raised as httpx.HTTPStatusError,
    and that it is away as httpx.TransportError. A POST is sent again only when it cannot have arrived.
    """

    def __init__(self, name: str) -> None:
        sibling = settings.SIBLINGS[name]
        self._client = httpx.Client(
            base_url=sibling["url"], headers={"Authorization": f"Bearer {sibling['token']}"}, timeout=TIMEOUT
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **params: str | int) -> Any:
        """What is there."""
        return self._send("GET", path, params=params).json()

    def post(self, path: str, body: Any = None) -> Any:
        """What came of it."""
        return self._send("POST", path, json=body).json()

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        for attempt in range(1, ATTEMPTS):
            try:
                response = self._once(method, path, **options)
            except httpx.TransportError as error:
                if method not in _REPEATABLE and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    raise
            else:
                if method not in _REPEATABLE or response.status_code not in _PASSING:
                    return response.raise_for_status()
            # No secret hangs on this chance.
            time.sleep(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311 # nosec B311
        return self._once(method, path, **options).raise_for_status()

    def _once(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._client.request(method, path, headers={tracing.HEADER: tracing.current()["request_id"]}, **options)
