"""Resource Groups Tagging API: what moto finds, and what our own services hold.

https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.ecr.models import ecr_backends
from moto.events.models import events_backends

from sandbox.codebuild import CodeBuild
from sandbox.codeconnections import Connections
from sandbox.codepipeline.executions import Pipelines
from sandbox.core import tags
from sandbox.core.gateway import Call, operation
from sandbox.elasticache.models import ElastiCache
from sandbox.elasticbeanstalk.models import Beanstalk
from sandbox.rds.models import Databases


def ours(call: Call) -> Iterator[tuple[str, dict[str, str]]]:
    """Each resource that can have tags and that moto does not find, by its ARN."""
    yield from call.state(Databases).tags.items()
    for repository in ecr_backends[call.account][call.region].repositories.values():
        yield repository.arn, tags.as_dict(call.invoke("ecr", "ListTagsForResource", resourceArn=repository.arn)["tags"])
    for rule in events_backends[call.account][call.region].event_buses["default"].rules.values():
        yield rule.arn, tags.as_dict(call.invoke("events", "ListTagsForResource", ResourceARN=rule.arn)["Tags"])
    yield from call.state(Connections).tags.items()
    yield from call.state(ElastiCache).tags.items()
    for project in call.state(CodeBuild).projects.values():
        yield project["arn"], tags.as_dict(project["tags"])
    pipelines, beanstalk = call.state(Pipelines), call.state(Beanstalk)
    for name, pipeline in pipelines.pipelines.items():
        yield pipelines.arn("codepipeline", name), pipeline.tags
    for application in beanstalk.applications.values():
        yield beanstalk.arn("elasticbeanstalk", f"application/{application.name}"), application.tags
    for environment in beanstalk.living():
        yield beanstalk.arn("elasticbeanstalk", f"environment/{environment.application}/{environment.name}"), environment.tags


@operation("resourcegroupstaggingapi")
def get_resources(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html

    Not of IAM's users and roles, nor of Auto Scaling groups; not what has no tags (…/APIReference/supported-services.html).
    """
    shown = [one for one in of_moto(call) if one["Tags"] and ":autoscaling:" not in one["ResourceARN"]]
    arns = call.params.get("ResourceARNList", [])
    kinds, filters = call.params.get("ResourceTypeFilters", []), call.params.get("TagFilters", [])
    found = [
        {"ResourceARN": arn, "Tags": [{"Key": key, "Value": text} for key, text in tagged.items()]}
        for arn, tagged in ours(call)
        if tagged
        and arn in (arns or [arn])
        and (not kinds or any(of_kind(arn, kind) for kind in kinds))
        and all(has(tagged, wanted) for wanted in filters)
    ]
    return {"ResourceTagMappingList": [*shown, *found]}


def of_moto(call: Call) -> Iterator[dict[str, Any]]:
    """All that moto finds, whatever page is asked for: it is the whole list that comes in pages."""
    token = None
    while token != "":
        answered = call.ask(PaginationToken=token, ResourcesPerPage=None, TagsPerPage=None)
        yield from answered.get("ResourceTagMappingList", [])
        token = answered.get("PaginationToken", "")


def of_kind(arn: str, kind: str) -> bool:
    """Whether an ARN is of ``service`` or ``service:type``."""
    service, _, sort = kind.partition(":")
    parts = arn.split(":", 5)
    return parts[2] == service and (not sort or parts[5].replace(":", "/").startswith(f"{sort}/"))


def has(tagged: dict[str, str], wanted: dict[str, Any]) -> bool:
    return wanted["Key"] in tagged and (not wanted.get("Values") or tagged[wanted["Key"]] in wanted["Values"])
