"""Settings from the environment: a mistake is said by the variable's name."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("PLACE", raising=False)
    if value is not None:
        monkeypatch.setenv("PLACE", value)

    with pytest.raises(ImproperlyConfigured, match="PLACE is missing"):
        env.text("PLACE")


def test_a_default_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLACE", "SIZE", "OPEN", "HOSTS"):
        monkeypatch.delenv(name, raising=False)

    assert env.text("PLACE", "here") == "here"
    assert env.number("SIZE", 3) == 3
    assert env.flag("OPEN", default=True) is True
    assert env.words("HOSTS", "a,b") == ["a", "b"]


def test_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "$HOME #1")
    monkeypatch.setenv("SIZE", "42")
    monkeypatch.setenv("OPEN", "Off")
    monkeypatch.setenv("HOSTS", " a.example, b.example ,")

    assert env.text("PLACE") == "$HOME #1"
    assert env.number("SIZE", 3) == 42
    assert env.flag("OPEN", default=True) is False
    assert env.words("HOSTS") == ["a.example", "b.example"]


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIZE", "many")
    monkeypatch.setenv("OPEN", "maybe")

    with pytest.raises(ImproperlyConfigured, match="SIZE"):
        env.number("SIZE", 3)
    with pytest.raises(ImproperlyConfigured, match="OPEN"):
        env.flag("OPEN", default=True)


@pytest.mark.parametrize("weak", ["change-me", "0123456789abcdef", "ab" * 20])
def test_a_weak_secret_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, weak: str) -> None:
    monkeypatch.setenv("KEY", weak)

    with pytest.raises(ImproperlyConfigured, match="KEY is too weak") as error:
        env.secret("KEY")
    assert weak not in str(error.value)
