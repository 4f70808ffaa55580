"""Migrations: one at a time, however many start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from foundation import locks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """A second connection: to MySQL, somebody else."""
    other = connections["default"].copy()
    yield other
    other.close()


@pytest.fixture
def empty_database(elsewhere: BaseDatabaseWrapper) -> Iterator[str]:
    """The name of a database that has nothing in it; ``elsewhere`` is connected to it."""
    name = f"{connection.settings_dict['NAME']}_migrate"[-64:]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
        cursor.execute(f"CREATE DATABASE `{name}`")
        elsewhere.settings_dict["NAME"] = name
        yield name
        cursor.execute(f"DROP DATABASE `{name}`")


def start_migrate(database: str) -> subprocess.Popen[str]:
    """`manage.py migrate` in a process of its own; one application is enough to see who works."""
    command = [sys.executable, "-m", "django", "migrate", "contenttypes", "--no-input"]
    environment = os.environ | {"DATABASE_NAME": database}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def test_of_four_at_once_one_works_and_the_others_wait(empty_database: str, elsewhere: BaseDatabaseWrapper) -> None:
    assert locks.hold(elsewhere, "migrate")
    processes = [start_migrate(empty_database) for _ in range(4)]
    assert all("waiting" in first_line(process) for process in processes)
    locks.release(elsewhere, "migrate")
    outputs = [process.communicate(timeout=120)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0, 0], "\n".join(outputs)
    assert sum("Applying" in output for output in outputs) == 1, "\n".join(outputs)
    with elsewhere.cursor() as cursor:
        cursor.execute("SELECT COUNT(*), COUNT(DISTINCT app, name) FROM django_migrations")
        rows, different = cursor.fetchone()
    assert rows == different > 0


def test_a_migration_that_waits_in_vain_says_so(elsewhere: BaseDatabaseWrapper) -> None:
    said = StringIO()
    assert locks.hold(elsewhere, "migrate")

    with pytest.raises(CommandError, match="Another migrate is under way"):
        call_command("migrate", lock_seconds=0.3, stdout=said)

    assert "waiting" in said.getvalue()


def test_a_migration_that_fails_lets_the_next_one_go_on(elsewhere: BaseDatabaseWrapper) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("migrate", "nowhere")

    assert locks.hold(elsewhere, "migrate")


def test_locks_of_different_purposes_do_not_meet(elsewhere: BaseDatabaseWrapper) -> None:
    assert locks.hold(elsewhere, "purpose")

    assert locks.hold(connections["default"], "another")
    assert not locks.hold(connections["default"], "purpose")
    locks.release(connections["default"], "another")
