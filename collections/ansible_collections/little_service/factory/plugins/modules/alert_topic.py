#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A topic and who hears of it."""

DOCUMENTATION = r"""
---
module: alert_topic
short_description: Keep an SNS topic and its subscribers by mail as declared
description:
  - Makes the topic, keeps its policy, tags and subscribers by mail, or removes it.
  - An address that was asked to confirm is not asked again while it can. SNS forgets it after two days; then the next run asks again.
  - Subscribers other than by mail, such as a chat, are left alone.
  - "Not C(community.aws.sns_topic): it sets tags only on a topic that it makes itself, and in check mode it fails for one that does not
    exist yet and is to have a policy."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The topic's name.
    type: str
    required: true
  account:
    description: The account's twelve digits, of which the ARN is made.
    type: str
    required: true
  state:
    description: C(absent) removes the topic with its subscriptions.
    type: str
    choices: [present, absent]
    default: present
  policy:
    description: Who may publish, as a policy document.
    type: dict
    required: true
  emails:
    description:
      - Addresses that get what is published.
      - Others are unsubscribed, once they have confirmed; the question to an address cannot be taken back.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep a topic of alerts
  little_service.factory.alert_topic:
    name: little-service-production-alerts
    account: "123456789012"
    policy: "{{ topic_policy }}"
    emails: [ops@example.org]
    tags: {"little-service:service": shared}
"""

RETURN = r"""
arn:
  description: The topic's ARN.
  type: str
  returned: success
pending:
  description: The addresses that have not confirmed yet.
  type: list
  elements: str
  returned: success
"""

import json

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule
from ansible_collections.little_service.factory.plugins.module_utils.policies import canonical

# In place of a subscription's ARN: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
PENDING = ("PendingConfirmation", "pending confirmation")


class Topic(declared.Resource):
    """https://docs.aws.amazon.com/sns/latest/api/API_Operations.html

    It is not encrypted by SNS's own key: CloudWatch's alarms could not publish to it, as they may not use that key
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
    """

    kind = "topic"

    def __init__(self, module):
        self._sns = module.client("sns")
        options = module.params
        self.arn = f"arn:{self._sns.meta.partition}:sns:{module.region}:{options['account']}:{options['name']}"
        self._subscriptions = {}
        self.pending = sorted(set(options["emails"]))
        wanted = {"policy": canonical(options["policy"]), "emails": sorted(set(options["emails"])), "tags": options["tags"]}
        super().__init__(options["name"], wanted)

    def read(self):
        try:
            attributes = self._sns.get_topic_attributes(TopicArn=self.arn)["Attributes"]
        except self._sns.exceptions.NotFoundException:
            return None
        self._read_subscriptions()
        standing = {email for email, arn in self._subscriptions.items() if email in self.wanted["emails"] or arn not in PENDING}
        return {
            "policy": canonical(attributes["Policy"]),
            "emails": sorted(standing),
            "tags": tag_dict(self._sns.list_tags_for_resource(ResourceArn=self.arn)["Tags"]),
        }

    def _read_subscriptions(self):
        pages = self._sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self.arn)
        found = [one for page in pages for one in page["Subscriptions"] if one["Protocol"] == "email"]
        self._subscriptions = {one["Endpoint"]: one["SubscriptionArn"] for one in found}
        self.pending = [email for email in self.wanted["emails"] if self._subscriptions.get(email, PENDING[0]) in PENDING]

    def create(self):
        """Of a topic that stands it gives the ARN, so that it can be asked twice."""
        self._sns.create_topic(Name=self.name, Attributes={"Policy": json.dumps(self.wanted["policy"])}, Tags=tag_list(self.wanted["tags"]))
        self._subscriptions = {}
        self._set_emails(self.wanted["emails"])

    def update(self, step):
        for key, value in step.changes.items():
            getattr(self, f"_set_{key}")(value)

    def _set_policy(self, value):
        self._sns.set_topic_attributes(TopicArn=self.arn, AttributeName="Policy", AttributeValue=json.dumps(value))

    def _set_tags(self, value):
        self._sns.tag_resource(ResourceArn=self.arn, Tags=tag_list(value))

    def _set_emails(self, value):
        for email in sorted(set(value) - set(self._subscriptions)):
            self._sns.subscribe(TopicArn=self.arn, Protocol="email", Endpoint=email)
        for email in sorted(set(self._subscriptions) - set(value)):
            if self._subscriptions[email] not in PENDING:
                self._sns.unsubscribe(SubscriptionArn=self._subscriptions[email])

    def delete(self):
        self._sns.delete_topic(TopicArn=self.arn)


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "account": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "policy": {"type": "dict", "required": True},
            "emails": {"type": "list", "elements": "str", "default": []},
            "tags": {"type": "dict", "default": {}},
        }
    )
    topic = Topic(module)
    steps = declared.carry_out(module, [topic], present=module.params["state"] == "present")
    module.done(steps, arn=topic.arn, pending=topic.pending)


if __name__ == "__main__":
    main()
