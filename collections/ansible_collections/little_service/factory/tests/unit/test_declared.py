"""The plan: what it holds brings what stands to what is declared, and nothing more; then there is nothing left to do."""

from __future__ import annotations

import pytest
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.declared import ENVIRONMENT_TAG, SERVICE_TAG, Step
from hypothesis import given
from hypothesis import strategies as st

OURS = {SERVICE_TAG: "orbit", ENVIRONMENT_TAG: "staging"}
keys = st.sampled_from("abcdef")
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x", declared.KNOWN_AFTER_APPLY]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)
things = st.builds(
    lambda properties, tags: properties if tags is None else {**properties, "tags": tags},
    st.dictionaries(keys, values, max_size=5),
    st.none() | st.dictionaries(keys, st.sampled_from("xyz"), max_size=3),
)


class Thing(declared.Resource):
    kind = "thing"
    fixed = frozenset({"engine"})
    cure = "Make another one."


def applied(found: dict | None, step: Step | None) -> dict | None:
    """What stands when AWS did what the step says."""
    if step is None:
        return found
    return None if step.verb == "delete" else {**(found or {}), **step.after}


@given(wanted=things, found=st.none() | things)
def test_the_plan_of_what_was_just_applied_is_empty(wanted, found):
    assert declared.plan(wanted, applied(found, declared.plan(wanted, found))) is None


@given(found=things)
def test_what_is_to_go_goes_once(found):
    step = declared.plan(None, found)
    assert step.verb == "delete"
    assert declared.plan(None, applied(found, step)) is None


@given(wanted=things, found=things)
def test_what_is_not_declared_is_left_alone(wanted, found):
    step = declared.plan(wanted, found)
    after = applied(found, step)
    assert {key: after[key] for key in found.keys() - wanted.keys()} == {key: found[key] for key in found.keys() - wanted.keys()}
    if "tags" in wanted:
        others = (found.get("tags") or {}).keys() - wanted["tags"].keys()
        assert {key: after["tags"][key] for key in others} == {key: found["tags"][key] for key in others}


@given(wanted=things, found=things)
def test_a_step_tells_each_property_that_differs_and_no_other(wanted, found):
    step = declared.plan(wanted, found)
    differing = {key for key, value in wanted.items() if key != "tags" and found.get(key) != value}
    if any((found.get("tags") or {}).get(key) != value for key, value in (wanted.get("tags") or {}).items()):
        differing.add("tags")
    assert (set(step.changes) if step else set()) == differing


@given(wanted=things, found=things)
def test_the_difference_shows_the_old_and_the_new_of_what_changes(wanted, found):
    if step := declared.plan(wanted, found):
        shown = declared.difference(Thing("orbit", wanted), step)
        assert shown["before"] != shown["after"]
        assert shown["before_header"] == shown["after_header"] == "thing orbit"


def test_the_difference_of_a_new_thing_and_of_one_that_goes_has_one_side():
    thing = Thing("orbit", {"size": 1})
    made = declared.difference(thing, declared.plan({"size": 1}, None))
    assert made == {"before": "", "after": "size: 1\n", "before_header": "thing orbit (absent)", "after_header": "thing orbit"}
    gone = declared.difference(thing, declared.plan(None, {"size": 1}))
    assert gone == {"before": "size: 1\n", "after": "", "before_header": "thing orbit", "after_header": "thing orbit (absent)"}


@pytest.mark.parametrize("tags", [{}, None, {SERVICE_TAG: "ledger"}, {SERVICE_TAG: "orbit", ENVIRONMENT_TAG: "production"}])
def test_what_is_of_another_service_or_environment_or_nobody_is_refused_and_never_removed(tags):
    thing, found = Thing("orbit", {"tags": OURS}), {"tags": tags}
    with pytest.raises(declared.DeclarationError, match=r"The thing orbit exists and is not ours.*-e adopt=true"):
        declared.decided(thing, found, present=True, adopt=False)
    assert declared.decided(thing, found, present=False, adopt=True) is None
    assert declared.decided(thing, found, present=True, adopt=True).after["tags"] == {**(tags or {}), **OURS}


def test_what_is_ours_but_not_yet_of_an_environment_is_ours():
    found = {"tags": {SERVICE_TAG: "orbit"}}
    assert declared.decided(Thing("orbit", {"tags": OURS}), found, present=True, adopt=False).changes == {"tags": OURS}
    assert declared.decided(Thing("orbit", {"tags": OURS}), found, present=False, adopt=False).verb == "delete"


def test_a_property_that_aws_never_changes_stops_the_run_and_says_what_to_do():
    thing = Thing("orbit", {"engine": "mysql", "size": 2})
    with pytest.raises(
        declared.DeclarationError, match=r"does not change engine from 'redis' to 'mysql' of the thing orbit that stands. Make another"
    ):
        declared.decided(thing, {"engine": "redis", "size": 1}, present=True, adopt=False)
    assert declared.decided(thing, {"engine": "mysql", "size": 1}, present=True, adopt=False).changes == {"size": 2}
