#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dashboard."""

DOCUMENTATION = r"""
---
module: cloudwatch_dashboard
short_description: Keep a dashboard of CloudWatch as declared
description:
  - Keeps a dashboard with the state of alarms above and graphs of metrics below, two in a row; or removes it.
  - There is no upstream module for it.
  - Dashboards are told apart by their names; the name says whose it is.
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
  alarms:
    description: The ARNs of the alarms whose state is shown.
    type: list
    elements: str
    default: []
  graphs:
    description: What is drawn.
    type: list
    elements: dict
    default: []
    suboptions:
      title:
        description: What it shows.
        type: str
        required: true
      metrics:
        description: The metrics, each as in a dashboard's body - namespace, name, names and values of dimensions; or an expression.
        type: list
        elements: list
        required: true
      statistic:
        description: The statistic over each period.
        type: str
        default: Average
      period:
        description: Seconds of a period.
        type: int
        default: 60
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - little_service.factory.aws
"""

EXAMPLES = r"""
- name: Keep the dashboard
  little_service.factory.cloudwatch_dashboard:
    name: orbit-ledger-production
    graphs:
      - title: The database's processor in percent
        metrics: [[AWS/RDS, CPUUtilization, DBInstanceIdentifier, orbit-ledger-production]]
"""

RETURN = r""" # """

import json

from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

WIDTH, HEIGHT = 24, 6  # a dashboard has 24 columns
ALARMS_IN_A_ROW = 4


def laid_out(alarms, graphs, region):
    """The widgets: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""
    top = 1 + -(-len(alarms) // ALARMS_IN_A_ROW)
    shown = {"type": "alarm", "x": 0, "y": 0, "width": WIDTH, "height": top, "properties": {"title": "Alarms", "alarms": alarms}}
    half = WIDTH // 2
    drawn = [
        {
            "type": "metric",
            "x": half * (number % 2),
            "y": top + HEIGHT * (number // 2),
            "width": half,
            "height": HEIGHT,
            "properties": {
                "title": graph["title"],
                "metrics": graph["metrics"],
                "stat": graph["statistic"],
                "period": graph["period"],
                "region": region,
                "view": "timeSeries",
            },
        }
        for number, graph in enumerate(graphs)
    ]
    return [shown, *drawn]


class Dashboard(declared.Resource):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetDashboard.html"""

    kind = "dashboard"
    taken = frozenset({"ResourceNotFound", "DashboardNotFoundError"})

    def __init__(self, module):
        self._cloudwatch = module.client("cloudwatch")
        widgets = laid_out(module.params["alarms"], module.params["graphs"], self._cloudwatch.meta.region_name)
        super().__init__(module.params["name"], {"widgets": widgets})

    def read(self):
        try:
            body = self._cloudwatch.get_dashboard(DashboardName=self.name)["DashboardBody"]
        except Exception as error:
            # The model names it DashboardNotFoundError, AWS answers with ResourceNotFound.
            if declared.code_of(error) not in self.taken:
                raise
            return None
        return {"widgets": json.loads(body).get("widgets", [])}

    def create(self):
        self._cloudwatch.put_dashboard(DashboardName=self.name, DashboardBody=json.dumps(self.wanted))

    def update(self, step):
        self.create()

    def delete(self):
        self._cloudwatch.delete_dashboards(DashboardNames=[self.name])


GRAPH = {
    "title": {"type": "str", "required": True},
    "metrics": {"type": "list", "elements": "list", "required": True},
    "statistic": {"type": "str", "default": "Average"},
    "period": {"type": "int", "default": 60},
}


def main():
    module = AwsModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "alarms": {"type": "list", "elements": "str", "default": []},
            "graphs": {"type": "list", "elements": "dict", "default": [], "options": GRAPH},
        }
    )
    module.done(declared.carry_out(module, [Dashboard(module)], present=module.params["state"] == "present"))


if __name__ == "__main__":
    main()
