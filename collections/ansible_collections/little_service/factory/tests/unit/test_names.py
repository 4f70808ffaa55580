"""What a service may be called."""

from __future__ import annotations

import re

import pytest
from ansible_collections.little_service.factory.plugins.plugin_utils import names
from hypothesis import given
from hypothesis import strategies as st

# The narrowest pattern of each kind of thing that is named after a service, with our longest suffix for that kind.
FITS = {
    "Elastic Beanstalk environment": ("{}-production-worker", r"(?=.{4,40}$)[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]"),
    "RDS instance": ("{}-production", r"(?=.{1,63}$)(?!.*--)[a-z][a-z0-9-]*[a-z0-9]"),
    "ElastiCache replication group": ("{}-production", r"(?=.{1,40}$)(?!.*--)[a-z][a-z0-9-]*[a-z0-9]"),
    "ECR repository": ("{}", r"(?=.{2,256}$)[a-z0-9]+(?:[._-][a-z0-9]+)*"),
    "DNS label": ("{}-production", r"(?=.{1,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"),
    "S3 bucket": ("little-service-{}-123456789012", r"(?=.{3,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])"),
    "MySQL schema": ("{}_db", r"(?=.{1,64}$)[a-z][a-z0-9_]*"),
    "IAM role": ("{}-production-beanstalk-instance", r"[\w+=,.@-]{1,64}"),
    "Python package": ("{}_app", r"[a-z][a-z0-9_]*"),
}


@pytest.mark.parametrize("typed", ["orbit-ledger", "Orbit_Ledger", "ORBIT-LEDGER", "Orbit-Ledger"])
def test_every_spelling_is_the_same_service(typed):
    assert names.service_name(typed) == "orbit-ledger"


@pytest.mark.parametrize("typed", ["db", "email", "json", "django", "null", "true", "on", "no", "e5", "test", "server", "x" * 22])
def test_words_that_mean_something_elsewhere_are_names_like_others(typed):
    assert names.service_name(typed) == typed


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        (None, "empty"),
        ("orbit ledger", "white space"),
        ("orbit\n", "white space"),
        ("x" * 23, "23 characters"),
        ("a", "one character"),
        ("9lives", "starts with a digit"),
        (5, "starts with a digit"),
        ("-orbit", "starts with a sign"),
        ("_orbit", "starts with a sign"),
        ("orbit-", "ends with a sign"),
        ("orbit--ledger", "two signs"),
        ("orbit-_ledger", "two signs"),
        ("café", "ASCII"),
        ("../etc", "only letters"),
        ("a/b", "only letters"),
        ("a;b", "only letters"),
        ("$(id)", "only letters"),
        ("{{ 7 * 7 }}", "white space"),
        ("{{7*7}}", "only letters"),
        ("all", "Ansible"),
        ("Services", "inventory"),
        ("ungrouped", "Ansible"),
        ("localhost", "this machine"),
        ("web", "container"),
        ("Worker", "container"),
        ("beat", "container"),
        ("mysql", "container"),
        ("redis", "container"),
        ("migrate", "container"),
        ("information_schema", "MySQL"),
    ],
)
def test_a_refusal_gives_its_reason_and_a_name_that_would_do(typed, reason):
    with pytest.raises(names.NameRefused, match=reason) as refused:
        names.service_name(typed)
    suggested = re.search(r"-e name=(\S+)$", str(refused.value))
    assert names.service_name(suggested.group(1)) == suggested.group(1)


def test_what_ansible_cut_off_is_not_forgotten():
    with pytest.raises(names.NameRefused, match=r"'orbit ledger'.*name=orbit-ledger"):
        names.service_name("orbit", raw_params="ledger")


@given(st.text(max_size=80))
def test_any_text_is_refused_with_a_suggestion_or_fits_everything_named_after_it(typed):
    try:
        name = names.service_name(typed)
    except names.NameRefused as refused:
        suggested = str(refused).rsplit("-e name=", 1)[1]
        assert names.service_name(suggested) == suggested
    else:
        assert_fits(name)


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9]{1,9}(?:[-_][A-Za-z0-9]{1,5}){0,2}", fullmatch=True))
def test_ordinary_names_are_accepted_and_fit_everything_named_after_them(typed):
    if names.normalise(typed) not in names.RESERVED:
        assert_fits(names.service_name(typed))


def assert_fits(name):
    for kind, (form, pattern) in FITS.items():
        assert re.fullmatch(pattern, form.format(name.replace("-", "_") if "_" in form else name)), kind


def test_the_package_and_the_title_follow_from_the_name():
    assert names.package("orbit-ledger") == "orbit_ledger_app"
    assert names.title("orbit-ledger") == "Orbit Ledger"
