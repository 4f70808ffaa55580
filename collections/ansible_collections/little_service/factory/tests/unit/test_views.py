"""What is shown of a service: a table in the terminal, and a picture."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from ansible_collections.little_service.factory.plugins.filter.planned_steps import planned_steps
from ansible_collections.little_service.factory.plugins.filter.status_picture import MARKS, PLACES, status_picture
from ansible_collections.little_service.factory.plugins.filter.text_table import text_table
from ansible_collections.little_service.factory.plugins.module_utils import status


def test_columns_stand_below_each_other_and_the_last_is_folded():
    rows = [{"part": "web", "words": "a long story of what went wrong here"}, {"part": "database", "words": ""}]
    assert text_table(rows, ["part", "words"], 32) == [
        "part      words",
        "web       a long story of what",
        "          went wrong here",
        "database",
    ]


def test_a_table_without_rows_is_its_headings():
    assert text_table([], ["part", "words"], 80) == ["part  words"]


def test_every_condition_and_every_part_has_its_place_in_the_picture():
    assert {status.OK, status.CHANGING, status.WAITS, status.BAD, status.ABSENT} == set(MARKS)
    parts = [status.part(name, "<thing>", "a & b", "bad", "Ready, health Severe and much more") for name in PLACES]
    picture = ElementTree.fromstring(status_picture(parts))  # noqa: S314 our own text
    boxes = [group for group in picture.iter("g") if group.get("class") == "box bad"]
    assert [box.find("text").text for box in boxes] == list(PLACES)


@pytest.mark.parametrize(("missing", "lines"), [({"cache", "worker"}, 3), ({"connection"}, 6), (set(PLACES), 0)])
def test_lines_are_drawn_between_what_is_there(missing, lines):
    parts = [status.part(name, "thing", name) for name in PLACES if name not in missing]
    picture = ElementTree.fromstring(status_picture(parts))  # noqa: S314
    assert sum(1 for path in picture.iter("path") if path.get("class") == "line") == lines


def test_the_steps_of_all_aws_results_are_gathered_those_of_loops_too():
    one, two = {"verb": "create", "what": "topic"}, {"verb": "update", "what": "role"}
    facts = {
        "__aws_account_topic": {"steps": [one]},
        "__aws_identity_roles": {"results": [{"steps": [two]}, {"skipped": True}]},
        "__aws_network_words": "no result",
        "other": {"steps": [one]},
    }
    assert planned_steps(facts) == [one, two]
