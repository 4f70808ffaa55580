"""`hosts:` from what was typed: exact names in any spelling, never a pattern."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.little_service.factory.plugins.filter.services import services

GROUPS = {"all": ["comet", "localhost", "orbit-ledger"], "services": ["comet", "orbit-ledger"]}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("orbit-ledger", ["orbit-ledger"]),
        ("Orbit_Ledger", ["orbit-ledger"]),
        ("comet,ORBIT-LEDGER", ["comet", "orbit-ledger"]),
        ("comet, orbit_ledger", ["comet", "orbit-ledger"]),
    ],
)
def test_names_in_any_spelling_are_hosts(typed, expected):
    assert services(typed, GROUPS) == expected


@pytest.mark.parametrize(
    "typed", ["all", "*", "!comet", "comet:orbit-ledger", "~comet", "comet,all", "localhost", "services", "co[m]et", "&comet"]
)
def test_a_pattern_or_a_group_is_refused(typed):
    with pytest.raises(AnsibleFilterError, match=r"patterns and groups are not taken here.*comet, orbit-ledger"):
        services(typed, GROUPS)


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(
        AnsibleFilterError, match=r"There is no service comit\. Did you mean comet\? The services here: comet, orbit-ledger"
    ):
        services("comit", GROUPS)
    with pytest.raises(AnsibleFilterError, match=r"new_service.yml -e name=zebra"):
        services("zebra", GROUPS)


def test_what_ansible_cut_off_is_not_forgotten():
    with pytest.raises(AnsibleFilterError, match="white space"):
        services("orbit", GROUPS, raw_params="ledger")


def test_without_a_name_one_is_asked_for_where_it_is_needed():
    with pytest.raises(AnsibleFilterError, match=r"-e name=comet"):
        services("", GROUPS)
    assert services("", GROUPS, required=False) == ["comet", "orbit-ledger"]
    assert services("", GROUPS, limit="comet") == ["comet", "orbit-ledger"]


@pytest.mark.parametrize("limit", ["comet", "co*", "comet,", "comet:comet"])
def test_a_name_and_a_limit_that_agree_are_taken(limit):
    assert services("comet", GROUPS, limit=limit) == ["comet"]


@pytest.mark.parametrize("limit", ["orbit-ledger", "comet,orbit-ledger", "*", "all,!comet", "@file"])
def test_a_name_and_a_limit_that_do_not_agree_are_refused(limit):
    with pytest.raises(AnsibleFilterError, match="Leave one of them out"):
        services("comet", GROUPS, limit=limit)
