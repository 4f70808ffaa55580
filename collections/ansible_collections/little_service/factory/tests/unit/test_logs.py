"""Lines of a log: since when, whose, and how they look."""

from __future__ import annotations

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import logs
from ansible_collections.little_service.factory.plugins.module_utils.declared import DeclarationError


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), (" 2H", 7200), ("1d", 86400)])
def test_a_time_is_a_number_and_a_unit(text, seconds):
    assert logs.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0m", "-5m", "1w", "10 minutes"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(DeclarationError, match="such as 10m"):
        logs.seconds_of(text)


@pytest.mark.parametrize(
    ("message", "parts", "is_shown"),
    [
        ('{"part": "web", "event": "x"}', ["web"], True),
        ('{"part": "worker"}', ["web"], False),
        ('{"part": "worker"}', [], True),
        ("Segmentation fault", ["web"], True),
        ('["part"]', ["web"], True),
    ],
)
def test_a_line_is_of_the_part_that_it_names_and_may_be_of_any_where_it_names_none(message, parts, is_shown):
    assert logs.is_of(message, parts) is is_shown


def test_a_line_says_when_and_from_where():
    event = {"timestamp": 1_795_000_000_000, "message": '{"part": "web"}\n'}
    assert logs.shown(event, "/a/stdouterr.log") == '2026-11-18T11:06:40Z web {"part": "web"}'
    assert logs.shown({**event, "message": "x"}, "/a/stdouterr.log") == "2026-11-18T11:06:40Z stdouterr.log x"
