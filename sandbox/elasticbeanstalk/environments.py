"""Environments: made, changed, ended, described. Each operation names the page that it follows."""

from __future__ import annotations

import re
from datetime import UTC, timedelta

from sandbox.core import tags
from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk import life, options, running
from sandbox.elasticbeanstalk.fleet import Fleet
from sandbox.elasticbeanstalk.models import SECONDS_LISTED_AFTER_TERMINATION, Application, Beanstalk, Environment, Version, random_id
from sandbox.elasticbeanstalk.platforms import stack_of
from sandbox.elasticbeanstalk.registry import Params, beanstalk_operation, given

TIERS = {
    "WebServer": {"Name": "WebServer", "Type": "Standard", "Version": "1.0"},
    "Worker": {"Name": "Worker", "Type": "SQS/HTTP", "Version": "3.0"},
}


SUFFIX = "elasticbeanstalk.com"


def environment_described(beanstalk: Beanstalk, environment: Environment) -> Params:
    enhanced = options.value(environment.settings, "aws:elasticbeanstalk:healthreporting:system", "SystemType") == "enhanced"
    balancer = environment.parts.get("load balancer")
    return given(
        EnvironmentName=environment.name,
        EnvironmentId=environment.id,
        EnvironmentArn=beanstalk.arn("elasticbeanstalk", f"environment/{environment.application}/{environment.name}"),
        ApplicationName=environment.application,
        VersionLabel=environment.version,
        SolutionStackName=environment.stack,
        PlatformArn=beanstalk.platform_arn(environment.stack),
        Description=environment.description,
        EndpointURL=environment.address or (Fleet(beanstalk, environment).reachable() if environment.tier == "WebServer" else None),
        CNAME=environment.address or (environment.cname if environment.tier == "WebServer" else None),
        DateCreated=environment.created,
        DateUpdated=environment.updated,
        Status=environment.status,
        AbortableOperationInProgress=environment.status == "Updating",
        Health=environment.color,
        HealthStatus=environment.health if enhanced else None,
        Resources={"LoadBalancer": {"LoadBalancerName": balancer["LoadBalancerName"], "Listeners": []}} if balancer else None,
        Tier=TIERS[environment.tier],
        EnvironmentLinks=[],
    )


@beanstalk_operation
def create_environment(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateEnvironment.html"""
    application = beanstalk.application(params["ApplicationName"])
    name = params.get("EnvironmentName", "")
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", name):
        constraint = "Member must contain only letters, digits, and the dash character and may not start or end with a dash"
        raise AwsError("InvalidParameterValue", f"Value {name} at 'EnvironmentName' failed to satisfy constraint: {constraint}")
    if any(env.name == name for env in beanstalk.living()):
        raise AwsError("InvalidParameterValue", f"Environment {name} already exists.")
    if params.get("VersionLabel"):
        beanstalk.version(application.name, params["VersionLabel"])
    tier, now = params.get("Tier", {}).get("Name", "WebServer"), beanstalk.clock.now()
    if tier not in TIERS:
        raise AwsError("InvalidParameterValue", f"No tier is called '{tier}'.")
    made = Environment(
        name=name,
        id=random_id(),
        application=application.name,
        tier=tier,
        stack=stack_of(beanstalk, params),
        cname=free_cname(beanstalk, params.get("CNAMEPrefix"), name),
        settings=options.change({}, params.get("OptionSettings", []), params.get("OptionsToRemove", []), tier),
        created=now,
        updated=now,
        version=params.get("VersionLabel"),
        description=params.get("Description"),
        tags=tags.as_dict(params.get("Tags")),
    )
    beanstalk.environments[made.id] = made
    begin(beanstalk, made, "Launching", life.launch(beanstalk, made))
    return environment_described(beanstalk, made)


def free_cname(beanstalk: Beanstalk, prefix: str | None, name: str) -> str:
    if prefix and not available(beanstalk, prefix):
        raise AwsError("InvalidParameterValue", f"DNS name ({prefix}.{beanstalk.region}.{SUFFIX}) is not available.")
    return f"{(prefix or f'{name}.eba-{random_id()[2:]}').lower()}.{beanstalk.region}.{SUFFIX}"


def available(beanstalk: Beanstalk, prefix: str) -> bool:
    wanted = f"{prefix.lower()}.{beanstalk.region}.{SUFFIX}"
    return all(env.cname != wanted for state in beanstalk.sandbox.states(Beanstalk) for env in state.living())


@beanstalk_operation
def check_dns_availability(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CheckDNSAvailability.html"""
    prefix = params["CNAMEPrefix"]
    return {"Available": available(beanstalk, prefix), "FullyQualifiedCNAME": f"{prefix.lower()}.{beanstalk.region}.{SUFFIX}"}


def begin(beanstalk: Beanstalk, environment: Environment, status: str, story: life.Story) -> None:
    environment.status, environment.updated, environment.request = status, beanstalk.clock.now(), beanstalk.request
    beanstalk.play(environment, story)


def ready(beanstalk: Beanstalk, params: Params) -> Environment:
    """The environment that a request names, where it can be changed."""
    environment = beanstalk.environment(params)
    if environment.status != "Ready":
        message = f"Environment named {environment.name} is in an invalid state for this operation. Must be Ready."
        raise AwsError("InvalidParameterValue", message)
    return environment


@beanstalk_operation
def describe_environments(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironments.html: the ended ones for an hour."""
    since = params.get("IncludedDeletedBackTo")
    oldest = since.replace(tzinfo=UTC) if since else beanstalk.clock.now() - timedelta(seconds=SECONDS_LISTED_AFTER_TERMINATION)
    names, ids = params.get("EnvironmentNames"), params.get("EnvironmentIds")
    found = [
        env
        for env in beanstalk.environments.values()
        if params.get("ApplicationName") in (None, env.application)
        and params.get("VersionLabel") in (None, env.version)
        and (not names or env.name in names)
        and (not ids or env.id in ids)
        and (not env.ended or (params.get("IncludeDeleted", True) and env.updated >= oldest))
    ]
    return {"Environments": [environment_described(beanstalk, env) for env in found]}


@beanstalk_operation
def update_environment(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateEnvironment.html: a version or settings, not both."""
    environment = ready(beanstalk, params)
    label = params.get("VersionLabel")
    changes, removed = params.get("OptionSettings", []), params.get("OptionsToRemove", [])
    stack = stack_of(beanstalk, params) if params.get("SolutionStackName") or params.get("PlatformArn") else environment.stack
    if label and (changes or removed or stack != environment.stack):
        raise AwsError("InvalidParameterCombination", "Updating both the release and the configuration is not allowed.")
    if label:
        beanstalk.version(environment.application, label)
    after = options.change(environment.settings, changes, removed, environment.tier)
    environment.description = params.get("Description", environment.description)
    environment.stack = stack
    story = life.deploy(beanstalk, environment, label) if label else life.configure(beanstalk, environment, after)
    begin(beanstalk, environment, "Updating", story)
    return environment_described(beanstalk, environment)


@beanstalk_operation
def terminate_environment(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_TerminateEnvironment.html"""
    environment = beanstalk.environment(params)
    if environment.status == "Updating":  # aws/aws-elastic-beanstalk-cli-setup#144
        message = f"Cannot terminate environment named {environment.name}. It is currently pending deployment."
        raise AwsError("InvalidParameterValue", message)
    if environment.status != "Terminating":
        begin(beanstalk, environment, "Terminating", life.terminate(beanstalk, environment))
    return environment_described(beanstalk, environment)


@beanstalk_operation
def abort_environment_update(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_AbortEnvironmentUpdate.html"""
    environment = beanstalk.environment(params)
    if environment.status != "Updating":
        message = f"Environment named {environment.name} is in an invalid state for this operation. Must be pending deployment."
        raise AwsError("InvalidParameterValue", message)
    beanstalk.tell(environment, "Environment update is aborting.")
    environment.status = "Aborting"
    beanstalk.play(environment, aborted(beanstalk, environment))
    return {}


def aborted(beanstalk: Beanstalk, environment: Environment) -> life.Story:
    yield 60
    environment.draft = None
    yield from running.undo(beanstalk, environment)
    beanstalk.tell(environment, "The environment was reverted to the previous configuration setting.")
    life.health(beanstalk, environment, "Ok")
    life.settle(beanstalk, environment)


@beanstalk_operation
def restart_app_server(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RestartAppServer.html"""
    environment = ready(beanstalk, params)
    begin(beanstalk, environment, "Updating", life.restart(beanstalk, environment))
    return {}


@beanstalk_operation
def rebuild_environment(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RebuildEnvironment.html"""
    environment = ready(beanstalk, params)
    begin(beanstalk, environment, "Updating", life.rebuild(beanstalk, environment))
    return {}


@beanstalk_operation
def describe_events(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEvents.html: newest first."""
    levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    names = {
        key: beanstalk.environments[params["EnvironmentId"]].name
        if key == "EnvironmentName" and params.get("EnvironmentId")
        else params.get(key)
        for key in ("ApplicationName", "EnvironmentName", "VersionLabel", "RequestId")
    }
    found = [
        event
        for event in beanstalk.events
        if all(text in (None, event.get(key)) for key, text in names.items())
        and levels.index(event["Severity"]) >= levels.index(params.get("Severity", "TRACE"))
        and (not params.get("StartTime") or event["EventDate"] >= params["StartTime"].replace(tzinfo=UTC))
        and (not params.get("EndTime") or event["EventDate"] < params["EndTime"].replace(tzinfo=UTC))
    ]
    return {"Events": found}


def tagged(beanstalk: Beanstalk, arn: str) -> Application | Version | Environment:
    """What an ARN names."""
    kind, *names = arn.split(":", 5)[5].split("/")
    try:
        if kind == "environment":
            return beanstalk.environment({"EnvironmentName": names[1]})
        return beanstalk.version(*names) if kind == "applicationversion" else beanstalk.application(names[0])
    except AwsError as error:
        raise AwsError("ResourceNotFoundException", f"Resource not found for arn: '{arn}'.") from error


@beanstalk_operation
def list_tags_for_resource(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ListTagsForResource.html"""
    found = tagged(beanstalk, params["ResourceArn"])
    own = {}
    if isinstance(found, Environment):
        own = {"elasticbeanstalk:environment-name": found.name, "elasticbeanstalk:environment-id": found.id, "Name": found.name}
    listed = [{"Key": key, "Value": text} for key, text in {**own, **found.tags}.items()]
    return {"ResourceArn": params["ResourceArn"], "ResourceTags": listed}


@beanstalk_operation
def update_tags_for_resource(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateTagsForResource.html"""
    found = tagged(beanstalk, params["ResourceArn"])
    if isinstance(found, Environment):
        ready(beanstalk, {"EnvironmentName": found.name})
        beanstalk.tell(found, "Environment tag update completed successfully.")
    added = tags.as_dict(params.get("TagsToAdd"))
    found.tags = {key: text for key, text in {**found.tags, **added}.items() if key not in params.get("TagsToRemove", [])}
    return {}
