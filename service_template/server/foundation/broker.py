"""The broker, as ``/health/ready`` sees it."""

from functools import cache

from django.conf import settings
from redis import Redis


def ping() -> None:
    """Redis answers, within a second."""
    _client(settings.CELERY_BROKER_URL).ping()


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
