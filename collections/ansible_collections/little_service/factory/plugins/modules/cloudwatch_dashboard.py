#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dashboard."""

DOCUMENTATION = r"""
---
module: cloudwatch_dashboard
short_description: Keep a dashboard of CloudWatch as declared
description:
  - Makes the dashboard, keeps its widgets, or removes it. There is no upstream module for it.
  - Dashboards have no tags; the name says whose it is.
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  name:
    description: The dashboard's name.
    type: str
    required: true
  state:
    description: C(absent) removes the dashboard.
    type: str
    choices: [present, absent]
    default: present
  widgets:
    description: The widgets, as in the dashboard's body.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Keep the dashboard
  little_service.factory.cloudwatch_dashboard:
    name: orbit-ledger-production
    widgets:
      - {type: text, width: 24, height: 2, properties: {markdown: "# Orbit Ledger"}}
"""

RETURN = r""" # """

import json

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule


class Dashboard(declared.Resource):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""

    kind = "dashboard"

    def __init__(self, module):
        self._cloudwatch = module.client("cloudwatch")
        super().__init__(module.params["name"], {"widgets": module.params["widgets"]})

    def read(self):
        try:
            body = self._cloudwatch.get_dashboard(DashboardName=self.name)["DashboardBody"]
        except Exception as error:
            # The model names it DashboardNotFoundError, AWS answers with ResourceNotFound.
            if declared.code_of(error) not in ("ResourceNotFound", "DashboardNotFoundError"):
                raise
            return None
        return {"widgets": json.loads(body).get("widgets", [])}

    def create(self):
        self._cloudwatch.put_dashboard(DashboardName=self.name, DashboardBody=json.dumps(self.wanted))

    def update(self, step):
        self.create()

    def delete(self):
        self._cloudwatch.delete_dashboards(DashboardNames=[self.name])


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "widgets": {"type": "list", "elements": "dict", "default": []},
        }
    )
    module.done(declared.carry_out(module, [Dashboard(module)], present=module.params["state"] == "present"))


if __name__ == "__main__":
    main()
