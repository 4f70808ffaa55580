"""SNS: subscriptions wait for their confirmation, and nothing leaves this machine.

https://docs.aws.amazon.com/sns/latest/api/welcome.html
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.request import Request
from moto.sns.models import Subscription, sns_backends

from sandbox.core import tags
from sandbox.core.gateway import Answer, Call, Sandbox, operation
from sandbox.core.wire import AwsError

CONFIRMED_BY_SOMEBODY = ("email", "email-json", "http", "https")
PENDING = "PendingConfirmation"
SECONDS_TO_CONFIRM = 2 * 24 * 3600  # https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
deliver = Subscription.publish


def deliver_here(subscription: Subscription, *args: Any, **named: Any) -> None:
    """moto would post to an HTTP endpoint out there."""
    if subscription.protocol not in ("http", "https"):
        deliver(subscription, *args, **named)


Subscription.publish = deliver_here


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: {message}", 400)


@operation("sns")
def create_topic(call: Call) -> Answer:
    """https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html: that of a name again, if it is to be the same."""
    arn = f"arn:aws:sns:{call.region}:{call.account}:{call.params['Name']}"
    if arn in sns_backends[call.account][call.region].topics:
        given = call.params.get("Tags")
        own = tags.as_dict(call.invoke("sns", "ListTagsForResource", ResourceArn=arn)["Tags"])
        if given and tags.as_dict(given) != own:
            raise invalid("Tags Reason: Topic already exists with different tags")
        set_to = call.invoke("sns", "GetTopicAttributes", TopicArn=arn)["Attributes"]
        if any(set_to.get(key) != value for key, value in call.params.get("Attributes", {}).items()):
            raise invalid("Attributes Reason: Topic already exists with different attributes")
    return call.forward()


@operation("sns")
def subscribe(call: Call) -> Answer:
    """https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html"""
    protocol, endpoint = call.params["Protocol"], call.params.get("Endpoint", "")
    if protocol.startswith("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", endpoint):
        raise invalid("Email address")
    if protocol in ("http", "https") and not endpoint.startswith(f"{protocol}://"):
        raise invalid("Endpoint must match the specified protocol")
    known = set(sns_backends[call.account][call.region].subscriptions)
    arn = call.ask()["SubscriptionArn"]
    made = sns_backends[call.account][call.region].subscriptions[arn]
    if arn not in known and protocol in CONFIRMED_BY_SOMEBODY:
        made.attributes |= {PENDING: True, "ConfirmationWasAuthenticated": False}
        call.clock.after(SECONDS_TO_CONFIRM, lambda: forget(call, made), as_is=True)
    shown = arn if call.params.get("ReturnSubscriptionArn") or not made.attributes[PENDING] else "pending confirmation"
    return {"SubscriptionArn": shown}


def forget(call: Call, subscription: Subscription) -> None:
    if subscription.attributes.get(PENDING):
        sns_backends[call.account][call.region].subscriptions.pop(subscription.arn, None)


def shown(call: Call) -> Answer:
    """https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html: without the ARN of one that is not confirmed."""
    answered, known = call.ask(), sns_backends[call.account][call.region].subscriptions
    found = answered["Subscriptions"]
    return {**answered, "Subscriptions": [{**one, "SubscriptionArn": arn_shown(known[one["SubscriptionArn"]])} for one in found]}


operation("sns", "ListSubscriptions")(shown)
operation("sns", "ListSubscriptionsByTopic")(shown)


def arn_shown(subscription: Subscription) -> str:
    return PENDING if subscription.attributes.get(PENDING) else subscription.arn


@operation("sns")
def get_topic_attributes(call: Call) -> Answer:
    """https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html: counted as they are."""
    answered, arn = call.ask(), call.params["TopicArn"]
    known = [one for one in sns_backends[call.account][call.region].subscriptions.values() if one.topic_arn == arn]
    pending = sum(bool(one.attributes.get(PENDING)) for one in known)
    counts = {"SubscriptionsPending": str(pending), "SubscriptionsConfirmed": str(len(known) - pending)}
    return {**answered, "Attributes": {**answered["Attributes"], **counts}}


def confirm(sandbox: Sandbox, request: Request) -> list[str]:
    """``{"email": ADDRESS}``: what a person does with the mail, so that the address gets what is published."""
    email, confirmed = request.get_json()["email"], []
    with sandbox.lock:
        for account, region in sandbox.places:
            for one in sns_backends[account][region].subscriptions.values():
                if one.endpoint == email and one.attributes.get(PENDING):
                    one.attributes |= {PENDING: False, "ConfirmationWasAuthenticated": True}
                    confirmed.append(one.arn)
    if not confirmed:
        raise ValueError(f"no subscription of {email} waits to be confirmed")
    return confirmed
