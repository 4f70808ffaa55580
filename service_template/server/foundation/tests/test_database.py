"""MySQL is as the settings ask for it."""

import time

import pytest
from django.conf import settings
from django.db import OperationalError, connection

pytestmark = pytest.mark.django_db


def value(query: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_text_is_unicode_from_end_to_end() -> None:
    assert value("SELECT @@collation_connection") == "utf8mb4_0900_ai_ci"
    assert value("SELECT @@collation_database") == "utf8mb4_0900_ai_ci"
    with connection.cursor() as cursor:
        cursor.execute("SELECT CHAR_LENGTH(%s), %s", ["🚀", "🚀"])
        assert cursor.fetchone() == (1, "🚀")


def test_bad_values_are_refused_and_not_bent() -> None:
    assert "STRICT_TRANS_TABLES" in str(value("SELECT @@sql_mode"))


def test_transactions_read_what_is_committed() -> None:
    assert value("SELECT @@transaction_isolation") == "READ-COMMITTED"


def test_a_server_that_is_silent_costs_no_more_than_its_time() -> None:
    assert {"connect_timeout": 3, "read_timeout": 30}.items() <= settings.DATABASES["default"]["OPTIONS"].items()
    impatient = connection.copy()
    impatient.settings_dict["OPTIONS"] = settings.DATABASES["default"]["OPTIONS"] | {"read_timeout": 1}

    begun = time.monotonic()
    with pytest.raises(OperationalError), impatient.cursor() as cursor:
        cursor.execute("SELECT SLEEP(30)")
    assert time.monotonic() - begun < 15
    impatient.close()
