"""The services that the sandbox adds to moto's, or mends: where their operations are."""

from __future__ import annotations

import functools
import importlib

BEANSTALK = [f"elasticbeanstalk.{name}" for name in ("applications", "environments", "inspection", "platforms")]
MODULES = {
    "acm": ["certificates"],
    "autoscaling": ["ec2"],
    "cloudwatch": ["watching"],
    "codebuild": ["codebuild"],
    "codeconnections": ["codeconnections"],
    "codepipeline": ["codepipeline.operations"],
    "ec2": ["ec2", "endpoints"],
    "ecr": ["ecr"],
    "elasticache": ["elasticache.operations", "elasticache.replicas"],
    "elasticbeanstalk": BEANSTALK,
    "elbv2": ["ec2"],
    "iam": ["iam"],
    "logs": ["watching"],
    "rds": [f"rds.{name}" for name in ("groups", "instances", "offers", "snapshots")],
    "resourcegroupstaggingapi": ["tagging"],
    "route53": ["certificates"],
    "s3": ["s3"],
    "secretsmanager": ["secrets"],
    "service-quotas": ["quotas"],
    "sns": ["sns"],
    "ssm": ["ssm"],
    "sts": ["iam"],
}


@functools.cache
def load(service: str) -> None:
    """Import a service's modules when it is first spoken to, which registers its operations: all of moto's take seconds."""
    for name in MODULES.get(service, []):
        importlib.import_module(f"sandbox.{name}")
