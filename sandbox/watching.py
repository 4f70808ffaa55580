"""CloudWatch and its logs, where moto takes what AWS refuses.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html, AmazonCloudWatch/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from moto.cloudwatch.models import cloudwatch_backends
from moto.logs.models import logs_backends

from sandbox.core.gateway import Answer, Call, operation
from sandbox.core.wire import AwsError

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
MOST_FILTERS = 100  # of a log group: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html


@operation("logs")
def put_retention_policy(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
    if call.params["retentionInDays"] not in DAYS:
        listed = ", ".join(map(str, DAYS))
        constraint = f"Member must satisfy enum value set: [{listed}]"
        message = (
            f"1 validation error detected: Value '{call.params['retentionInDays']}' at 'retentionInDays' failed to satisfy constraint: "
        )
        raise AwsError("InvalidParameterException", message + constraint)
    return call.forward()


def check_group(call: Call) -> None:
    group = call.params.get("logGroupName")
    if group and group not in logs_backends[call.account][call.region].groups:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")


@operation("logs")
def put_metric_filter(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html"""
    check_group(call)
    pattern, group = call.params["filterPattern"].strip(), call.params["logGroupName"]
    if pattern[:1] in ("{", "[") and pattern[-1:] != {"{": "}", "[": "]"}[pattern[0]]:
        raise AwsError("InvalidParameterException", "Invalid metric filter pattern")
    found = call.invoke("logs", "DescribeMetricFilters", logGroupName=group)["metricFilters"]
    if len({known["filterName"] for known in found} | {call.params["filterName"]}) > MOST_FILTERS:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")
    return call.forward()


@operation("logs")
def describe_metric_filters(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html"""
    check_group(call)
    return call.forward()


@operation("cloudwatch")
def put_metric_alarm(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html

    A new alarm has no data yet; an existing one keeps its state, and its tags whatever the request says.
    """
    name, alarms = call.params["AlarmName"], cloudwatch_backends[call.account][call.region].alarms
    before = alarms.get(name)
    if before is None:
        answered = call.forward()
        if name in alarms:
            alarms[name].state_value = "INSUFFICIENT_DATA"
        return answered
    call.ask(Tags=None)
    for part in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
        setattr(alarms[name], part, getattr(before, part))
    return {}


@operation("cloudwatch")
def delete_alarms(call: Call) -> Answer:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html: all of them, or none."""
    alarms = cloudwatch_backends[call.account][call.region].alarms
    missing = [name for name in call.params["AlarmNames"] if name not in alarms]
    if missing:
        raise AwsError("ResourceNotFound", f"Alarms {missing} do not exist.", 404)
    return call.forward()
