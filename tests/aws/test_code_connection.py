"""The connection to GitHub: AWS makes it pending, a person completes it, and nobody has to do it twice."""

from __future__ import annotations

import pytest
from ansible_collections.little_service.factory.plugins.module_utils.declared import KNOWN_AFTER_APPLY

from tests.aws.conftest import tags

CONNECTION = {"name": "little-service-staging", "tags": tags("shared")}


@pytest.fixture
def connections(aws):
    return aws.client("codeconnections")


def test_it_is_made_pending_and_says_where_it_is_completed(aws, connections):
    foreseen = aws.run("code_connection", check=True, **CONNECTION)
    assert foreseen["arn"] == foreseen["url"] == KNOWN_AFTER_APPLY

    made = aws.bring("code_connection", **CONNECTION)
    assert made["status"] == "PENDING"
    identifier = made["arn"].rpartition("/")[2]
    assert made["url"] == (
        f"https://us-west-2.console.aws.amazon.com/codesuite/settings/123456789012/us-west-2/codeconnections/connections/{identifier}"
    )
    aws.cloud.control("PUT", "connections", {"arn": made["arn"]})
    assert aws.settled("code_connection", **CONNECTION)["status"] == "AVAILABLE"

    aws.bring("code_connection", **CONNECTION, state="absent")
    assert connections.list_connections()["Connections"] == []


def test_it_is_found_among_more_than_a_page_of_others(aws, connections):
    for number in range(101):
        connections.create_connection(ConnectionName=f"other-{number}", ProviderType="GitHub")
    made = aws.bring("code_connection", **CONNECTION)
    assert aws.settled("code_connection", **CONNECTION)["arn"] == made["arn"]


def test_its_tags_come_back_and_those_of_others_stay(aws, connections):
    arn = aws.bring("code_connection", **CONNECTION)["arn"]
    connections.tag_resource(ResourceArn=arn, Tags=[{"Key": "cost-center", "Value": "42"}])
    aws.settled("code_connection", **CONNECTION)
    connections.untag_resource(ResourceArn=arn, TagKeys=["little-service:environment"])
    assert aws.bring("code_connection", **CONNECTION).steps == ["update connection little-service-staging (tags)"]
    assert {"Key": "cost-center", "Value": "42"} in connections.list_tags_for_resource(ResourceArn=arn)["Tags"]


def test_another_provider_is_another_connection(aws):
    aws.bring("code_connection", **CONNECTION)
    assert "does not change provider from 'GitHub' to 'GitLab'" in aws.refused("code_connection", **CONNECTION, provider="GitLab")


@pytest.mark.parametrize("kind", ["lost", "drop", "error", "throttle"])
def test_an_answer_that_is_lost_does_not_make_two(aws, connections, kind):
    aws.faults({"kind": kind, "operation": "CreateConnection", "times": 1})
    aws.run("code_connection", **CONNECTION)
    assert len(connections.list_connections()["Connections"]) == 1
    aws.settled("code_connection", **CONNECTION)


def test_of_two_of_one_name_the_one_that_was_completed_counts_and_both_go(aws, connections):
    whose = [{"Key": key, "Value": value} for key, value in tags("shared").items()]
    made = [connections.create_connection(ConnectionName=CONNECTION["name"], ProviderType="GitHub", Tags=whose) for _ in range(2)]
    *_, last = sorted(one["ConnectionArn"] for one in made)
    aws.cloud.control("PUT", "connections", {"arn": last})
    assert aws.settled("code_connection", **CONNECTION)["arn"] == last

    aws.bring("code_connection", **CONNECTION, state="absent")
    assert connections.list_connections()["Connections"] == []


def test_somebody_elses_connection_of_the_name_is_not_touched(aws, connections):
    connections.create_connection(ConnectionName=CONNECTION["name"], ProviderType="GitHub")
    assert "-e adopt=true" in aws.refused("code_connection", **CONNECTION)
    aws.settled("code_connection", **CONNECTION, state="absent")
    assert len(connections.list_connections()["Connections"]) == 1
