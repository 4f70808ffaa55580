"""MySQL's advisory locks: one holder in the whole fleet, let go by the server itself when the holder's connection ends."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

# MySQL's limit: https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html#function_get-lock
_LONGEST_NAME = 64
# Short, since a connection that waits in silence is cut by time-outs of its own.
_SECONDS_PER_TRY = 5


class LockTimeoutError(Exception):
    """Somebody else has held the lock for the whole time."""


@contextmanager
def advisory_lock(
    connection: BaseDatabaseWrapper, purpose: str, *, seconds: float, waiting: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock ``purpose`` of this database, and wait up to ``seconds`` for it.

    :param waiting: is called once, when somebody else holds it.
    """
    name = _name(connection, purpose)
    deadline = time.monotonic() + seconds
    taken = _take(connection, name, 0)
    if not taken and waiting:
        waiting()
    while not taken:
        left = deadline - time.monotonic()
        if left <= 0:
            raise LockTimeoutError(f"{name} was not let go within {seconds:g} seconds")
        taken = _take(connection, name, min(left, _SECONDS_PER_TRY))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT RELEASE_LOCK(%s)", [name])


def hold(connection: BaseDatabaseWrapper, purpose: str) -> bool:
    """Take the lock, or find it still ours, without waiting; it is held until the connection ends."""
    return _take(connection, _name(connection, purpose), 0)


def _name(connection: BaseDatabaseWrapper, purpose: str) -> str:
    # MySQL's locks are the server's: the database's name keeps services apart that share one.
    return f"{purpose}:{connection.settings_dict['NAME']}"[:_LONGEST_NAME]


def _take(connection: BaseDatabaseWrapper, name: str, seconds: float) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s)", [name, seconds])
        return bool(cursor.fetchone()[0])
