"""Faults on request: throttling, a service's own failure, a connection that breaks before or after the work is done."""

from __future__ import annotations

import dataclasses
import fnmatch
import random

from sandbox.core.wire import AwsError

KINDS = ("throttle", "error", "drop", "lost")
# https://docs.aws.amazon.com/general/latest/gr/api-retries.html; EC2's and S3's own are in their API references.
THROTTLING = {"ec2": ("RequestLimitExceeded", 503), "s3": ("SlowDown", 503)}


@dataclasses.dataclass
class Rule:
    """One kind of fault for a share of the calls whose service and operation match.

    ``drop`` closes the connection before the call is done, ``lost`` after it. ``times`` ends the rule after so many faults.
    """

    kind: str
    share: float = 1.0
    service: str = "*"
    operation: str = "*"
    times: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}: use one of {', '.join(KINDS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share!r}: use a number from 0 to 1")

    def concerns(self, service: str, operation: str) -> bool:
        return self.times != 0 and fnmatch.fnmatchcase(service, self.service) and fnmatch.fnmatchcase(operation, self.operation)


class Faults:
    """The rules in force, and the chance that decides: with the same seed, calls in the same order meet the same faults."""

    def __init__(self) -> None:
        self.set([], 0)

    def set(self, rules: list[dict], seed: int) -> None:
        self.rules = [Rule(**rule) for rule in rules]
        self.seed = seed
        self._chance = random.Random(seed)  # noqa: S311 not a secret: it must repeat

    def strike(self, service: str, operation: str) -> str | None:
        """The kind of fault that this call meets."""
        for rule in self.rules:
            if rule.concerns(service, operation) and self._chance.random() < rule.share:
                rule.times = None if rule.times is None else rule.times - 1
                return rule.kind
        return None


def throttled(service: str, protocol: str) -> AwsError:
    code, status = THROTTLING.get(service, ("Throttling" if protocol == "query" else "ThrottlingException", 400))
    return AwsError(code, "Rate exceeded", status)


def broken() -> AwsError:
    return AwsError("InternalFailure", "The request processing has failed because of an unknown error, exception or failure.", 500)
