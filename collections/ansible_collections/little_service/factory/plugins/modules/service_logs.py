#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of CloudWatch Logs."""

DOCUMENTATION = r"""
---
module: service_logs
short_description: Show what a service has logged
description:
  - Adds the lines of log groups of CloudWatch to the file O(log), in the order of their time.
  - P(little_service.factory.progress#callback) shows each as it comes, where the task has C(progress_lines).
  - It waits for more until it is interrupted, if it is told to follow.
  - Changes nothing.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  groups:
    description: Which log groups.
    type: list
    elements: dict
    required: true
    suboptions:
      prefix:
        description: What the names of the groups begin with.
        type: str
        required: true
      parts:
        description: Of lines that say which part of the service wrote them, only those of these parts. None takes all.
        type: list
        elements: str
        default: []
  since:
    description: From how long ago on, as in C(10m), C(2h) or C(1d).
    type: str
    default: 10m
  follow:
    description: Whether to wait for more.
    type: bool
    default: false
  most:
    description: Of what there is at the beginning, so many lines at most, the last ones.
    type: int
    default: 2000
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Show what the web logged
  little_service.factory.service_logs:
    groups:
      - prefix: /aws/elasticbeanstalk/orbit-ledger-staging/var/log/eb-docker/containers/
        parts: [web]
    log: reports/logs.txt
  vars:
    progress_log: reports/logs.txt
    progress_lines: true
"""

RETURN = r"""
lines:
  description: How many lines there were.
  type: int
  returned: success
groups:
  description: The names of the groups that there are.
  type: list
  elements: str
  returned: success
left_out:
  description: How many older lines were not shown.
  type: int
  returned: success
"""

import time

from ansible_collections.little_service.factory.plugins.module_utils import logs
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

OVERLAP = 60  # seconds: a line may come that much later than a younger one of another instance


class Logs:
    """What log groups hold, each line once."""

    def __init__(self, module):
        self._client, self._options = module.client("logs"), module.params
        self._seen = {}  # the events that were told, and when each was

    def groups(self):
        """The names of the groups, each with the parts that are wanted of it."""
        pages = self._client.get_paginator("describe_log_groups")
        return {
            found["logGroupName"]: wanted["parts"]
            for wanted in self._options["groups"]
            for page in pages.paginate(logGroupNamePrefix=wanted["prefix"])
            for found in page["logGroups"]
        }

    def new(self, groups, start):
        """The lines since a moment that were not told yet, the oldest first."""
        events = [
            (event["timestamp"], event["eventId"], logs.shown(event, group))
            for group, parts in groups.items()
            for page in self._client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=int(start * 1000))
            for event in page["events"]
            if event["eventId"] not in self._seen and logs.is_of(event["message"], parts)
        ]
        self._seen |= {identifier: timestamp for timestamp, identifier, _ in events}
        self._seen = {identifier: timestamp for identifier, timestamp in self._seen.items() if timestamp >= start * 1000}
        return [line for _, _, line in sorted(events)]


def main():
    module = AwsModule(
        {
            "groups": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {"prefix": {"type": "str", "required": True}, "parts": {"type": "list", "elements": "str", "default": []}},
            },
            "since": {"type": "str", "default": "10m"},
            "follow": {"type": "bool", "default": False},
            "most": {"type": "int", "default": 2000},
        }
    )
    with module.telling("log"):
        start = time.time() - logs.seconds_of(module.params["since"])
        told = Logs(module)
        groups = told.groups()
        lines = told.new(groups, start)
        left_out = max(0, len(lines) - module.params["most"])
        for line in lines[left_out:]:
            module.tell(line)
        while module.params["follow"]:
            module.pause(2)
            start = max(start, time.time() - OVERLAP)
            for line in told.new(told.groups(), start):
                module.tell(line)
    module.done([], lines=len(lines), groups=sorted(groups), left_out=left_out)


if __name__ == "__main__":
    main()
