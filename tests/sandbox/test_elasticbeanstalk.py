"""Elastic Beanstalk's life on the sandbox, told by boto3."""

from __future__ import annotations

import io
import zipfile

import botocore.exceptions
import pytest

from tests.sandbox.conftest import ACCOUNT, REGION, allow, policy

STACK = "64bit Amazon Linux 2023 v4.8.0 running Docker"
COMPOSE = f"services:\n  web:\n    image: {ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/orbit@sha256:{'0' * 64}\n"
PULL = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"]


def settings(**more: str) -> list[dict[str, str]]:
    """Option settings: ``namespace__option=value``, with _ for : in the namespace."""
    return [
        {"Namespace": key.partition("__")[0].replace("_", ":"), "OptionName": key.partition("__")[2], "Value": value}
        for key, value in more.items()
    ]


BASE = settings(
    aws_autoscaling_launchconfiguration__IamInstanceProfile="instances",
    aws_elasticbeanstalk_healthreporting_system__SystemType="enhanced",
    aws_elasticbeanstalk_command__DeploymentPolicy="Immutable",
)
SINGLE = [*BASE, *settings(aws_elasticbeanstalk_environment__EnvironmentType="SingleInstance")]
BALANCED = [*BASE, *settings(aws_elasticbeanstalk_environment__LoadBalancerType="application", aws_autoscaling_asg__MinSize="2")]


def archive(**files: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return body.getvalue()


class Service:
    """An application on Elastic Beanstalk, and what a test asks of it."""

    def __init__(self, cloud) -> None:
        self.cloud, self.client, self.s3 = cloud, cloud.client("elasticbeanstalk"), cloud.client("s3")
        self.profile("instances", allow(PULL))
        cloud.client("ecr").create_repository(repositoryName="orbit")
        self.client.create_application(ApplicationName="orbit", Tags=[{"Key": "team", "Value": "blue"}])
        self.s3.create_bucket(Bucket="bundles", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.version("v1", **{"docker-compose.yml": COMPOSE})

    def profile(self, name: str, *statements: dict) -> None:
        self.cloud.role(name, "ec2.amazonaws.com", *statements)
        iam = self.cloud.client("iam")
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)

    def version(self, label: str, **files: str) -> None:
        self.s3.put_object(Bucket="bundles", Key=f"{label}.zip", Body=archive(**files))
        bundle = {"S3Bucket": "bundles", "S3Key": f"{label}.zip"}
        self.client.create_application_version(ApplicationName="orbit", VersionLabel=label, SourceBundle=bundle)

    def create(self, *, name: str = "orbit-web", options: list[dict] = SINGLE, **more) -> dict:
        more = {"SolutionStackName": STACK, "VersionLabel": "v1", **more}
        return self.client.create_environment(ApplicationName="orbit", EnvironmentName=name, OptionSettings=options, **more)

    def wait(self, waiter: str, name: str = "orbit-web") -> None:
        config = {"Delay": 0, "MaxAttempts": 200}
        self.client.get_waiter(waiter).wait(EnvironmentNames=[name], WaiterConfig=config)

    def described(self, name: str = "orbit-web") -> dict:
        return self.client.describe_environments(EnvironmentNames=[name])["Environments"][-1]

    def events(self, **more) -> list[str]:
        return [event["Message"] for event in self.client.describe_events(ApplicationName="orbit", **more)["Events"]]

    def refusal(self, operation: str, **params) -> tuple[str, str]:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            getattr(self.client, operation)(**params)
        return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def service(cloud):
    return Service(cloud)


def test_an_environment_launches_serves_and_ends(service):
    made = service.create()
    assert (made["Status"], made["Health"], made["HealthStatus"]) == ("Launching", "Grey", "Pending")
    service.wait("environment_exists")
    ready = service.described()
    assert (ready["Status"], ready["Health"], ready["HealthStatus"], ready["VersionLabel"]) == ("Ready", "Green", "Ok", "v1")
    assert ready["PlatformArn"] == f"arn:aws:elasticbeanstalk:{REGION}::platform/Docker running on 64bit Amazon Linux 2023/4.8.0"
    assert service.events()[0] == "Successfully launched environment: orbit-web"
    service.client.terminate_environment(EnvironmentName="orbit-web")
    service.wait("environment_terminated")
    assert service.events()[0] == "terminateEnvironment completed successfully."
    assert service.described()["Status"] == "Terminated"
    assert service.client.describe_environments(IncludeDeleted=False)["Environments"] == []
    service.client.delete_application(ApplicationName="orbit")
    kinds = {"ec2", "elbv2", "sqs", "elasticbeanstalk"}
    assert not [resource for resource in service.cloud.control("GET", "resources") if resource["service"] in kinds]


def test_a_balanced_environment_stands_behind_a_load_balancer_and_scales(service):
    service.create(options=BALANCED)
    service.wait("environment_exists")
    resources = service.client.describe_environment_resources(EnvironmentName="orbit-web")["EnvironmentResources"]
    assert len(resources["Instances"]) == 2
    balancer = service.cloud.client("elbv2").describe_load_balancers(LoadBalancerArns=[resources["LoadBalancers"][0]["Name"]])
    assert service.described()["EndpointURL"] == balancer["LoadBalancers"][0]["DNSName"]
    group = resources["AutoScalingGroups"][0]["Name"]
    service.cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=3)
    health = service.client.describe_instances_health(EnvironmentName="orbit-web", AttributeNames=["All"])["InstanceHealthList"]
    assert [instance["HealthStatus"] for instance in health] == ["Ok"] * 3
    assert service.client.describe_environment_health(EnvironmentName="orbit-web", AttributeNames=["All"])["InstancesHealth"]["Ok"] == 3


def test_an_environment_scales_as_its_options_say(service):
    night = settings(aws_autoscaling_scheduledaction__MinSize="1", aws_autoscaling_scheduledaction__Recurrence="0 22 * * *")
    cpu = settings(aws_autoscaling_trigger__MeasureName="CPUUtilization", aws_autoscaling_trigger__UpperThreshold="70")
    service.create(options=[*BALANCED, *cpu, *[{**setting, "ResourceName": "night"} for setting in night]])
    service.wait("environment_exists")
    scaling, watch = service.cloud.client("autoscaling"), service.cloud.client("cloudwatch")
    (action,) = scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    assert (action["ScheduledActionName"], action["MinSize"], action["Recurrence"]) == ("night", 1, "0 22 * * *")
    alarms = {alarm["AlarmName"].split("-")[-2]: alarm for alarm in watch.describe_alarms()["MetricAlarms"]}
    assert alarms["AWSEBCloudwatchAlarmHigh"]["Threshold"] == 70.0
    assert alarms["AWSEBCloudwatchAlarmHigh"]["MetricName"] == "CPUUtilization"
    assert len(scaling.describe_policies()["ScalingPolicies"]) == 2
    gone = [{"Namespace": s["Namespace"], "OptionName": s["OptionName"], "ResourceName": "night"} for s in night]
    service.client.update_environment(EnvironmentName="orbit-web", OptionsToRemove=gone)
    service.wait("environment_updated")
    assert scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
    service.client.terminate_environment(EnvironmentName="orbit-web")
    service.wait("environment_terminated")
    assert watch.describe_alarms()["MetricAlarms"] == []


def test_streamed_logs_have_groups_which_stay(service):
    logs = service.cloud.client("logs")
    stream = settings(aws_elasticbeanstalk_cloudwatch_logs__StreamLogs="true", aws_elasticbeanstalk_cloudwatch_logs__RetentionInDays="30")
    service.create(options=[*SINGLE, *stream])
    service.wait("environment_exists")
    service.client.terminate_environment(EnvironmentName="orbit-web")
    service.wait("environment_terminated")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/elasticbeanstalk/orbit-web/var/log/")["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {30}


def test_an_environment_that_cannot_be_launched_leaves_nothing(service):
    vpc = settings(aws_ec2_vpc__VPCId="vpc-0123456789abcdef0", aws_ec2_vpc__Subnets="subnet-0123456789abcdef0")
    service.create(options=[*BALANCED, *vpc])
    service.described()
    assert service.described()["Status"] == "Terminated"
    assert "Failed to launch environment." in service.events(Severity="ERROR")
    left = {resource["service"] for resource in service.cloud.control("GET", "resources")}
    assert left <= {"ecr", "elasticbeanstalk", "iam", "s3"}


def test_a_single_instance_is_put_behind_a_load_balancer_and_taken_from_it_again(service):
    service.create()
    service.wait("environment_exists")
    kind = "aws_elasticbeanstalk_environment__EnvironmentType"
    balanced = settings(**{kind: "LoadBalanced"}, aws_elasticbeanstalk_environment__LoadBalancerType="application")
    service.client.update_environment(EnvironmentName="orbit-web", OptionSettings=balanced)
    service.wait("environment_updated")
    assert service.described()["EndpointURL"] == service.cloud.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["DNSName"]
    code, message = service.refusal(
        "update_environment",
        EnvironmentName="orbit-web",
        OptionSettings=settings(aws_elasticbeanstalk_environment__LoadBalancerType="network"),
    )
    assert (code, message) == (
        "ConfigurationValidationException",
        "Configuration validation exception: LoadBalancer type option cannot be changed.",
    )
    service.client.update_environment(EnvironmentName="orbit-web", OptionSettings=settings(**{kind: "SingleInstance"}))
    service.wait("environment_updated")
    assert service.cloud.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert service.described()["EndpointURL"] == service.cloud.client("ec2").describe_addresses()["Addresses"][0]["PublicIp"]


def test_a_rebuilt_environment_has_new_instances_and_the_same_settings(service):
    service.create()
    service.wait("environment_exists")
    ask = {"EnvironmentName": "orbit-web"}
    before = service.client.describe_environment_resources(**ask)["EnvironmentResources"]["Instances"]
    settings_before = service.client.describe_configuration_settings(ApplicationName="orbit", **ask)["ConfigurationSettings"]
    service.client.rebuild_environment(**ask)
    service.wait("environment_updated")
    after = service.client.describe_environment_resources(**ask)["EnvironmentResources"]["Instances"]
    assert len(after) == len(before)
    assert after != before
    found = service.client.describe_configuration_settings(ApplicationName="orbit", **ask)["ConfigurationSettings"]
    assert found[0]["OptionSettings"] == settings_before[0]["OptionSettings"]
    assert service.described()["HealthStatus"] == "Ok"


def test_a_worker_has_a_queue_and_no_address(service):
    cpu = settings(aws_autoscaling_trigger__MeasureName="CPUUtilization", aws_elasticbeanstalk_environment__EnvironmentType="LoadBalanced")
    options = [*BASE, *cpu]
    service.create(name="orbit-worker", options=options, Tier={"Name": "Worker", "Type": "SQS/HTTP"})
    service.wait("environment_exists", "orbit-worker")
    described = service.described("orbit-worker")
    assert described["Tier"]["Name"] == "Worker"
    assert "CNAME" not in described
    queues = service.client.describe_environment_resources(EnvironmentName="orbit-worker")["EnvironmentResources"]["Queues"]
    assert {queue["Name"] for queue in queues} == {"WorkerQueue", "WorkerDeadLetterQueue"}
    assert set(service.cloud.client("sqs").list_queues()["QueueUrls"]) == {queue["URL"] for queue in queues}


def test_only_a_ready_environment_is_updated(service):
    service.cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    service.create()
    code, message = service.refusal("update_environment", EnvironmentName="orbit-web", VersionLabel="v1")
    assert code == "InvalidParameterValue"
    assert message == "Environment named orbit-web is in an invalid state for this operation. Must be Ready."
    service.cloud.control("PUT", "clock", {"profile": "none"})
    service.wait("environment_exists")
    both = {"VersionLabel": "v1", "OptionSettings": settings(aws_autoscaling_asg__Cooldown="10")}
    assert service.refusal("update_environment", EnvironmentName="orbit-web", **both)[0] == "InvalidParameterCombination"


def test_an_immutable_deployment_replaces_the_instances(service):
    service.create(options=BALANCED)
    service.wait("environment_exists")
    resources = service.client.describe_environment_resources(EnvironmentName="orbit-web")["EnvironmentResources"]
    service.version("v2", **{"docker-compose.yml": COMPOSE})
    assert service.client.update_environment(EnvironmentName="orbit-web", VersionLabel="v2")["Status"] == "Updating"
    service.wait("environment_updated")
    after = service.client.describe_environment_resources(EnvironmentName="orbit-web")["EnvironmentResources"]
    assert service.described()["VersionLabel"] == "v2"
    assert len(after["Instances"]) == 2
    assert not {i["Id"] for i in after["Instances"]} & {i["Id"] for i in resources["Instances"]}
    assert service.events()[:2] == [
        "Environment update completed successfully.",
        "New application version was deployed to running EC2 instances.",
    ]


@pytest.mark.parametrize(("deployment", "health", "labels"), [("Immutable", "Ok", {"v1"}), ("Rolling", "Degraded", {"v1", "v2"})])
def test_a_failed_deployment_ends_ready_and_only_an_immutable_one_leaves_the_old_version_everywhere(service, deployment, health, labels):
    rolling = settings(aws_elasticbeanstalk_command__DeploymentPolicy=deployment, aws_elasticbeanstalk_command__BatchSize="50")
    service.create(options=[*[s for s in BALANCED if s["OptionName"] != "DeploymentPolicy"], *rolling])
    service.wait("environment_exists")
    service.version("v2", **{"readme.txt": "no application"})
    service.client.update_environment(EnvironmentName="orbit-web", VersionLabel="v2")
    service.wait("environment_updated")
    described = service.described()
    assert (described["Status"], described["VersionLabel"], described["HealthStatus"]) == ("Ready", "v1", health)
    assert "Failed to deploy application." in service.events(Severity="ERROR")
    assert any("are missing in your source bundle" in message for message in service.events(Severity="ERROR"))
    instances = service.client.describe_instances_health(EnvironmentName="orbit-web", AttributeNames=["All"])["InstanceHealthList"]
    assert {instance["Deployment"]["VersionLabel"] for instance in instances} == labels


def test_instances_use_only_what_their_role_allows(service):
    secret = service.cloud.client("secretsmanager").create_secret(Name="orbit", SecretString="{}")["ARN"]
    service.create(options=[*SINGLE, *settings(aws_elasticbeanstalk_application_environmentsecrets__DJANGO_SECRET_KEY=f"{secret}:django")])
    service.wait("environment_exists")
    assert (service.described()["Health"], service.described()["HealthStatus"]) == ("Red", "Degraded")
    assert any("is not authorized to perform: secretsmanager:GetSecretValue" in message for message in service.events(Severity="ERROR"))
    document = policy(allow(PULL), allow("secretsmanager:GetSecretValue", secret))
    service.cloud.client("iam").put_role_policy(RoleName="instances", PolicyName="inline", PolicyDocument=document)
    service.client.update_environment(EnvironmentName="orbit-web", VersionLabel="v1")
    service.wait("environment_updated")
    assert service.described()["HealthStatus"] == "Ok"


def test_a_missing_instance_profile_stops_the_launch_with_awss_words(service):
    options = [s for s in SINGLE if s["OptionName"] != "IamInstanceProfile"]
    service.create(options=[*options, *settings(aws_autoscaling_launchconfiguration__IamInstanceProfile="absent")])
    assert "The instance profile absent associated with the environment does not exist." in service.events(Severity="ERROR")
    assert service.described()["Status"] == "Terminated"


def test_a_security_group_that_another_one_names_holds_up_the_end(service):
    service.create()
    service.wait("environment_exists")
    ec2 = service.cloud.client("ec2")
    (group,) = (g for g in ec2.describe_security_groups()["SecurityGroups"] if "AWSEBSecurityGroup" in g["GroupName"])
    other = ec2.create_security_group(GroupName="database", Description="database", VpcId=group["VpcId"])["GroupId"]
    rule = [{"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": group["GroupId"]}]}]
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=rule)
    service.client.terminate_environment(EnvironmentName="orbit-web")
    assert service.described()["Status"] == "Ready"
    assert "Failed to terminate environment." in service.events(Severity="ERROR")
    ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=rule)
    service.client.terminate_environment(EnvironmentName="orbit-web")
    service.wait("environment_terminated")


def test_settings_change_by_a_draft_and_are_told_whole(service):
    service.create(options=BALANCED)
    service.wait("environment_exists")
    service.cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    change = settings(aws_autoscaling_asg__MaxSize="6", aws_elasticbeanstalk_application_environment__MODE="b & <c>")
    service.client.update_environment(EnvironmentName="orbit-web", OptionSettings=change)
    ask = {"ApplicationName": "orbit", "EnvironmentName": "orbit-web"}
    found = service.client.describe_configuration_settings(**ask)["ConfigurationSettings"]
    assert [settings["DeploymentStatus"] for settings in found] == ["deployed", "pending"]
    service.cloud.control("PUT", "clock", {"profile": "none"})
    service.wait("environment_updated")
    (deployed,) = service.client.describe_configuration_settings(**ask)["ConfigurationSettings"]
    values = {(s["Namespace"], s["OptionName"]): s["Value"] for s in deployed["OptionSettings"]}
    assert values["aws:elasticbeanstalk:application:environment", "MODE"] == "b & <c>"
    assert values["aws:autoscaling:asg", "MaxSize"] == "6"
    assert values["aws:elasticbeanstalk:command", "Timeout"] == "600"
    assert service.events()[0] == "Successfully deployed new configuration to environment."


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"aws_autoscaling_asg__Minsize": "1"}, "Invalid option specification (Namespace: 'aws:autoscaling:asg', OptionName: 'Minsize')"),
        ({"aws_autoscaling_asg__MinSize": "0"}, "Value is less than minimum allowed value: 1"),
        ({"aws_autoscaling_asg__MinSize": "few"}, "Value is not a number"),
        ({"aws_elasticbeanstalk_command__DeploymentPolicy": "Rolling"}, "A single-instance environment takes AllAtOnce or Immutable"),
        ({"aws_elasticbeanstalk_command__BatchSizeType": "Half"}, "Value is not one of the allowed values: ['Percentage', 'Fixed']"),
        ({"aws_elbv2_listener_443__Protocol": "HTTPS"}, "Unknown configuration setting."),
        ({"aws_elasticbeanstalk_sqsd__HttpPath": "/"}, "Unknown configuration setting."),
        ({"aws_elasticbeanstalk_application_environmentsecrets__KEY": "plain"}, "Value does not satisfy regex"),
        ({"aws_elasticbeanstalk_managedactions__ManagedActionsEnabled": "true"}, "Required when ManagedActionsEnabled is true"),
    ],
)
def test_a_wrong_option_is_refused_with_its_name(service, option, complaint):
    single = [s for s in SINGLE if s["OptionName"] != "DeploymentPolicy"]
    code, message = service.refusal(
        "create_environment",
        ApplicationName="orbit",
        EnvironmentName="orbit-web",
        SolutionStackName=STACK,
        OptionSettings=[*single, *settings(**option)],
    )
    assert code == "ConfigurationValidationException"
    assert message.startswith("Configuration validation exception: Invalid option")
    assert complaint in message


def test_names_keep_to_awss_rules(service):
    made = {"ApplicationName": "orbit", "SolutionStackName": STACK, "OptionSettings": SINGLE}
    for name, complaint in (("web", "length"), ("orbit_web", "letters, digits, and the dash"), ("a" * 41, "less than or equal to 40")):
        loose = service.cloud.client("elasticbeanstalk")
        loose.meta.config.parameter_validation = False
        with pytest.raises((botocore.exceptions.ClientError, botocore.exceptions.ParamValidationError), match=complaint):
            loose.create_environment(EnvironmentName=name, **made)
    assert "No Application named 'nova' found." in service.refusal("create_environment", **{**made, "ApplicationName": "nova"})[1]
    assert (
        "No Solution Stack named 'x' found."
        in service.refusal("create_environment", **{**made, "EnvironmentName": "orbit-web", "SolutionStackName": "x"})[1]
    )


def test_what_is_in_use_is_not_deleted(service):
    service.create()
    service.wait("environment_exists")
    assert service.refusal("delete_application", ApplicationName="orbit")[0] == "OperationInProgressFailure"
    assert service.refusal("delete_application_version", ApplicationName="orbit", VersionLabel="v1")[0] == "OperationInProgressFailure"
    service.client.terminate_environment(EnvironmentName="orbit-web")
    service.wait("environment_terminated")
    service.client.delete_application_version(ApplicationName="orbit", VersionLabel="v1", DeleteSourceBundle=True)
    assert "Contents" not in service.s3.list_objects_v2(Bucket="bundles")


def test_a_version_needs_its_bundle(service):
    missing = {"S3Bucket": "bundles", "S3Key": "missing.zip"}
    code, message = service.refusal("create_application_version", ApplicationName="orbit", VersionLabel="v9", SourceBundle=missing)
    assert (code, message) == (
        "InvalidParameterValue",
        "Unable to download from S3 location (Bucket: bundles  Key: missing.zip). Reason: Not Found",
    )


def test_tags_are_kept_and_changed(service):
    arn = service.client.describe_applications()["Applications"][0]["ApplicationArn"]
    service.client.update_tags_for_resource(ResourceArn=arn, TagsToAdd=[{"Key": "a", "Value": "1"}], TagsToRemove=["team"])
    assert service.client.list_tags_for_resource(ResourceArn=arn)["ResourceTags"] == [{"Key": "a", "Value": "1"}]


def test_a_name_is_taken_once(service):
    service.create(CNAMEPrefix="orbit")
    assert service.client.check_dns_availability(CNAMEPrefix="orbit")["Available"] is False
    code, message = service.refusal("create_environment", ApplicationName="orbit", EnvironmentName="orbit-web", SolutionStackName=STACK)
    assert (code, message) == ("InvalidParameterValue", "Environment orbit-web already exists.")


def test_the_platform_is_looked_up(service):
    stacks = service.client.list_available_solution_stacks()["SolutionStacks"]
    assert STACK in stacks
    branch = [{"Type": "PlatformBranchName", "Operator": "=", "Values": ["Docker running on 64bit Amazon Linux 2023"]}]
    found = service.client.list_platform_versions(Filters=branch)["PlatformSummaryList"]
    assert [platform["PlatformVersion"] for platform in found] == ["4.8.0", "4.7.3"]
    options = service.client.describe_configuration_options(SolutionStackName=STACK)["Options"]
    assert {"MinSize", "MaxSize"} <= {option["Name"] for option in options}


def test_with_real_latencies_the_states_take_their_time(service):
    service.cloud.control("PUT", "clock", {"profile": "real", "speed": 1})
    service.create()
    assert service.described()["Status"] == "Launching"
    service.cloud.control("PUT", "clock", {"profile": "real", "speed": 600})
    config = {"Delay": 1, "MaxAttempts": 20}
    service.client.get_waiter("environment_exists").wait(EnvironmentNames=["orbit-web"], WaiterConfig=config)
    events = service.client.describe_events(EnvironmentName="orbit-web")["Events"]
    assert events[0]["EventDate"] > events[-1]["EventDate"]
