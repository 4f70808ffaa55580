#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Alarms."""

DOCUMENTATION = r"""
---
module: cloudwatch_alarms
short_description: Keep the alarms of a service as declared
description:
  - Makes each alarm and keeps it as declared. Those of the same prefix and service that are not declared any more are removed.
  - "Not C(amazon.aws.cloudwatch_metric_alarm): that takes one alarm a task and no tags."
version_added: 0.1.0
author: [The Little Service maintainers (@little-service)]
options:
  prefix:
    description: What the names of all the service's alarms begin with.
    type: str
    required: true
  alarms:
    description: The alarms. An empty list removes all of the prefix.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What follows the prefix in the name.
        type: str
        required: true
      description:
        description: What it means and what to do, for whoever is woken.
        type: str
        required: true
      namespace:
        description: The metric's namespace.
        type: str
      metric:
        description: The metric's name; not with O(alarms[].queries).
        type: str
      dimensions:
        description: The metric's dimensions.
        type: dict
        default: {}
      nodes:
        description:
          - Makes an alarm for each of these nodes of a cluster.
          - C(-) and the node are added to the name and to each value of O(alarms[].dimensions).
        type: list
        elements: str
        default: []
      statistic:
        description: The statistic over each period.
        type: str
        choices: [Average, Sum, Maximum, Minimum, SampleCount]
        default: Average
      queries:
        description: Instead of one metric, a metric math expression and the metrics that it is made of, as PutMetricAlarm's C(Metrics).
        type: list
        elements: dict
        default: []
      period:
        description: Seconds of a period.
        type: int
        default: 60
      periods:
        description: How many of the newest periods are looked at.
        type: int
        default: 5
      datapoints:
        description: How many of those have to be beyond the threshold; all of them without it.
        type: int
      threshold:
        description: The threshold.
        type: float
        required: true
      comparison:
        description: When the alarm fires.
        type: str
        choices: [GreaterThanThreshold, GreaterThanOrEqualToThreshold, LessThanThreshold, LessThanOrEqualToThreshold]
        default: GreaterThanThreshold
      missing_data:
        description: What a period without data counts as.
        type: str
        choices: [breaching, notBreaching, ignore, missing]
        default: notBreaching
  actions:
    description: The ARNs of the topics that are told when it fires, and when it ends.
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
- name: Keep the alarms
  little_service.factory.cloudwatch_alarms:
    prefix: orbit-ledger-production-
    alarms:
      - name: database-cpu
        description: The database is busy.
        namespace: AWS/RDS
        metric: CPUUtilization
        dimensions: {DBInstanceIdentifier: orbit-ledger-production}
        threshold: 80
"""

RETURN = r"""
names:
  description: The alarms' names.
  type: list
  elements: str
  returned: success
"""

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict as tag_dict
from ansible_collections.little_service.factory.plugins.module_utils import declared
from ansible_collections.little_service.factory.plugins.module_utils.aws import AwsModule

# Our options, and what PutMetricAlarm calls them:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
SIMPLE = {
    "description": "AlarmDescription",
    "periods": "EvaluationPeriods",
    "datapoints": "DatapointsToAlarm",
    "threshold": "Threshold",
    "comparison": "ComparisonOperator",
    "missing_data": "TreatMissingData",
}
OF_ONE_METRIC = {"namespace": "Namespace", "metric": "MetricName", "statistic": "Statistic", "period": "Period"}


class Alarm(declared.Resource):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html"""

    kind = "alarm"

    def __init__(self, module, name, alarm, standing):
        self._cloudwatch, self._standing = module.client("cloudwatch"), standing
        super().__init__(name, {**wanted_of(alarm, module.params["actions"]), "tags": module.params["tags"]})

    def read(self):
        found = self._standing.get(self.name)
        if found is None:
            return None
        self._arn = found["AlarmArn"]
        return {**found_of(found), "tags": found.get("Tags") or self._tags()}

    def _tags(self):
        return tag_dict(self._cloudwatch.list_tags_for_resource(ResourceARN=self._arn)["Tags"])

    def create(self):
        self._put(Tags=tag_list(self.wanted["tags"]))

    def _put(self, **more):
        self._cloudwatch.put_metric_alarm(AlarmName=self.name, ActionsEnabled=True, **request_of(self.wanted), **more)

    def update(self, step):
        if set(step.changes) - {"tags"}:
            self._put()
        if "tags" in step.changes:
            self._cloudwatch.tag_resource(ResourceARN=self._arn, Tags=tag_list(self.wanted["tags"]))

    def delete(self):
        self._cloudwatch.delete_alarms(AlarmNames=[self.name])


def standing_of(module):
    """The alarms that stand, by name; with their tags where the tagging API has those, which asks once and not once for each.

    What was made or tagged a moment ago it may not know yet: that is asked for apart.
    """
    pages = module.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=module.params["prefix"])
    alarms = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
    if alarms:
        wanted = [{"Key": key, "Values": [value]} for key, value in module.params["tags"].items()]
        asked = {"ResourceTypeFilters": ["cloudwatch:alarm"], "TagFilters": wanted}
        pages = module.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(**asked)
        known = {one["ResourceARN"]: tag_dict(one["Tags"]) for page in pages for one in page["ResourceTagMappingList"]}
        alarms = {name: {**alarm, "Tags": known.get(alarm["AlarmArn"])} for name, alarm in alarms.items()}
    return alarms


def of_each_node(alarm):
    """The alarms that one declaration makes."""
    if not alarm["nodes"]:
        return [alarm]
    return [
        {**alarm, "name": f"{alarm['name']}-{node}", "dimensions": {name: f"{value}-{node}" for name, value in alarm["dimensions"].items()}}
        for node in alarm["nodes"]
    ]


def wanted_of(alarm, actions):
    """The declared alarm in the form in which :func:`found_of` gives the one that stands."""
    wanted = {key: alarm.get(key) for key in SIMPLE}
    wanted["datapoints"] = alarm.get("datapoints") or alarm["periods"]
    wanted["actions"] = sorted(actions)
    if alarm["queries"]:
        return {**wanted, "queries": [query_of(query) for query in alarm["queries"]]}
    return {**wanted, **{key: alarm[key] for key in OF_ONE_METRIC}, "dimensions": dict(alarm["dimensions"])}


def found_of(found):
    """What stands, in our words. Whoever switched its actions off has changed what it tells."""
    told = {key: found.get(name) for key, name in SIMPLE.items()}
    told["datapoints"] = told["datapoints"] or told["periods"]
    told["actions"] = sorted(found.get("AlarmActions", [])) if found.get("ActionsEnabled") and _told_of_the_end(found) else []
    if found.get("Metrics"):
        return {**told, "queries": [query_of(query) for query in found["Metrics"]]}
    return {
        **told,
        **{key: found.get(name) for key, name in OF_ONE_METRIC.items()},
        "dimensions": {one["Name"]: one["Value"] for one in found.get("Dimensions", [])},
    }


def _told_of_the_end(found):
    return sorted(found.get("OKActions", [])) == sorted(found.get("AlarmActions", []))


def query_of(query):
    """One of the metrics, with the defaults that AWS fills in."""
    told = {"ReturnData": True, **{key: value for key, value in query.items() if value not in (None, [], "")}}
    if "MetricStat" in told:
        metric = told["MetricStat"]["Metric"]
        ordered = sorted(metric.get("Dimensions", []), key=lambda one: one["Name"])
        told["MetricStat"] = {**told["MetricStat"], "Metric": {**metric, "Dimensions": ordered}}
    return told


def request_of(wanted):
    """What PutMetricAlarm is asked for."""
    asked = {name: wanted[key] for key, name in SIMPLE.items()}
    asked |= {"AlarmActions": wanted["actions"], "OKActions": wanted["actions"]}
    if "queries" in wanted:
        return {**asked, "Metrics": wanted["queries"]}
    dimensions = [{"Name": name, "Value": value} for name, value in sorted(wanted["dimensions"].items())]
    return {**asked, **{name: wanted[key] for key, name in OF_ONE_METRIC.items()}, "Dimensions": dimensions}


ALARM = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "metric": {"type": "str"},
    "dimensions": {"type": "dict", "default": {}},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "statistic": {"type": "str", "choices": ["Average", "Sum", "Maximum", "Minimum", "SampleCount"], "default": "Average"},
    "queries": {"type": "list", "elements": "dict", "default": []},
    "period": {"type": "int", "default": 60},
    "periods": {"type": "int", "default": 5},
    "datapoints": {"type": "int"},
    "threshold": {"type": "float", "required": True},
    "comparison": {
        "type": "str",
        "choices": ["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"],
        "default": "GreaterThanThreshold",
    },
    "missing_data": {"type": "str", "choices": ["breaching", "notBreaching", "ignore", "missing"], "default": "notBreaching"},
}


def main():
    module = AwsModule(
        {
            "prefix": {"type": "str", "required": True},
            "alarms": {"type": "list", "elements": "dict", "required": True, "options": ALARM},
            "actions": {"type": "list", "elements": "str", "default": []},
            "tags": {"type": "dict", "default": {}},
        }
    )
    prefix = module.params["prefix"]
    with module.telling(f"alarms {prefix}*"):
        standing = standing_of(module)
    wanted = {f"{prefix}{alarm['name']}": alarm for declaration in module.params["alarms"] for alarm in of_each_node(declaration)}
    kept = [Alarm(module, name, alarm, standing) for name, alarm in wanted.items()]
    template = {key: option.get("default") for key, option in ALARM.items()}
    # Of what is not declared any more only the name and the tags are looked at.
    gone = [Alarm(module, name, {**template, "threshold": 0}, standing) for name in sorted(set(standing) - set(wanted))]
    steps = declared.carry_out(module, kept) + declared.carry_out(module, gone, present=False)
    module.done(steps, names=sorted(wanted))


if __name__ == "__main__":
    main()
