"""MySQL's advisory locks: one holder in the whole fleet, let go by the server itself when the holder's connection ends.

https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
"""

from django.db.backends.base.base import BaseDatabaseWrapper


def hold(connection: BaseDatabaseWrapper, purpose: str) -> bool:
    """Take the lock, or find it still ours, without waiting."""
    return _ask(connection, "SELECT GET_LOCK(%s, 0)", purpose)


def release(connection: BaseDatabaseWrapper, purpose: str) -> None:
    """Let it go."""
    _ask(connection, "SELECT RELEASE_LOCK(%s)", purpose)


def _ask(connection: BaseDatabaseWrapper, query: str, purpose: str) -> bool:
    # MySQL's locks are the server's: the database's name keeps services apart that share one. 64 is MySQL's limit.
    name = f"{purpose}:{connection.settings_dict['NAME']}"[:64]
    with connection.cursor() as cursor:
        cursor.execute(query, [name])
        return bool(cursor.fetchone()[0])
