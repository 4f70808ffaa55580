"""The log of calls: what was asked of which service, by whom, and how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import re
from collections.abc import Iterator

# What only looks: every other operation may change something.
READS = re.compile(
    r"(Describe|List|Get|BatchGet|BatchCheck|Head|Check|Validate|Simulate|Lookup|Search|Filter|Test|Retrieve|Request(?=EnvironmentInfo)"
    r"|Query$|Scan$|Select|Decode|AssumeRole|StartQuery)"
)


@dataclasses.dataclass
class Entry:
    """One call. Its status is 0 where the connection broke before it was done."""

    n: int
    time: str
    service: str
    operation: str
    write: bool
    principal: str
    status: int = 0


class Calls:
    """Each call in its order. While it is paused, what is asked is answered but not written down."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._paused = False

    def enter(self, service: str, operation: str, principal: str) -> Entry:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        entry = Entry(len(self._entries) + 1, now, service, operation, not READS.match(operation), principal)
        if not self._paused:
            self._entries.append(entry)
        return entry

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def since(self, n: int) -> list[dict]:
        """The calls after number n."""
        return [dataclasses.asdict(entry) for entry in self._entries[n:]]

    def clear(self) -> None:
        self._entries.clear()
