"""What a fork of the warm server does: take the client's place, run its script as Python would, and tell how it ended."""

from __future__ import annotations

import atexit
import builtins
import contextlib
import importlib.machinery
import itertools
import marshal
import os
import pathlib
import signal
import socket
import sys
import threading
import traceback
import types
from collections.abc import Callable


def become(connection: socket.socket, tell: Callable[[], None]) -> None:
    """Run the script for which the client at the other end asks, and end the process. Returns where there is none to be run."""
    fork = os.getpid()
    connection.settimeout(5)
    connection.send(b"%d" % fork)
    try:
        request, handles, _, _ = socket.recv_fds(connection, 1 << 20, 4)
        words, environment, mask = marshal.loads(request)  # noqa: S302 # from a process of the same user, with whose rights this runs
        take_place(handles, environment, mask)
        text = pathlib.Path(os.fsdecode(words[0])).read_bytes() if words else None
    except Exception:
        connection.send(b"cold")  # the client still has all that the real Python needs
        return
    status = finish(run([os.fsdecode(word) for word in words] or [""], text))
    if os.getpid() == fork:  # and not one that the script has forked
        with contextlib.suppress(Exception):  # the script has ended as it has, whatever is to be learnt from it
            tell()
        if status >= 0:
            connection.send(b"%d" % status)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def take_place(handles: list[int], environment: dict[bytes, bytes], mask: int) -> None:
    os.setpgid(0, 0)  # a script may signal its group, which must not be the server
    for number, handle in enumerate(handles[:3]):
        os.dup2(handle, number)
    os.fchdir(handles[3])
    for handle in handles:
        os.close(handle)
    os.umask(mask)
    os.environb.clear()
    os.environb.update(environment)


def run(words: list[str], text: bytes | None) -> int:
    """The exit status, or minus the signal that is to end the process."""
    name = words[0] or "<stdin>"
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    loader = importlib.machinery.SourceFileLoader("__main__", name) if words[0] else importlib.machinery.BuiltinImporter
    vars(main).update(__file__=name, __cached__=None, __loader__=loader, __builtins__=builtins, __annotations__={})
    sys.argv[:] = words
    if not sys.flags.safe_path:
        sys.path[0] = str(pathlib.Path(name).absolute().parent) if words[0] else ""
    # Ansible shows with a warning what called what; that is to end where the script begins, as ever.
    walk = traceback.walk_stack
    traceback.walk_stack = lambda frame: itertools.takewhile(lambda step: step[0].f_code is not run.__code__, walk(frame))
    if sys.stdout.isatty():
        sys.stdout.reconfigure(line_buffering=True)
    try:
        exec(compile(sys.stdin.buffer.read() if text is None else text, name, "exec", dont_inherit=True), main.__dict__)  # noqa: S102
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:
        # The first frame is this function's, which Python's own traceback does not have.
        sys.excepthook(type(error), error.with_traceback(error.__traceback__.tb_next), None)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def finish(status: int) -> int:
    """What Python does at its end, less taking itself apart: https://github.com/python/cpython/blob/v3.13.0/Lib/multiprocessing/process.py#L291"""
    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        return 120
    return status
