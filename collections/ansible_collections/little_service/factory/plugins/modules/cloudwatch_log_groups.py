#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups of logs."""

DOCUMENTATION = r"""
---
module: cloudwatch_log_groups
short_description: Keep groups of logs as declared
description:
  - Makes each group, keeps its retention and tags, or removes it with what it holds.
  - CodeBuild and RDS make a group that is missing when they first write, without tags and for ever. Such a one is taken for the service's.
  - "Not C(amazon.aws.cloudwatchlogs_log_group): that takes one group a task, and does not know whose it is."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  names:
    description: The groups' names.
    type: list
    elements: str
    default: []
  environments:
    description:
      - Names of environments of Elastic Beanstalk, with O(state=absent). The groups that it made for them, which outlive them, are removed
        as well, unless an environment of that name stands.
    type: list
    elements: str
    default: []
  state:
    description: C(absent) removes the groups.
    type: str
    choices: [present, absent]
    default: present
  retention_days:
    description: How long an event is kept, in days; one of the numbers that CloudWatch Logs takes.
    type: int
    default: 30
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
  - little_service.factory.aws.tags
"""

EXAMPLES = r"""
- name: Keep the build's log for a month
  little_service.factory.cloudwatch_log_groups:
    names: [/aws/codebuild/orbit-ledger-production]
    retention_days: 30
"""

RETURN = r""" # """

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


class LogGroup(declared.Resource):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html"""

    kind = "log group"
    taken = frozenset({"ResourceAlreadyExistsException", "ResourceNotFoundException"})

    def __init__(self, module, name):
        self._logs, self._arn = module.client("logs"), ""
        super().__init__(name, {"retention_days": module.params["retention_days"], "tags": module.params["tags"]})

    def read(self):
        listed = self._logs.describe_log_groups(logGroupNamePrefix=self.name, limit=50)["logGroups"]
        found = next((group for group in listed if group["logGroupName"] == self.name), None)
        if found is None:
            return None
        self._arn = found["arn"].removesuffix(":*")
        tags = self._logs.list_tags_for_resource(resourceArn=self._arn)["tags"]
        return {"retention_days": found.get("retentionInDays"), "tags": tags, "made_by_aws": declared.SERVICE_TAG not in tags}

    def create(self):
        self._logs.create_log_group(logGroupName=self.name, tags=self.wanted["tags"])
        self._logs.put_retention_policy(logGroupName=self.name, retentionInDays=self.wanted["retention_days"])

    def update(self, step):
        if "retention_days" in step.changes:
            self._logs.put_retention_policy(logGroupName=self.name, retentionInDays=self.wanted["retention_days"])
        if "tags" in step.changes:
            self._logs.tag_resource(resourceArn=self._arn, tags=self.wanted["tags"])

    def delete(self):
        self._logs.delete_log_group(logGroupName=self.name)


def of_ended(module):
    """The groups of environments that have ended: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html"""
    if not module.params["environments"]:
        return []
    asked = {"EnvironmentNames": module.params["environments"], "IncludeDeleted": False}
    standing = module.client("elasticbeanstalk").describe_environments(**asked)["Environments"]
    ended = set(module.params["environments"]) - {one["EnvironmentName"] for one in standing if one["Status"] != "Terminated"}
    pages = module.client("logs").get_paginator("describe_log_groups")
    return [
        group["logGroupName"]
        for name in sorted(ended)
        for page in pages.paginate(logGroupNamePrefix=f"/aws/elasticbeanstalk/{name}/")
        for group in page["logGroups"]
    ]


def main():
    module = AwsModule(
        {
            "names": {"type": "list", "elements": "str", "default": []},
            "environments": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "retention_days": {"type": "int", "default": 30},
            "tags": {"type": "dict", "default": {}},
        }
    )
    days = module.params["retention_days"]
    if days not in DAYS:
        module.fail_json(msg=f"CloudWatch Logs cannot keep events for {days} days. It takes one of: {', '.join(map(str, DAYS))}.")
    present = module.params["state"] == "present"
    if present and module.params["environments"]:
        module.fail_json(msg="environments goes with state: absent. The groups of one that stands are Elastic Beanstalk's own.")
    with module.telling("logs of Elastic Beanstalk"):
        names = module.params["names"] + of_ended(module)
    module.done(declared.carry_out(module, [LogGroup(module, name) for name in names], present=present))


if __name__ == "__main__":
    main()
