"""Which images expire, by ECR's documented rules, under the policy that the role sets."""

from __future__ import annotations

import fnmatch

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT

KEPT = 3
COMMITS = st.integers(0, 15).map(lambda number: f"{number:040x}")
TAGS = st.lists(st.one_of(COMMITS, st.integers(1, 9).map(lambda number: f"released-{number}")), max_size=3, unique=True)


def rules() -> list[dict]:
    """The role's rules, with the number of commits filled in."""
    variables = yaml.safe_load((ROOT / "roles/aws_registry/vars/main/policies.yml").read_text())
    listed = variables["__aws_registry_lifecycle"]["rules"]
    assert "aws_registry_commits_kept" in listed[1]["selection"]["countNumber"]
    listed[1]["selection"]["countNumber"] = KEPT
    return listed


def selected(rule: dict, tags: list[str]) -> bool:
    selection = rule["selection"]
    if selection["tagStatus"] == "untagged":
        return not tags
    return bool(tags) and all(any(fnmatch.fnmatchcase(tag, pattern) for tag in tags) for pattern in selection["tagPatternList"])


def expired(images: list[list[str]]) -> set[int]:
    """The places of those that expire, of images from old to young, all a year old.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html#lp_evaluation_rules: rules are evaluated at the same time
    and applied by priority; an image that matches the tagging requirements of a rule is not expired by one with a lower priority.
    """
    taken: set[int] = set()
    gone: set[int] = set()
    for rule in sorted(rules(), key=lambda one: one["rulePriority"]):
        matching = [place for place, tags in enumerate(images) if selected(rule, tags)]
        count = rule["selection"]["countNumber"] if rule["selection"]["countType"] == "imageCountMoreThan" else 0
        gone |= set(matching[: max(len(matching) - count, 0)]) - taken
        taken |= set(matching)
    return gone


@given(st.lists(TAGS, max_size=12))
def test_what_was_released_and_the_last_commits_stay(images):
    gone = expired(images)
    tagged = [place for place, tags in enumerate(images) if tags]
    assert not [place for place in gone if any(tag.startswith("released-") for tag in images[place])]
    assert not gone & set(tagged[-KEPT:])


def test_older_commits_and_what_has_no_tag_expire():
    assert expired([["a"], ["b", "released-1"], [], ["c"], ["d"], ["e"]]) == {0, 2}


def test_a_rule_for_all_of_the_rest_comes_last():
    assert [rule["rulePriority"] for rule in rules()] == [1, 2, 3]
