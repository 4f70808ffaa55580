# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roles that were made just now: IAM's changes take seconds until the services that are to assume a role see it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SECONDS = 60
# CodeBuild's words (hashicorp/terraform-provider-aws#4233), and CodePipeline's.
NOT_YET = ("is not authorized to perform: sts:AssumeRole on", "is not authorized to perform AssumeRole on role")


def once_assumable(module: Any, call: Callable[[], Any]) -> Any:
    """What the call gives. It is made again for a minute, as long as the service says that it cannot assume the role."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return call()
        except Exception as error:
            if not any(words in str(error) for words in NOT_YET) or time.monotonic() > deadline:
                raise
        module.tell("waiting for the new role to be seen by its service")
        time.sleep(min(module.params["wait_delay"], 5))
