"""Settings from environment variables. A value that is missing or wrong is said by the variable's name.

Not django-environ: it takes a value that begins with ``$`` for the name of another variable, as secrets sometimes do,
and reads a flag that it does not know as False (https://django-environ.readthedocs.io/en/latest/tips.html).
"""

import os

from django.core.exceptions import ImproperlyConfigured

_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SHORTEST_SECRET = 32


def text(name: str, default: str | None = None) -> str:
    """The variable as it is; an empty one counts as missing."""
    value = os.environ.get(name) or default
    if value is None:
        raise ImproperlyConfigured(f"The environment variable {name} is missing.")
    return value


def number(name: str, default: int) -> int:
    """The variable as a whole number."""
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"The environment variable {name} is no whole number: {value!r}.") from None


def flag(name: str, *, default: bool) -> bool:
    """The variable as true or false."""
    value = text(name, str(default))
    try:
        return _FLAGS[value.lower()]
    except KeyError:
        raise ImproperlyConfigured(f"The environment variable {name} is neither true nor false: {value!r}.") from None


def words(name: str, default: str | None = None) -> list[str]:
    """The variable as a list, with commas between."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def secret(name: str) -> str:
    """The variable as a secret that nobody guesses. It never has a default, and is never shown."""
    value = text(name)
    if len(value) < _SHORTEST_SECRET or len(set(value)) < 8:
        raise ImproperlyConfigured(
            f"The environment variable {name} is too weak for a secret: it takes {_SHORTEST_SECRET} random characters. "
            f"Make some with: openssl rand -hex {_SHORTEST_SECRET}"
        )
    return value
