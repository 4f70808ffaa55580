"""Which images a repository's lifecycle policy lets expire.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from moto.ecr.models import Image, Repository

from sandbox.core.access import like

SECONDS = 86400  # "Images become expired within 24 hours"


def expire(repository: Repository, now: datetime.datetime) -> None:
    """Remove what has expired; layers stay in the registry, where nothing leads to them any more."""
    gone = expired(repository, json.loads(repository.lifecycle_policy or '{"rules": []}')["rules"], now)
    repository.images[:] = [image for image in repository.images if image not in gone]


def expired(repository: Repository, rules: list[dict[str, Any]], now: datetime.datetime) -> list[Image]:
    """What one rule selects no later one lets expire, though it counts there; what an index refers to goes with that alone."""
    parts = {part["digest"] for image in repository.images for part in json.loads(image.image_manifest).get("manifests", [])}
    images = [image for image in reversed(repository.images) if image.image_digest not in parts]
    images.sort(key=lambda image: image.image_pushed_at, reverse=True)  # those of one second keep their order
    taken: list[Image] = []
    gone: list[Image] = []
    for rule in sorted(rules, key=lambda rule: rule["rulePriority"]):
        selection = rule["selection"]
        matched = [image for image in images if selects(selection, image)]
        if selection["countType"] == "imageCountMoreThan":
            old = matched[selection["countNumber"] :]
        else:
            limit = now.timestamp() - selection["countNumber"] * SECONDS
            old = [image for image in matched if image.image_pushed_at < limit]
        gone += [image for image in old if image not in taken]
        taken += matched
    return gone


def selects(selection: dict[str, Any], image: Image) -> bool:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html"""
    if selection["tagStatus"] != "tagged":
        return selection["tagStatus"] == "any" or not image.image_tags
    patterns = [*selection.get("tagPatternList", []), *(f"{prefix}*" for prefix in selection.get("tagPrefixList", []))]
    return all(any(like(pattern, tag) for tag in image.image_tags) for pattern in patterns) and bool(image.image_tags)
