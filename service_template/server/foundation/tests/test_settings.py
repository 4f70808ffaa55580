"""The environments start with what they need, and not without."""

import os
import subprocess
import sys

import pytest

SECRETS = {"DJANGO_SECRET_KEY": "0123456789abcdef" * 4, "DATABASE_PASSWORD": "fedcba9876543210" * 4}
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
