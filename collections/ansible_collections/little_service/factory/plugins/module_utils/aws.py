# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AnsibleAWSModule as our modules need it: one way to call, to fail, to wait and to end."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.little_service.factory.plugins.module_utils import declared, lease

try:
    import botocore.config
    import botocore.exceptions
except ImportError:
    pass  # AnsibleAWSModule says it in its own words

COMMON = {
    "lock": {"type": "dict"},
    "adopt": {"type": "bool", "default": False},
    "wait_delay": {"type": "float", "default": 15.0},
    "log": {"type": "path"},
}
# Verbs of operations that only read, in all services that we speak to.
READS = ("Describe", "Get", "List", "BatchGet", "Head", "Search", "Lookup", "Check", "Simulate")
# A service that throttles one call in five, or drops it, is asked ten times:
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html#standard-retry-mode
RETRIES = {"mode": "standard", "total_max_attempts": 10}


class AwsModule(AnsibleAWSModule):
    """A module with the common options of ours, that tells of AWS's errors by the thing they are about."""

    def __init__(self, argument_spec: dict[str, Any], **more: Any) -> None:
        super().__init__(argument_spec={**COMMON, **argument_spec}, supports_check_mode=True, **more)
        if self.params.get("access_key"):
            # Keys were given: what the shell says to other tools (another profile, another endpoint) does not count here.
            self.params["profile"] = None
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                del os.environ[name]
        self._clients: dict[tuple[str, str | None], Any] = {}
        self.lease = lease.of(self)

    def client(self, service: str, region: str | None = None, **_more: Any) -> Any:  # type: ignore[override]
        """The client of a service, made once; in check mode it refuses what is not known to read."""
        key = (service, region)
        if key not in self._clients:
            config = botocore.config.Config(retries=RETRIES)  # an `aws_config` of the user's is merged over it
            extra = {"region": region} if region else {}
            client = super().client(service, config=config, **extra)
            if self.check_mode:
                client.meta.events.register("before-call", _refuse_writes)
            self._clients[key] = client
        return self._clients[key]

    @contextlib.contextmanager
    def telling(self, what: object) -> Iterator[None]:
        """Errors within are told as being about ``what``; the lease is kept, for the next run of the same user to go on with."""
        try:
            yield
        except (declared.DeclarationError, lease.Held) as error:
            self.fail_json(msg=str(error))
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            self.fail_json_aws(error, msg=f"The {what}")

    def wait_until(self, what: object, look: Callable[[], tuple[bool, str]], timeout: float) -> None:
        """Ask again until it is done, and say meanwhile what is seen.

        :param look: gives whether it is done, and the state in words; raises DeclarationError where there is no hope.
        :param timeout: seconds on this machine's clock.
        """
        begun = time.monotonic()
        while True:
            done, said = look()
            seconds = time.monotonic() - begun
            self.tell(f"{what}: {said}")
            if done:
                return
            if seconds > timeout:
                raise declared.DeclarationError(
                    f"The {what} is still {said} after {seconds:.0f} s. It may well go on: run this again to take up the wait."
                )
            self.lease.renew()
            time.sleep(min(self.params["wait_delay"], timeout))

    def tell(self, words: str) -> None:
        """A line for the callback ``progress``, which shows the last one of the file ``log``."""
        if self.params["log"]:
            with open(self.params["log"], "a", encoding="utf-8") as file:  # noqa: PTH123 appended in one write
                file.write(words + "\n")

    def done(self, steps: Sequence[tuple[declared.Resource, declared.Step]], **facts: Any) -> None:
        """End the module with what was, or would be, done."""
        result: dict[str, Any] = {
            "changed": bool(steps),
            "steps": [{"verb": step.verb, "what": str(resource), "properties": sorted(step.changes)} for resource, step in steps],
            **facts,
        }
        if self._diff:
            result["diff"] = [declared.difference(resource, step) for resource, step in steps]
        self.exit_json(**result)


def _refuse_writes(model: Any, **_more: Any) -> None:
    if not model.name.startswith(READS):
        raise AssertionError(f"In check mode {model.name} is never called: this is a bug in the module.")
