#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule of EventBridge that tells a topic."""

DOCUMENTATION = r"""
---
module: eventbridge_rule
short_description: Keep a rule that tells a topic of events
description:
  - Makes the rule, keeps its pattern, its one target and its tags, or removes it.
  - "Not C(amazon.aws.cloudwatchevent_rule): its check mode changes, and it has no tags."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The rule's name.
    type: str
    required: true
  state:
    description: C(absent) removes the rule.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: What it is for.
    type: str
    default: ""
  pattern:
    description: The events that it is for.
    type: dict
    default: {}
  target:
    description: The ARN of the topic that is told.
    type: str
    default: ""
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Tell of pipelines that fail
  little_service.factory.eventbridge_rule:
    name: orbit-ledger-production-pipeline-failed
    pattern: {source: [aws.codepipeline], detail: {state: [FAILED]}}
    target: arn:aws:sns:us-west-2:123456789012:little-service-production-alerts
"""

RETURN = r""" # """

import json

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

TARGET = "topic"  # the target's id, of our choice


class Rule(declared.Resource):
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html"""

    kind = "event rule"
    taken = frozenset({"ResourceNotFoundException"})

    def __init__(self, module):
        options = module.params
        self._events, self._arn, self._targets = module.client("events"), "", []
        wanted = {key: options[key] for key in ("description", "pattern", "target", "tags")}
        super().__init__(options["name"], {**wanted, "enabled": True})

    def read(self):
        try:
            found = self._events.describe_rule(Name=self.name)
        except self._events.exceptions.ResourceNotFoundException:
            return None
        self._arn = found["Arn"]
        self._targets = self._events.list_targets_by_rule(Rule=self.name)["Targets"]
        return {
            "description": found.get("Description", ""),
            "pattern": json.loads(found.get("EventPattern") or "{}"),
            "enabled": found["State"] == "ENABLED",
            "target": next((target["Arn"] for target in self._targets if target["Id"] == TARGET), ""),
            "tags": tag_dict(self._events.list_tags_for_resource(ResourceARN=self._arn)["Tags"]),
        }

    def create(self):
        self._put(Tags=tag_list(self.wanted["tags"]))
        self._put_target()

    def _put(self, **more):
        pattern, description = json.dumps(self.wanted["pattern"]), self.wanted["description"]
        self._events.put_rule(Name=self.name, EventPattern=pattern, Description=description, State="ENABLED", **more)

    def _put_target(self):
        refused = self._events.put_targets(Rule=self.name, Targets=[{"Id": TARGET, "Arn": self.wanted["target"]}])["FailedEntries"]
        if refused:  # it is told so, and not by an error
            raise declared.DeclarationError(f"The {self} cannot tell {self.wanted['target']}: {refused[0]['ErrorMessage']}")

    def update(self, step):
        if set(step.changes) & {"description", "pattern", "enabled"}:
            self._put()
        if "target" in step.changes:
            self._put_target()
        if "tags" in step.changes:
            self._events.tag_resource(ResourceARN=self._arn, Tags=tag_list(self.wanted["tags"]))

    def delete(self):
        """A rule with targets is not deleted: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html"""
        if self._targets:
            self._events.remove_targets(Rule=self.name, Ids=[target["Id"] for target in self._targets])
        self._events.delete_rule(Name=self.name)


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "description": {"type": "str", "default": ""},
            "pattern": {"type": "dict", "default": {}},
            "target": {"type": "str", "default": ""},
            "tags": {"type": "dict", "default": {}},
        }
    )
    module.done(declared.carry_out(module, [Rule(module)], present=module.params["state"] == "present"))


if __name__ == "__main__":
    main()
