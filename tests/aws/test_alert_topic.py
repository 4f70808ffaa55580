"""The topic of alerts: who is to hear of it is asked once, and whoever has left does not hear of it any more."""

from __future__ import annotations

import pytest

from tests.aws.conftest import ACCOUNT, tags

NAME = "little-service-staging-alerts"
ARN = f"arn:aws:sns:us-west-2:{ACCOUNT}:{NAME}"


def policy(*services: str) -> dict:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": list(services)},
                "Action": "sns:Publish",
                "Resource": ARN,
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ],
    }


TOPIC = {"name": NAME, "account": ACCOUNT, "policy": policy("cloudwatch.amazonaws.com"), "tags": tags("shared")}
TWO = ["ann@example.org", "bob@example.org"]


@pytest.fixture
def sns(aws):
    return aws.client("sns")


@pytest.fixture
def confirm(aws):
    return lambda *emails: [aws.cloud.control("PUT", "subscriptions", {"email": email}) for email in emails]


def addresses(sns) -> dict[str, str]:
    return {one["Endpoint"]: one["SubscriptionArn"] for one in sns.list_subscriptions_by_topic(TopicArn=ARN)["Subscriptions"]}


def test_it_is_made_and_removed(aws, sns):
    made = aws.bring("alert_topic", **TOPIC, emails=TWO)
    assert made.steps == [f"create topic {NAME}"]
    assert made["arn"] == ARN
    assert made["pending"] == TWO
    assert addresses(sns) == dict.fromkeys(TWO, "PendingConfirmation")

    assert aws.bring("alert_topic", **TOPIC, emails=TWO, state="absent").steps == [f"delete topic {NAME}"]
    assert sns.list_topics()["Topics"] == []


def test_in_check_mode_its_arn_is_known_before_it_stands(aws):
    foreseen = aws.run("alert_topic", check=True, **TOPIC, emails=TWO)
    assert foreseen["arn"] == ARN
    assert foreseen["pending"] == TWO


def test_a_pending_address_is_not_asked_again_and_a_confirmed_one_is_not_pending(aws, confirm):
    aws.bring("alert_topic", **TOPIC, emails=TWO)
    confirm("bob@example.org")
    assert aws.settled("alert_topic", **TOPIC, emails=TWO)["pending"] == ["ann@example.org"]


def test_an_address_that_nobody_confirmed_is_asked_again_when_the_topic_has_forgotten_it(aws, sns):
    aws.bring("alert_topic", **TOPIC, emails=TWO)
    aws.cloud.control("PUT", "clock", {"profile": "real", "speed": 1e6})
    aws.wait_for(lambda: addresses(sns) == {})
    aws.cloud.control("PUT", "clock", {"profile": "none", "speed": 1})
    assert aws.run("alert_topic", **TOPIC, emails=TWO).steps == [f"update topic {NAME} (emails)"]


def test_who_is_not_declared_any_more_is_unsubscribed_once_that_is_possible(aws, sns, confirm):
    aws.bring("alert_topic", **TOPIC, emails=TWO)
    aws.settled("alert_topic", **TOPIC, emails=["ann@example.org"])  # SNS lets nobody take back the question
    confirm(*TWO)
    assert aws.bring("alert_topic", **TOPIC, emails=["ann@example.org"]).steps == [f"update topic {NAME} (emails)"]
    assert list(addresses(sns)) == ["ann@example.org"]


def test_a_chat_that_others_subscribed_is_left_alone(aws, sns):
    aws.bring("alert_topic", **TOPIC)
    sns.subscribe(TopicArn=ARN, Protocol="https", Endpoint="https://chat.example.org/hook")
    aws.settled("alert_topic", **TOPIC)


def test_a_change_of_the_policy_by_hand_or_declaration_is_brought_about(aws, sns):
    aws.bring("alert_topic", **TOPIC)
    sns.set_topic_attributes(TopicArn=ARN, AttributeName="Policy", AttributeValue='{"Version": "2012-10-17", "Statement": []}')
    assert aws.bring("alert_topic", **TOPIC).steps == [f"update topic {NAME} (policy)"]
    more = {**TOPIC, "policy": policy("codestar-notifications.amazonaws.com", "cloudwatch.amazonaws.com")}
    aws.bring("alert_topic", **more)
    aws.settled("alert_topic", **{**TOPIC, "policy": policy("cloudwatch.amazonaws.com", "codestar-notifications.amazonaws.com")})


def test_tags_of_others_stay_and_ours_come_back(aws, sns):
    aws.bring("alert_topic", **TOPIC)
    sns.tag_resource(ResourceArn=ARN, Tags=[{"Key": "cost-center", "Value": "42"}])
    aws.settled("alert_topic", **TOPIC)
    sns.untag_resource(ResourceArn=ARN, TagKeys=["little-service:environment"])
    assert aws.bring("alert_topic", **TOPIC).steps == [f"update topic {NAME} (tags)"]
    assert {"Key": "cost-center", "Value": "42"} in sns.list_tags_for_resource(ResourceArn=ARN)["Tags"]


@pytest.mark.parametrize("lost", ["CreateTopic", "Subscribe"])
def test_a_run_that_was_cut_off_after_any_call_is_taken_up(aws, sns, lost):
    aws.faults({"kind": "lost", "service": "sns", "operation": lost})
    aws.refused("alert_topic", **TOPIC, emails=TWO, aws_config={"retries": {"total_max_attempts": 1}})
    aws.faults()
    aws.bring("alert_topic", **TOPIC, emails=TWO)
    assert sorted(addresses(sns)) == TWO
