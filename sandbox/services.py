"""The services that the sandbox adds to moto's, or mends."""

from __future__ import annotations

import importlib

MODULES = (
    "codebuild",
    "codeconnections",
    "codepipeline.operations",
    "ec2",
    "elasticache.operations",
    "elasticbeanstalk.applications",
    "elasticbeanstalk.environments",
    "elasticbeanstalk.inspection",
    "elasticbeanstalk.platforms",
    "iam",
    "order",
    "rds.instances",
    "rds.parameters",
    "s3",
    "sns",
    "tagging",
)


def load() -> None:
    """Import each, which registers its operations."""
    for name in MODULES:
        importlib.import_module(f"sandbox.{name}")
