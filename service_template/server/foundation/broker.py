"""The broker, apart from Celery: is it there, and how much waits in it."""

from functools import cache

from django.conf import settings
from redis import Redis


def ping() -> None:
    """Redis answers, within a second."""
    _client(settings.CELERY_BROKER_URL).ping()


def depth(queue: str) -> int:
    """How many messages wait in the queue, which Celery keeps as a list of that name."""
    return int(_client(settings.CELERY_BROKER_URL).llen(queue))


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
