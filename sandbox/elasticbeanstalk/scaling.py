"""How an environment scales: what its options make of its Auto Scaling group, and the groups of its logs.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-autoscaling-triggers.html
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-autoscaling-scheduledactions.html
"""

from __future__ import annotations

from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk.fleet import Fleet

TRIGGER, SCHEDULE = "aws:autoscaling:trigger", "aws:autoscaling:scheduledaction"
LOGS, HEALTH = "aws:elasticbeanstalk:cloudwatch:logs", "aws:elasticbeanstalk:cloudwatch:logs:health"
NUMBERS, OTHERS = ("MinSize", "MaxSize", "DesiredCapacity"), ("StartTime", "EndTime", "Recurrence")
BALANCERS = ("Latency", "RequestCount", "HealthyHostCount", "UnhealthyHostCount", "TargetResponseTime")
# What the Docker platform on Amazon Linux 2023 streams: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html
FILES = ("eb-engine.log", "eb-hooks.log", "docker", "docker-events.log", "eb-docker/containers/eb-current-app/stdouterr.log")


def apply(own: Fleet) -> None:
    """Have the group scale as the settings say; where one instance serves alone there is nothing to scale."""
    schedule(own)
    remove(own)
    if not own.single:
        trigger(own)


def schedule(own: Fleet) -> None:
    group = {"AutoScalingGroupName": own.parts["group"]}
    wanted: dict[str, dict[str, str]] = {}
    for name, text in own.environment.settings.items():
        if name.namespace == SCHEDULE and name.resource:
            wanted.setdefault(name.resource, {})[name.option] = text
    for action in own.call("autoscaling", "DescribeScheduledActions", **group)["ScheduledUpdateGroupActions"]:
        own.call("autoscaling", "DeleteScheduledAction", **group, ScheduledActionName=action["ScheduledActionName"])
    for resource, given in wanted.items():
        if given.get("Suspend") != "true":
            numbers = {key: int(given[key]) for key in NUMBERS if key in given}
            others = {key: given[key] for key in OTHERS if key in given}
            own.call("autoscaling", "PutScheduledUpdateGroupAction", **group, ScheduledActionName=resource, **numbers, **others)


def trigger(own: Fleet) -> None:
    """One alarm above and one below, and what each does."""

    def option(name: str) -> str:
        return own.option(TRIGGER, name) or ""

    measure, period = option("MeasureName"), int(option("Period"))
    balancer = own.parts.get("load balancer", {}).get("LoadBalancerArn", "").partition("loadbalancer/")[2]
    by_balancer = measure in BALANCERS
    dimension = (
        {"Name": "LoadBalancer", "Value": balancer} if by_balancer else {"Name": "AutoScalingGroupName", "Value": own.parts["group"]}
    )
    for kind, sign, direction in (("High", "GreaterThanThreshold", "Upper"), ("Low", "LessThanThreshold", "Lower")):
        policy = own.call(
            "autoscaling",
            "PutScalingPolicy",
            AutoScalingGroupName=own.parts["group"],
            PolicyName=own.name(f"AWSEBAutoScalingScale{'Up' if kind == 'High' else 'Down'}Policy"),
            AdjustmentType="ChangeInCapacity",
            ScalingAdjustment=int(option(f"{direction}BreachScaleIncrement")),
        )["PolicyARN"]
        alarm = own.name(f"AWSEBCloudwatchAlarm{kind}")
        own.call(
            "cloudwatch",
            "PutMetricAlarm",
            AlarmName=alarm,
            AlarmDescription="ElasticBeanstalk Default Scale alarm",
            AlarmActions=[policy],
            Namespace="AWS/ApplicationELB" if by_balancer else "AWS/EC2",
            MetricName=measure,
            Dimensions=[dimension],
            Statistic=option("Statistic"),
            Unit=option("Unit"),
            Period=period * 60,
            EvaluationPeriods=max(1, int(option("BreachDuration")) // period),
            Threshold=float(option(f"{direction}Threshold")),
            ComparisonOperator=sign,
        )
        own.parts.setdefault("alarms", []).append(alarm)


def remove(own: Fleet) -> None:
    """Take the triggers away; with their group its policies go by themselves."""
    if own.parts.get("alarms"):
        own.call("cloudwatch", "DeleteAlarms", AlarmNames=own.parts.pop("alarms"))
    for policy in own.call("autoscaling", "DescribePolicies", AutoScalingGroupName=own.parts["group"])["ScalingPolicies"]:
        own.call("autoscaling", "DeletePolicy", AutoScalingGroupName=own.parts["group"], PolicyName=policy["PolicyName"])


def log_groups(own: Fleet) -> dict[str, str]:
    """The groups that are streamed to, and the namespace that says for how long they are kept."""
    found = {}
    if own.option(LOGS, "StreamLogs") == "true":
        found = {f"/aws/elasticbeanstalk/{own.environment.name}/var/log/{file}": LOGS for file in FILES}
    if own.option(HEALTH, "HealthStreamingEnabled") == "true":
        found[f"/aws/elasticbeanstalk/{own.environment.name}/environment-health.log"] = HEALTH
    return found


def stream_logs(own: Fleet) -> None:
    """The environment makes the groups, and not its instances, whose role may not say for how long they are kept:

    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSElasticBeanstalkRoleCWL.html
    """
    for group, namespace in log_groups(own).items():
        try:
            own.call("logs", "CreateLogGroup", logGroupName=group)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
        own.call("logs", "PutRetentionPolicy", logGroupName=group, retentionInDays=int(own.option(namespace, "RetentionInDays") or 7))


def delete_logs(own: Fleet) -> None:
    """Log groups outlive their environment unless it is told otherwise."""
    for group, namespace in log_groups(own).items():
        if own.option(namespace, "DeleteOnTerminate") == "true":
            try:
                own.call("logs", "DeleteLogGroup", logGroupName=group)
            except AwsError:
                continue
