"""Log groups, alarms, the dashboard and the rule that tells of failed pipelines: brought to what is declared."""

from __future__ import annotations

import contextlib
import json

import pytest

from tests.aws import beanstalk
from tests.aws.conftest import ACCOUNT, REGION, tags

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
CPU = {
    "name": "database-cpu",
    "description": "The database is busy.",
    "namespace": "AWS/RDS",
    "metric": "CPUUtilization",
    "dimensions": {"DBInstanceIdentifier": "orbit-staging"},
    "threshold": 80,
}
METRIC = {"Namespace": "LittleService", "MetricName": "Requests", "Dimensions": [{"Name": "Service", "Value": "orbit"}]}
SHARE = {
    "name": "errors",
    "description": "Many requests fail.",
    "threshold": 0.05,
    "queries": [
        {"Id": "share", "Expression": "errors / requests", "Label": "share"},
        {
            "Id": "errors",
            "MetricStat": {"Metric": {**METRIC, "MetricName": "ServerErrors"}, "Period": 60, "Stat": "Sum"},
            "ReturnData": False,
        },
        {"Id": "requests", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
    ],
}
ALARMS = {"prefix": "orbit-staging-", "alarms": [CPU, SHARE], "actions": [TOPIC], "tags": tags()}
GROUPS = {"names": ["/aws/codebuild/orbit-staging", "/orbit"], "retention_days": 14, "tags": tags()}
RULE = {
    "name": "orbit-staging-pipeline-failed",
    "pattern": {"source": ["aws.codepipeline"], "detail": {"state": ["FAILED"], "pipeline": ["orbit-staging"]}},
    "target": TOPIC,
    "tags": tags(),
}
GRAPHS = [
    {"title": f"The {name}'s processor", "metrics": [["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", name]]}
    for name in ("web", "worker", "other")
]
DASHBOARD = {"name": "orbit-staging", "alarms": [f"{TOPIC}:{n}" for n in range(5)], "graphs": GRAPHS}


@pytest.mark.parametrize(
    ("module", "options", "made"),
    [
        ("cloudwatch_log_groups", GROUPS, ["create log group /aws/codebuild/orbit-staging", "create log group /orbit"]),
        ("eventbridge_rule", RULE, ["create event rule orbit-staging-pipeline-failed"]),
        ("cloudwatch_dashboard", DASHBOARD, ["create dashboard orbit-staging"]),
    ],
)
def test_it_is_made_kept_and_removed(aws, module, options, made):
    assert aws.bring(module, **options).steps == made
    gone = aws.bring(module, **options, state="absent")
    assert sorted(gone.steps) == sorted(step.replace("create", "delete") for step in made)


def test_alarms_are_made_kept_and_those_that_are_declared_no_more_go(aws):
    assert aws.bring("cloudwatch_alarms", **ALARMS).steps == [
        "create alarm orbit-staging-database-cpu",
        "create alarm orbit-staging-errors",
    ]
    fewer = aws.bring("cloudwatch_alarms", **{**ALARMS, "alarms": [SHARE]})
    assert fewer.steps == ["delete alarm orbit-staging-database-cpu"]
    assert aws.bring("cloudwatch_alarms", **{**ALARMS, "alarms": []}).steps == ["delete alarm orbit-staging-errors"]


@pytest.mark.parametrize(
    ("change", "properties"),
    [
        ({"Threshold": 99.0}, "threshold"),
        ({"EvaluationPeriods": 2, "DatapointsToAlarm": 2}, "datapoints, periods"),
        ({"ActionsEnabled": False}, "actions"),
        ({"AlarmActions": []}, "actions"),
        ({"OKActions": []}, "actions"),
        ({"TreatMissingData": "breaching"}, "missing_data"),
        ({"Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "other"}]}, "dimensions"),
        ({"Statistic": "Maximum"}, "statistic"),
    ],
)
def test_an_alarm_that_was_changed_by_hand_is_mended(aws, change, properties):
    aws.bring("cloudwatch_alarms", **ALARMS)
    cloudwatch = aws.client("cloudwatch")
    (found,) = cloudwatch.describe_alarms(AlarmNames=["orbit-staging-database-cpu"])["MetricAlarms"]
    asked = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    cloudwatch.put_metric_alarm(**{key: value for key, value in {**found, **change}.items() if key in asked and key != "Metrics"})
    assert aws.bring("cloudwatch_alarms", **ALARMS).steps == [f"update alarm orbit-staging-database-cpu ({properties})"]


def test_many_alarms_are_asked_for_in_a_few_calls(aws):
    many = {**ALARMS, "alarms": [{**CPU, "name": f"cpu-{number}"} for number in range(12)]}
    aws.run("cloudwatch_alarms", **many)
    assert len(aws.settled("cloudwatch_alarms", **many).calls) == 2


def test_an_alarms_tags_are_mended(aws):
    aws.bring("cloudwatch_alarms", **ALARMS)
    (found,) = aws.client("cloudwatch").describe_alarms(AlarmNames=["orbit-staging-errors"])["MetricAlarms"]
    aws.client("cloudwatch").untag_resource(ResourceARN=found["AlarmArn"], TagKeys=["little-service:environment"])
    assert aws.bring("cloudwatch_alarms", **ALARMS).steps == ["update alarm orbit-staging-errors (tags)"]


def test_strangers_alarms_of_the_same_prefix_stay(aws):
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="orbit-staging-of-somebody", Namespace="A", MetricName="B", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    aws.bring("cloudwatch_alarms", **ALARMS)
    aws.bring("cloudwatch_alarms", **{**ALARMS, "alarms": []})
    assert [one["AlarmName"] for one in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]] == ["orbit-staging-of-somebody"]


def test_a_log_group_that_was_changed_by_hand_is_mended(aws):
    aws.bring("cloudwatch_log_groups", **GROUPS)
    aws.client("logs").delete_retention_policy(logGroupName="/orbit")
    assert aws.bring("cloudwatch_log_groups", **GROUPS).steps == ["update log group /orbit (retention_days)"]


def test_a_log_group_that_aws_made_by_itself_is_the_services_but_not_one_of_another_service(aws):
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/orbit")
    assert aws.bring("cloudwatch_log_groups", **GROUPS).steps[-1] == "update log group /orbit (retention_days, tags)"
    assert "is 'orbit' and not 'ledger'" in aws.refused("cloudwatch_log_groups", **{**GROUPS, "tags": tags("ledger")})
    logs.untag_resource(resourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/orbit", tagKeys=list(tags()))
    aws.bring("cloudwatch_log_groups", **{**GROUPS, "names": ["/orbit"]}, state="absent")


def test_the_logs_of_environments_that_have_ended_go_and_no_others(aws):
    logs = aws.client("logs")
    beanstalk.Beanstalk(aws)
    aws.run("beanstalk_environment", **beanstalk.declared(beanstalk.WEB))
    left = {f"/aws/elasticbeanstalk/{name}/var/log/docker" for name in (beanstalk.WEB["name"], "orbit-staging-old", "orbit")}
    for group in left | {"/aws/elasticbeanstalk/orbit-ended/var/log/docker", "/aws/elasticbeanstalk/orbit-ended/environment-health.log"}:
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
    gone = {"environments": [beanstalk.WEB["name"], "orbit-ended"], "state": "absent", "tags": tags()}
    steps = aws.bring("cloudwatch_log_groups", **gone).steps
    assert sorted(steps) == [
        f"delete log group /aws/elasticbeanstalk/orbit-ended/{name}" for name in ("environment-health.log", "var/log/docker")
    ]
    listed = logs.describe_log_groups(logGroupNamePrefix="/aws/elasticbeanstalk/")["logGroups"]
    assert left <= {group["logGroupName"] for group in listed}
    assert "goes with state: absent" in aws.refused("cloudwatch_log_groups", **{**gone, "state": "present"})


@pytest.mark.parametrize("kind", ["lost", "drop", "throttle"])
def test_lost_answers_and_throttling_end_in_the_same(aws, kind):
    operations = ("Create*", "Put*", "Delete*", "Remove*", "Tag*")
    rules = [
        {"kind": kind, "service": service, "operation": name, "times": 1}
        for service in ("logs", "events", "cloudwatch")
        for name in operations
    ]
    aws.faults(*rules)
    for module, options in (("cloudwatch_log_groups", GROUPS), ("eventbridge_rule", RULE), ("cloudwatch_dashboard", DASHBOARD)):
        aws.run(module, **options)
        aws.settled(module, **options)
        aws.run(module, **options, state="absent")
        aws.settled(module, **options, state="absent")
    for options in (ALARMS, {**ALARMS, "alarms": []}):
        aws.run("cloudwatch_alarms", **options)
        aws.settled("cloudwatch_alarms", **options)


def test_days_that_cloudwatch_does_not_take_are_refused_with_those_that_it_does(aws):
    assert "for 15 days. It takes one of: 1, 3, 5, 7, 14" in aws.refused("cloudwatch_log_groups", **{**GROUPS, "retention_days": 15})


def test_a_rule_that_was_changed_by_hand_is_mended(aws):
    aws.bring("eventbridge_rule", **RULE)
    events = aws.client("events")
    events.disable_rule(Name=RULE["name"])
    events.remove_targets(Rule=RULE["name"], Ids=["topic"])
    assert aws.bring("eventbridge_rule", **RULE).steps == [f"update event rule {RULE['name']} (enabled, target)"]


def test_a_dashboard_that_was_changed_by_hand_is_mended(aws):
    aws.bring("cloudwatch_dashboard", **DASHBOARD)
    aws.client("cloudwatch").put_dashboard(DashboardName="orbit-staging", DashboardBody='{"widgets": []}')
    assert aws.bring("cloudwatch_dashboard", **DASHBOARD).steps == ["update dashboard orbit-staging (widgets)"]


def test_a_dashboard_shows_the_alarms_above_and_two_graphs_in_a_row(aws):
    aws.bring("cloudwatch_dashboard", **DASHBOARD)
    alarms, *graphs = json.loads(aws.client("cloudwatch").get_dashboard(DashboardName="orbit-staging")["DashboardBody"])["widgets"]
    assert (alarms["height"], len(alarms["properties"]["alarms"])) == (3, 5)
    assert [(graph["x"], graph["y"], graph["width"]) for graph in graphs] == [(0, 3, 12), (12, 3, 12), (0, 9, 12)]
    assert {graph["properties"]["region"] for graph in graphs} == {REGION}
