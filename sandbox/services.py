"""The services that the sandbox adds to moto's, or mends."""

from __future__ import annotations

import importlib

MODULES = (
    "certificates",
    "codebuild",
    "codeconnections",
    "codepipeline.operations",
    "ec2",
    "ecr",
    "elasticache.operations",
    "elasticache.replicas",
    "elasticbeanstalk.applications",
    "elasticbeanstalk.environments",
    "elasticbeanstalk.inspection",
    "elasticbeanstalk.platforms",
    "iam",
    "quotas",
    "rds.groups",
    "rds.instances",
    "rds.offers",
    "rds.snapshots",
    "s3",
    "secrets",
    "sns",
    "tagging",
    "watching",
)


def load() -> None:
    """Import each, which registers its operations."""
    for name in MODULES:
        importlib.import_module(f"sandbox.{name}")
