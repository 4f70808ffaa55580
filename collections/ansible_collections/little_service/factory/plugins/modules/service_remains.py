#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is left of a service."""

DOCUMENTATION = r"""
---
module: service_remains
short_description: Prove that nothing of a service is left but what is kept
description:
  - Searches by tags, in all services of AWS that have tags, and fails while it finds more than what is kept.
  - AWS lists what is deleted for a while, so it looks again until O(timeout).
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  service:
    description: The service, as in its tag C(little-service:service); empty searches those of all services.
    type: str
    required: true
  environment:
    description: The environment, as in the tag C(little-service:environment).
    type: str
    required: true
  kept:
    description: Patterns of the ARNs that may be left.
    type: list
    elements: str
    default: []
  timeout:
    description: For how many seconds to look again.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Prove that nothing but the last snapshot is left
  little_service.factory.service_remains:
    service: orbit-ledger
    environment: production
    kept: [":snapshot:"]
"""

RETURN = r"""
kept:
  description: The ARNs of what is kept.
  type: list
  elements: str
  returned: success
services:
  description: The services that have things.
  type: list
  elements: str
  returned: success
"""

import re

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule


class Remains:
    """What a search by tags finds. The search does not cover IAM's roles, which are asked for by themselves:

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
    """

    def __init__(self, module):
        self._module, self._options = module, module.params
        self.kept, self.others, self.services = [], [], []

    def look(self):
        """For ``wait_until``: whether nothing but what is kept is left."""
        found = {**self._tagged(), **self._roles()}
        self.services = sorted({tags[declared.SERVICE_TAG] for tags in found.values()})
        patterns = [re.compile(pattern) for pattern in self._options["kept"]]
        self.kept = sorted(arn for arn in found if any(pattern.search(arn) for pattern in patterns))
        self.others = sorted(set(found) - set(self.kept))
        return not self.others, f"left: {', '.join(self.others)}"

    def _tagged(self):
        filters = [{"Key": declared.ENVIRONMENT_TAG, "Values": [self._options["environment"]]}]
        wanted = [self._options["service"]] if self._options["service"] else []
        filters.append({"Key": declared.SERVICE_TAG, **({"Values": wanted} if wanted else {})})
        pages = self._module.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=filters)
        found = {one["ResourceARN"]: tag_dict(one["Tags"]) for page in pages for one in page["ResourceTagMappingList"]}
        ended = self._ended(arn.rpartition("/")[2] for arn in found if ":instance/" in arn)
        return {arn: tags for arn, tags in found.items() if arn.rpartition("/")[2] not in ended}

    def _ended(self, instances):
        """Those that are terminated. They keep their tags for about an hour, cost nothing, and nobody can remove them:

        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html
        """
        filters = [{"Name": "instance-id", "Values": list(instances)}, {"Name": "instance-state-name", "Values": ["terminated"]}]
        if not filters[0]["Values"]:
            return set()
        pages = self._module.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
        return {one["InstanceId"] for page in pages for reservation in page["Reservations"] for one in reservation["Instances"]}

    def _roles(self):
        iam, found = self._module.client("iam"), {}
        for page in iam.get_paginator("list_roles").paginate(PathPrefix="/little-service/"):
            for role in page["Roles"]:
                tags = tag_dict(iam.list_role_tags(RoleName=role["RoleName"])["Tags"])
                if self._is_meant(tags):
                    found[role["Arn"]] = tags
        return found

    def _is_meant(self, tags):
        service, wanted = tags.get(declared.SERVICE_TAG), self._options["service"]
        return bool(service) and tags.get(declared.ENVIRONMENT_TAG) == self._options["environment"] and wanted in ("", service)


def main():
    module = AwsModule(
        {
            "service": {"type": "str", "required": True},
            "environment": {"type": "str", "required": True},
            "kept": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 300},
        }
    )
    remains = Remains(module)
    with module.telling(f"service {module.params['service'] or '(any)'}"):
        module.wait_until(f"end of {module.params['service']}", remains.look, module.params["timeout"])
    module.done([], kept=remains.kept, services=remains.services)


if __name__ == "__main__":
    main()
