"""What an environment is set to, how it is, what it consists of. Each operation names the page that it follows."""

from __future__ import annotations

from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk import life, options, running
from sandbox.elasticbeanstalk.environments import TIERS
from sandbox.elasticbeanstalk.fleet import Fleet
from sandbox.elasticbeanstalk.models import Beanstalk, Environment
from sandbox.elasticbeanstalk.platforms import stack_of
from sandbox.elasticbeanstalk.registry import Params, beanstalk_operation, given


@beanstalk_operation
def describe_configuration_settings(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeConfigurationSettings.html: deployed and draft."""
    environment = beanstalk.environment(params)
    sets = [("deployed", environment.settings)]
    if environment.draft is not None:
        sets.append(("failed" if environment.draft_failed else "pending", environment.draft))
    return {
        "ConfigurationSettings": [
            {
                "ApplicationName": environment.application,
                "EnvironmentName": environment.name,
                "SolutionStackName": environment.stack,
                "PlatformArn": beanstalk.platform_arn(environment.stack),
                "Tier": TIERS[environment.tier],
                "DeploymentStatus": status,
                "DateCreated": environment.created,
                "DateUpdated": environment.updated,
                "OptionSettings": options.described(settings, environment.tier),
            }
            for status, settings in sets
        ]
    }


@beanstalk_operation
def delete_environment_configuration(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DeleteEnvironmentConfiguration.html: the draft's."""
    beanstalk.environment(params).draft = None
    return {}


@beanstalk_operation
def describe_configuration_options(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeConfigurationOptions.html"""
    if params.get("EnvironmentName"):
        environment = beanstalk.environment(params)
        stack, settings, tier = environment.stack, environment.settings, environment.tier
    else:
        stack, settings, tier = stack_of(beanstalk, params), {}, "WebServer"
    wanted = [(option.get("Namespace"), option.get("OptionName")) for option in params.get("Options", [])]
    found = [d for d in options.descriptions(settings, tier) if not wanted or (d["Namespace"], d["Name"]) in wanted]
    return {"SolutionStackName": stack, "PlatformArn": beanstalk.platform_arn(stack), "Options": found}


@beanstalk_operation
def validate_configuration_settings(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ValidateConfigurationSettings.html"""
    environment = beanstalk.environment(params)
    changes = {options.Name.of(setting): setting.get("Value", "") for setting in params["OptionSettings"]}
    wrong = options.complaints(changes, {**environment.settings, **changes}, environment.tier)
    return {"Messages": [{"Message": text, "Severity": "error"} for text in wrong]}


def check_enhanced(environment: Environment) -> None:
    if options.value(environment.settings, "aws:elasticbeanstalk:healthreporting:system", "SystemType") != "enhanced":
        raise AwsError("InvalidRequestException", "DescribeEnvironmentHealth is not supported.")


@beanstalk_operation
def describe_environment_health(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironmentHealth.html"""
    environment = beanstalk.environment(params)
    check_enhanced(environment)
    ill = [one for one in Fleet(beanstalk, environment).ids() if one in running.symptoms(beanstalk, environment)]
    count = len(Fleet(beanstalk, environment).ids()) - len(ill)
    return {
        "EnvironmentName": environment.name,
        "HealthStatus": environment.health,
        "Status": environment.status,
        "Color": environment.color,
        "Causes": environment.causes,
        "ApplicationMetrics": {"RequestCount": 0},
        "InstancesHealth": {key: (count if key == environment.health else 0) + (len(ill) if key == "Severe" else 0) for key in HEALTHS},
        "RefreshedAt": beanstalk.clock.now(),
    }


HEALTHS = ("NoData", "Unknown", "Pending", "Ok", "Info", "Warning", "Degraded", "Severe")


@beanstalk_operation
def describe_instances_health(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeInstancesHealth.html"""
    environment = beanstalk.environment(params)
    check_enhanced(environment)
    ill = running.symptoms(beanstalk, environment)
    found = [
        given(
            InstanceId=instance["InstanceId"],
            HealthStatus="Severe" if instance["InstanceId"] in ill else environment.health,
            Color="Red" if instance["InstanceId"] in ill else environment.color,
            Causes=[ill[instance["InstanceId"]]] if instance["InstanceId"] in ill else environment.causes,
            LaunchedAt=environment.created,
            ApplicationMetrics={"RequestCount": 0},
            System={"CPUUtilization": {"User": 1.0, "System": 0.5, "Idle": 98.5}, "LoadAverage": [0.0, 0.0]},
            Deployment=given(
                VersionLabel=environment.deployed.get(instance["InstanceId"], environment.version),
                DeploymentId=environment.deployment,
                Status="Deployed" if environment.status == "Ready" else "In Progress",
                DeploymentTime=environment.updated,
            ),
            AvailabilityZone=instance["AvailabilityZone"],
            InstanceType=instance.get("InstanceType"),
        )
        for instance in Fleet(beanstalk, environment).instances()
    ]
    return {"InstanceHealthList": found, "RefreshedAt": beanstalk.clock.now()}


@beanstalk_operation
def describe_environment_resources(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironmentResources.html"""
    environment = beanstalk.environment(params)
    parts = environment.parts
    queues = [("WorkerQueue", "queue"), ("WorkerDeadLetterQueue", "dead letters")]
    return {
        "EnvironmentResources": {
            "EnvironmentName": environment.name,
            "AutoScalingGroups": [{"Name": parts["group"]}] if "group" in parts else [],
            "Instances": [{"Id": identifier} for identifier in Fleet(beanstalk, environment).ids()],
            "LaunchConfigurations": [],
            "LaunchTemplates": [{"Id": parts["launch template"]}] if "launch template" in parts else [],
            "LoadBalancers": [{"Name": parts["load balancer"]["LoadBalancerArn"]}] if "load balancer" in parts else [],
            "Triggers": [],
            "Queues": [{"Name": name, "URL": parts[part]} for name, part in queues if part in parts],
        }
    }


@beanstalk_operation
def describe_environment_managed_actions(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironmentManagedActions.html: none is ever due."""
    beanstalk.environment(params)
    return {"ManagedActions": []}


@beanstalk_operation
def request_environment_info(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RequestEnvironmentInfo.html"""
    environment = beanstalk.environment(params)
    if not beanstalk.sandbox.live:
        raise NotImplementedError("records write no logs")
    environment.request = beanstalk.request
    beanstalk.clock.play(running.collect_logs(beanstalk, environment, params["InfoType"]))
    return {}


@beanstalk_operation
def retrieve_environment_info(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RetrieveEnvironmentInfo.html"""
    found = [one for one in beanstalk.environment(params).logs if one["InfoType"] == params["InfoType"]]
    return {"EnvironmentInfo": found}


@beanstalk_operation
def create_storage_location(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateStorageLocation.html"""
    return {"S3Bucket": life.create_bucket(beanstalk)}
