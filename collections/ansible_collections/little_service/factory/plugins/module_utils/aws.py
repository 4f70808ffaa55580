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
THROTTLED = ("RequestLimitExceeded", "SlowDown", "TooManyRequestsException")
ONCE = {"total_max_attempts": 1}
# What is new is not seen everywhere at once, as in https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html and
# https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html: for so many seconds its consumers ask again.
SECONDS_UNSEEN = 60


class AwsModule(AnsibleAWSModule):
    """A module with the common options of ours, that tells of AWS's errors by the thing they are about."""

    def __init__(self, argument_spec: dict[str, Any], **more: Any) -> None:
        super().__init__(argument_spec={**COMMON, **argument_spec}, supports_check_mode=True, **more)
        if self.params.get("access_key"):
            # Keys were given: what the shell says to other tools (another profile, another endpoint) does not count here.
            self.params["profile"] = None
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                del os.environ[name]
        self._clients: dict[tuple[Any, ...], Any] = {}
        self.lease = lease.of(self)

    def client(self, service: str, region: str | None = None, retries: dict[str, Any] = RETRIES, **_more: Any) -> Any:  # type: ignore[override]
        """The client of a service, made once; in check mode it refuses what is not known to read."""
        key = (service, region, *retries.values())
        if key not in self._clients:
            config = botocore.config.Config(retries=retries)  # an `aws_config` of the user's is merged over it
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
            self.pause(timeout)

    def pause(self, most: float) -> None:
        """The time between two looks, but so many seconds at most."""
        time.sleep(min(self.params["wait_delay"], most))

    def once(self, service: str, operation: str, look: Callable[[], Any], **params: Any) -> Any:
        """Ask for something of which AWS makes another one each time. Where the answer is lost it may stand: look before asking again.

        :param look: gives what stands, or None.
        :returns: the answer, or what ``look`` gave.
        """
        ask = getattr(self.client(service, retries=ONCE), operation)
        for pause in (*(min(2**attempt / 10, 10) for attempt in range(RETRIES["total_max_attempts"] - 1)), None):
            try:
                return ask(**params)
            except Exception as error:
                if pause is None or not _may_be_done(error):
                    raise
                time.sleep(pause)
            if found := look():
                return found
        raise AssertionError("the last attempt returns or raises")

    def patiently(self, ask: Callable[..., Any], *codes: str, words: str = "", seconds: float = SECONDS_UNSEEN, **params: Any) -> Any:
        """Ask again while AWS answers with one of these codes, since it does not see yet what was made a moment ago.

        :param words: what the message has to hold besides, where the code says other things too.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                return ask(**params)
            except botocore.exceptions.ClientError as error:
                if declared.code_of(error) not in codes or words not in str(error) or time.monotonic() > end:
                    raise
            self.pause(2)

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


def _may_be_done(error: Exception) -> bool:
    """Whether the same call may well succeed, and may have been done already: the connection broke, or AWS is to blame, or it throttles."""
    if isinstance(error, botocore.exceptions.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or "Throttl" in declared.code_of(error) or declared.code_of(error) in THROTTLED
    return isinstance(error, botocore.exceptions.HTTPClientError | botocore.exceptions.ConnectionError)


def _refuse_writes(model: Any, **_more: Any) -> None:
    if not model.name.startswith(READS):
        raise AssertionError(f"In check mode {model.name} is never called: this is a bug in the module.")
