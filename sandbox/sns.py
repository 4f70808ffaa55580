"""What moto's SNS leaves out: that who is subscribed by mail must confirm first.

https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

from __future__ import annotations

from typing import Any

from moto.core.request import Request
from moto.sns.models import sns_backends

from sandbox.core import control
from sandbox.core.gateway import Answer, Call, Sandbox, State, operation

SECONDS_TO_CONFIRM = 2 * 24 * 3600  # https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html


class Unconfirmed(State):
    """The ARNs of subscriptions that wait for a person, who confirms here by ``PUT /_sandbox/subscriptions``."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.arns: set[str] = set()


@operation("sns")
def subscribe(call: Call) -> Answer:
    """https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html: again for an address that waits is only another mail."""
    subscriptions, waiting = sns_backends[call.account][call.region].subscriptions, call.state(Unconfirmed)
    before = set(subscriptions)
    answered = call.ask()
    arn = answered["SubscriptionArn"]
    if call.params["Protocol"] in ("email", "email-json") and arn not in before:
        waiting.arns.add(arn)

        def forget() -> None:
            if arn in waiting.arns:
                subscriptions.pop(arn, None)

        call.clock.after(SECONDS_TO_CONFIRM, forget, as_is=True)
    return {"SubscriptionArn": "pending confirmation"} if arn in waiting.arns else answered


@operation("sns")
def list_subscriptions_by_topic(call: Call) -> Answer:
    """https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html"""
    answered, waiting = call.ask(), call.state(Unconfirmed).arns
    for one in answered.get("Subscriptions", []):
        if one["SubscriptionArn"] in waiting:
            one["SubscriptionArn"] = "PendingConfirmation"
    return answered


@operation("sns")
def list_subscriptions(call: Call) -> Answer:
    """https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptions.html"""
    return list_subscriptions_by_topic(call)


def confirm(sandbox: Sandbox, request: Request) -> list[str]:
    """``{"email": ADDRESS}``: what a person does with the mail, so that the address gets what is published."""
    email, confirmed = request.get_json()["email"], []
    for account, region in sandbox.places:
        waiting = sandbox.state(Unconfirmed, account, region).arns
        found = [one.arn for one in sns_backends[account][region].subscriptions.values() if one.arn in waiting and one.endpoint == email]
        waiting.difference_update(found)
        confirmed += found
    if not confirmed:
        raise ValueError(f"no subscription of {email} waits to be confirmed")
    return confirmed


control.PAGES["PUT", "subscriptions"] = confirm
