"""Runs scripts in forks of a process that has boto3 imported: docs/decisions/0007-warm-interpreter.md.

The server never sees what a script is given: its fork receives that, and becomes the script. What comes back to the server is the code
that the fork had to compile, and which models of AWS it asked botocore for; the next fork finds them done.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import pathlib
import selectors
import signal
import socket
import struct
import sys
import time
import traceback

import warm_caches
import warm_script

IDLE = float(os.environ.get("WARM_PYTHON_IDLE", "600"))  # seconds without a script, after which the server ends
LOOK = 30  # seconds after which a server without work sees whether it is still of use


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A fork, and the client whose script it runs."""

    pid: int
    fork: int  # a pidfd, like the client's: it can be read once the process has ended
    client: int
    news: int
    connection: socket.socket

    def close(self) -> None:
        self.connection.close()
        for handle in (self.fork, self.client, self.news):
            os.close(handle)


class Server:
    """Forks for each client. Ends when it is idle, or when what it has imported is no longer what is there."""

    def __init__(self, path: str, listener: socket.socket, stamps: dict[str, tuple | None]) -> None:
        self.path, self.listener = path, listener
        self.stamps = stamps | {path: warm_caches.stamp(path)}
        self.runs: set[Run] = set()
        self.used = time.monotonic()
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self.accept)

    def serve(self) -> None:
        while self.listener or self.runs:
            ready = self.selector.select(0 if warm_caches.questions else min(IDLE, LOOK))
            for key, _ in ready:
                key.data()
            if not ready and warm_caches.questions:
                warm_caches.answer_one()
            elif not ready and self.listener and (self.idle() or self.outdated()):
                self.retire()

    def idle(self) -> bool:
        return not self.runs and time.monotonic() - self.used >= IDLE

    def outdated(self) -> bool:
        return any(warm_caches.stamp(file) != stamp for file, stamp in self.stamps.items())

    def retire(self) -> None:
        """Take no more clients. Scripts that run go on."""
        self.selector.unregister(self.listener)
        self.listener.close()
        self.listener = None
        if warm_caches.stamp(self.path) == self.stamps[self.path]:
            pathlib.Path(self.path).unlink()

    def accept(self) -> None:
        connection, _ = self.listener.accept()
        pid, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if user == os.getuid() and self.outdated():
            self.retire()
        if user != os.getuid() or not self.listener:
            connection.close()  # without a word: that sends the client to the real Python
        else:
            with contextlib.suppress(ProcessLookupError):  # it has gone
                self.begin(connection, os.pidfd_open(pid))

    def begin(self, connection: socket.socket, client: int) -> None:
        news, asked = os.memfd_create("news"), frozenset(warm_caches.Models.asked)
        pid = os.fork()
        if pid == 0:
            try:
                self.forget()
                warm_script.become(connection, lambda: os.write(news, warm_caches.news(asked)))
            finally:  # and in no case go on as a second server
                os._exit(1)
        run = Run(pid, os.pidfd_open(pid), client, news, connection)
        self.runs.add(run)
        self.selector.register(run.fork, selectors.EVENT_READ, functools.partial(self.ended, run))
        self.selector.register(run.client, selectors.EVENT_READ, functools.partial(self.left, run))

    def forget(self) -> None:
        """A fork has no part in other scripts: their clients must notice when this server is gone."""
        self.selector.close()
        self.listener.close()
        for run in self.runs:
            run.close()

    def ended(self, run: Run) -> None:
        _, status = os.waitpid(run.pid, 0)
        self.runs.remove(run)
        self.selector.unregister(run.fork)
        with contextlib.suppress(KeyError):
            self.selector.unregister(run.client)
        with contextlib.suppress(OSError):  # the fork has told the client itself, unless it was killed
            run.connection.send(b"%d" % os.waitstatus_to_exitcode(status))
        warm_caches.learn(os.pread(run.news, os.fstat(run.news).st_size, 0))
        run.close()
        self.used = time.monotonic()

    def left(self, run: Run) -> None:
        """The client was killed, or has been told: either way there is nothing left to do for its fork."""
        if run in self.runs:
            self.selector.unregister(run.client)
            signal.pidfd_send_signal(run.fork, signal.SIGKILL)


def listen(path: str) -> socket.socket:
    pathlib.Path(path).unlink(missing_ok=True)  # left by a server that was killed: the starter has seen that none answers
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(128)
    return listener


def main(path: str, lock: int) -> None:
    log = pathlib.Path(path).with_name("log")
    try:
        stamps = warm_caches.warm_up()
        listener = listen(path)
    except Exception:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        time.sleep(60)  # with the lock: another would fail alike, and must not be begun for every script
        return
    os.close(lock)
    try:
        Server(path, listener, stamps).serve()
    except Exception:
        log.write_text(traceback.format_exc(), encoding="utf-8")


main(sys.argv[1], int(sys.argv[2]))
