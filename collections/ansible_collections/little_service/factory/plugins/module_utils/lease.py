# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One writer at a time for each service and environment: a lease, kept as an object in the environment's artifact bucket.

It is taken before the first write of a run, and not at all by a run that changes nothing. S3's conditional writes decide between two that
come at once: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html. A holder that died is found out
by its lease's end, and on the same machine at once by its process.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import socket
from typing import Any

from ansible_collections.little_service.factory.plugins.module_utils.declared import code_of

SECONDS = 120  # how long a lease lasts; it is renewed while a run waits
LOST = ("PreconditionFailed", "ConditionalRequestConflict")


class Held(Exception):
    """Somebody else holds the lease."""


class NoLease:
    """Where nothing is locked: before there is a bucket, and in what only reads."""

    def take(self) -> bool:
        return False

    def renew(self) -> None:
        """Nothing to renew."""

    def release(self) -> bool:
        return False


class Lease(NoLease):
    """The lease of one service in one environment, for one run of ansible-playbook."""

    def __init__(self, module: Any, *, bucket: str, key: str, holder: str, pid: int, seconds: float = SECONDS) -> None:
        self._module, self._seconds = module, seconds
        self._object = {"Bucket": bucket, "Key": key}
        self._me = {"holder": holder, "pid": pid, "machine": machine()}
        self._tag, self._content = "", {}

    def take(self) -> bool:
        """Take the lease; whether it was not held by this run before.

        :raises Held: where another run holds it.
        """
        self._read()
        if self._is_mine() and self._is_valid():
            self.renew()
            return False
        if self._is_valid() and not self._is_dead():
            raise Held(self._told())
        self._write(since=_now().isoformat(timespec="seconds"))
        return True

    def renew(self) -> None:
        """Make it last, where this run holds it and a third of it is over."""
        if self._is_mine() and self._left() < self._seconds * 2 / 3:
            self._write(since=self._content["since"])

    def release(self) -> bool:
        """Give it back; whether this run held it. The object stays: a conditional write cannot be told from a deletion and a new one."""
        self._read()
        if not self._is_mine() or not self._is_valid():
            return False
        self._write(since=self._content["since"], seconds=0)
        return True

    @property
    def _s3(self) -> Any:
        return self._module.client("s3")

    def _read(self) -> None:
        try:
            answer = self._s3.get_object(**self._object)
        except Exception as error:
            if code_of(error) not in ("NoSuchKey", "NoSuchBucket", "404"):
                raise
            self._tag, self._content = "", {}
        else:
            self._tag, self._content = answer["ETag"], json.loads(answer["Body"].read())

    def _write(self, since: str, seconds: float | None = None) -> None:
        until = _now() + datetime.timedelta(seconds=self._seconds if seconds is None else seconds)
        self._content = meant = {**self._me, "since": since, "until": until.isoformat(timespec="milliseconds")}
        condition = {"IfMatch": self._tag} if self._tag else {"IfNoneMatch": "*"}
        try:
            answer = self._s3.put_object(**self._object, Body=json.dumps(self._content).encode(), **condition)
            self._tag = answer["ETag"]
        except Exception as error:
            code = code_of(error)
            if code == "NoSuchBucket":
                self._content = {}  # the run that makes the bucket has nothing else to lock yet
                return
            if code not in LOST:
                raise
            self._read()
            # A call of ours whose answer was lost is asked again by boto3, and then meets itself.
            if self._content != meant and not (self._is_mine() and self._is_valid()):
                raise Held(self._told()) from None

    def _is_mine(self) -> bool:
        return bool(self._content) and all(self._content.get(key) == value for key, value in self._me.items())

    def _left(self) -> float:
        """Seconds until it ends."""
        if not self._content:
            return 0
        return (datetime.datetime.fromisoformat(self._content["until"]) - _now()).total_seconds()

    def _is_valid(self) -> bool:
        return self._left() > 0

    def _is_dead(self) -> bool:
        """Whether the holder was a process of this machine that is gone."""
        if self._content.get("machine") != machine():
            return False
        try:
            os.kill(self._content["pid"], 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def _told(self) -> str:
        one = self._content
        return (
            f"Another run is changing {self._object['Key'].removeprefix('locks/')}: {one['holder']} (process {one['pid']}) holds the lock "
            f"since {one['since']}. Run this again when that has ended; should it have died, its lock ends by itself at {one['until']}."
        )


def of(module: Any) -> NoLease:
    """The lease that the module's option ``lock`` names."""
    lock = module.params.get("lock")
    return Lease(module, **lock) if lock else NoLease()


def machine() -> str:
    """This machine until it is started anew, or this container."""
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()} {boot.read_text().strip() if boot.exists() else ''}".strip()


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
