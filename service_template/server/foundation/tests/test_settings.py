"""The environments start with what they need, and not without."""

import os
import subprocess
import sys
from unittest.mock import Mock

import pytest
from django.conf import LazySettings

from config import gunicorn
from config.settings import api

TOKEN = "0123456789abcdef" * 4  # pragma: allowlist secret
SECRETS = {"DJANGO_SECRET_KEY": TOKEN, "DATABASE_PASSWORD": TOKEN[::-1]}
HOSTS = {"DJANGO_ALLOWED_HOSTS": "example.org"}


def check(module: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy` in a process of its own, with these variables only."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ["PYTHONPATH"]}
    command = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    environment = path | variables | {"DJANGO_SETTINGS_MODULE": f"config.environments.{module}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_production_passes_djangos_own_check() -> None:
    result = check("production", SECRETS | HOSTS)

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("module", ["staging", "production"])
@pytest.mark.parametrize("missing", ["DJANGO_SECRET_KEY", "DATABASE_PASSWORD", "DJANGO_ALLOWED_HOSTS"])
def test_what_is_missing_is_named_and_nothing_starts(module: str, missing: str) -> None:
    variables = SECRETS | HOSTS
    del variables[missing]

    result = check(module, variables)

    assert result.returncode != 0
    assert f"{missing} is missing" in result.stderr


def values(module: str, variables: dict[str, str]) -> list[str]:
    """What the environment makes of whatever hangs on HTTPS."""
    code = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE,"
        " s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS)"
    )
    environment = os.environ | SECRETS | HOSTS | variables | {"DJANGO_SETTINGS_MODULE": f"config.environments.{module}"}
    return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).split()


@pytest.mark.parametrize(
    ("module", "variables", "expected"),
    [
        ("production", {}, ["True", "True", "True", "31536000"]),
        ("staging", {"DJANGO_HTTPS": "true"}, ["True", "True", "True", "3600"]),
        ("staging", {}, ["False", "False", "False", "0"]),
    ],
)
def test_cookies_and_redirects_follow_https(module: str, variables: dict[str, str], expected: list[str]) -> None:
    assert values(module, variables) == expected


def test_production_refuses_to_be_without_https() -> None:
    result = check("production", SECRETS | HOSTS | {"DJANGO_HTTPS": "false"})

    assert result.returncode != 0
    assert "DJANGO_HTTPS is false, and production is never without HTTPS" in result.stderr


@pytest.mark.parametrize("https", [True, False])
def test_the_start_says_when_there_is_no_https(settings: LazySettings, https: bool) -> None:
    settings.HTTPS = https
    server = Mock()

    gunicorn.when_ready(server)

    assert server.log.warning.called is not https


def test_siblings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIBLING_LEDGER_TOKEN", TOKEN)
    monkeypatch.setenv("SIBLING_BIG_MAIL_TOKEN", TOKEN)
    monkeypatch.setenv("SIBLING_BIG_MAIL_URL", "https://mail.example.org")

    assert api.sibling("ledger") == {"url": "http://ledger:8000", "token": TOKEN}
    assert api.sibling("big-mail") == {"url": "https://mail.example.org", "token": TOKEN}
