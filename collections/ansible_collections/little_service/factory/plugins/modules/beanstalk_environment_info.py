#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What environments consist of."""

DOCUMENTATION = r"""
---
module: beanstalk_environment_info
short_description: Tell which Auto Scaling group an environment has
description:
  - Metrics of instances are told by their Auto Scaling group, whose name is Elastic Beanstalk's choice.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  application:
    description: The application.
    type: str
    required: true
  environments:
    description: The environments' names.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Ask for the group of instances
  little_service.factory.beanstalk_environment_info:
    application: orbit-ledger-production
    environments: [orbit-ledger-production]
"""

RETURN = r"""
groups:
  description: The name of each environment's Auto Scaling group.
  type: dict
  returned: success
"""

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule


def group_of(beanstalk, identifier):
    """The group's name; known later while the environment is being launched."""
    asked = beanstalk.describe_environment_resources(EnvironmentId=identifier)
    groups = asked["EnvironmentResources"]["AutoScalingGroups"]
    return groups[0]["Name"] if groups else declared.KNOWN_AFTER_APPLY


def main():
    module = AwsModule(
        {
            "application": {"type": "str", "required": True},
            "environments": {"type": "list", "elements": "str", "required": True},
        }
    )
    names, beanstalk = module.params["environments"], module.client("elasticbeanstalk")
    with module.telling(f"environments {', '.join(names)}"):
        asked = {"ApplicationName": module.params["application"], "EnvironmentNames": names, "IncludeDeleted": False}
        listed = beanstalk.describe_environments(**asked)["Environments"]
        standing = {one["EnvironmentName"]: one["EnvironmentId"] for one in listed if one["Status"] not in ("Terminated", "Terminating")}
        groups = {name: group_of(beanstalk, standing[name]) if name in standing else declared.KNOWN_AFTER_APPLY for name in names}
    module.done([], groups=groups)


if __name__ == "__main__":
    main()
