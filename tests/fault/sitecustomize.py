"""Ends, orphans or starves a run at its Nth change of a folder. Python imports this by itself where it is on PYTHONPATH.

The interpreter announces each file that is opened to write, made, renamed or removed, and each program that is started, to audit
hooks (https://docs.python.org/3/library/audit_events.html): every one of them is a point at which a run can be killed.

FAULT_UNDER: the folder. FAULT_COUNT: a file elsewhere that gets a byte for each touch, by whichever of a run's processes.
FAULT_AT: the touch, from 1.
FAULT_KIND: kill (this process), orphan (the parent, this process goes on a second later), full (the disk is full).
"""

import errno
import os
import pathlib
import signal
import sys
import time

EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "subprocess.Popen", "shutil.rmtree"}
under, counter = os.environ.get("FAULT_UNDER"), os.environ.get("FAULT_COUNT")


def fail(kind):
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "orphan":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(1)
    if kind == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def reads(event, arguments):
    return event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)


def hook(event, arguments):
    if event not in EVENTS or reads(event, arguments) or not any(f"{argument}/".startswith(f"{under}/") for argument in arguments[:3]):
        return
    with pathlib.Path(counter).open("ab") as touches:
        touches.write(b".")
        touches.flush()
        touch = touches.tell()
    if touch == int(os.environ.get("FAULT_AT", "0")):
        fail(os.environ["FAULT_KIND"])


if under:
    sys.addaudithook(hook)
