"""The platforms: which there are, and which one a request names. Each operation names the page that it follows."""

from __future__ import annotations

from sandbox.core.wire import AwsError
from sandbox.elasticbeanstalk.models import STACKS, Beanstalk
from sandbox.elasticbeanstalk.registry import Params, beanstalk_operation


def stack_of(beanstalk: Beanstalk, params: Params) -> str:
    if params.get("SolutionStackName"):
        if params["SolutionStackName"] in STACKS:
            return params["SolutionStackName"]
        raise AwsError("InvalidParameterValue", f"No Solution Stack named '{params['SolutionStackName']}' found.")
    for stack in STACKS:
        if params.get("PlatformArn") == beanstalk.platform_arn(stack):
            return stack
    if params.get("PlatformArn"):
        raise AwsError("InvalidParameterValue", f"No Platform named '{params['PlatformArn']}' found.")
    raise AwsError("InvalidParameterValue", "Unable to determine base for template pack (no solution stack)")


@beanstalk_operation
def list_available_solution_stacks(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ListAvailableSolutionStacks.html"""
    details = [{"SolutionStackName": stack, "PermittedFileTypes": ["zip"]} for stack in STACKS]
    return {"SolutionStacks": STACKS, "SolutionStackDetails": details}


def platform_described(beanstalk: Beanstalk, stack: str) -> Params:
    system, _, rest = stack.partition(" v")
    version, _, language = rest.partition(" running ")
    newest = next(known for known in STACKS if known.startswith(f"{system} v") and known.endswith(f" running {language}"))
    return {
        "PlatformArn": beanstalk.platform_arn(stack),
        "PlatformOwner": "AWSElasticBeanstalk",
        "PlatformStatus": "Ready",
        "PlatformCategory": language.split()[0],
        "OperatingSystemName": "Amazon Linux",
        "OperatingSystemVersion": system.removeprefix("64bit Amazon Linux "),
        "SupportedTierList": ["WebServer/Standard", "Worker/SQS/HTTP"],
        "SupportedAddonList": ["Log/S3", "Monitoring/Healthd", "WorkerDaemon/SQSD"],
        "PlatformLifecycleState": "Recommended" if stack == newest else "",
        "PlatformVersion": version,
        "PlatformBranchName": f"{language} running on {system}",
        "PlatformBranchLifecycleState": "Supported",
    }


@beanstalk_operation
def list_platform_versions(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ListPlatformVersions.html"""
    found = [platform_described(beanstalk, stack) for stack in STACKS]
    for wanted in params.get("Filters", []):
        kind, values = wanted.get("Type", ""), wanted.get("Values", [])
        key = next(
            (known for known in ("PlatformBranchName", "PlatformLifecycleState", "PlatformVersion", "PlatformStatus") if known == kind),
            None,
        )
        if key:
            found = [platform for platform in found if (platform[key] in values) == (wanted.get("Operator", "=") in ("=", "in"))]
    return {"PlatformSummaryList": found}


@beanstalk_operation
def list_platform_branches(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ListPlatformBranches.html"""
    platforms = {p["PlatformBranchName"]: p for p in (platform_described(beanstalk, stack) for stack in STACKS)}
    found = [
        {
            "PlatformName": p["PlatformCategory"],
            "BranchName": name,
            "LifecycleState": "Supported",
            "SupportedTierList": p["SupportedTierList"],
        }
        for name, p in platforms.items()
    ]
    for wanted in params.get("Filters", []):
        key = wanted.get("Attribute", "")
        if key in ("BranchName", "PlatformName", "LifecycleState"):
            found = [
                branch for branch in found if (branch[key] in wanted.get("Values", [])) == (wanted.get("Operator", "=") in ("=", "in"))
            ]
    return {"PlatformBranchSummaryList": found}


@beanstalk_operation
def describe_platform_version(beanstalk: Beanstalk, params: Params) -> Params:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribePlatformVersion.html"""
    stack = stack_of(beanstalk, params)
    found = {key: text for key, text in platform_described(beanstalk, stack).items() if not key.startswith("OperatingSystem")}
    system = stack.partition(" v")[0]
    name = f"{stack.partition(' running ')[2]} running on {system}"
    return {"PlatformDescription": {**found, "PlatformName": name, "SolutionStackName": stack}}
