"""The sandbox in the background: started once, found again by anybody, ended with all that it started. Needs Python alone."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

NAME = "little-service-sandbox"  # by which a sandbox of ours is known
ROOT = pathlib.Path(__file__).resolve().parents[2]
MODES = ("control", "live")  # records alone; containers too
SECONDS_TO_START = 60
SECONDS_TO_STOP = 120  # a live one removes its containers


class SandboxError(Exception):
    """What is wrong, and what to type next."""


def state_folder() -> pathlib.Path:
    """Where the log is: private, since it may show what was asked (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    home = os.environ.get("XDG_STATE_HOME") or pathlib.Path.home() / ".local/state"
    folder = pathlib.Path(home) / "little-service"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def log_file(port: int) -> pathlib.Path:
    return state_folder() / f"sandbox-{port}.log"


@contextlib.contextmanager
def alone(port: int) -> Iterator[None]:
    """Hold back whoever else starts a sandbox on this port meanwhile. The lock is the process's own: it goes when that ends."""
    with (state_folder() / f"sandbox-{port}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def health(port: int) -> dict[str, Any] | None:
    """What the sandbox on this port says of itself; None where nothing listens, an error where something else does."""
    try:
        said = page(port, "health")
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            return None
        said = {}
    except (OSError, ValueError, http.client.HTTPException):
        said = {}
    if not isinstance(said, dict) or said.get("name") != NAME:
        raise SandboxError(
            f"Something else listens on 127.0.0.1:{port} and is left alone. Stop it, or give the sandbox another port: type "
            f"export LITTLE_SERVICE_SANDBOX_URL=http://127.0.0.1:{port + 1} and run this again."
        )
    return said


def page(port: int, name: str) -> Any:
    """What ``GET /_sandbox/NAME`` answers; no proxy lies between."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://127.0.0.1:{port}/_sandbox/{name}", timeout=30) as answer:
        return json.load(answer)


def start(port: int, mode: str | None = None) -> tuple[dict[str, Any], bool]:
    """The health of the sandbox on this port, and whether it was started just now. Two at once: one of them starts it.

    The mode is the running sandbox's own; one that is wanted and is another is an error.
    """
    said, new = health(port), False
    if not said:
        with alone(port):
            said = health(port)
            if not said:
                said, new = launch(port, mode or MODES[0]), True
    if mode and said["mode"] != mode:
        raise SandboxError(
            f"The sandbox on port {port} runs in the mode {said['mode']}, not {mode}. Its state goes with it: type make sandbox-stop first."
        )
    return said, new


def launch(port: int, mode: str) -> dict[str, Any]:
    """Start a process that outlives this one: with a session, an output and an input of its own."""
    with log_file(port).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "run", "--port", str(port), "--mode", mode],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},  # as in bin/sandbox
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        said = health(port)
        if said:
            return said
        if process.poll() is not None:
            raise SandboxError(f"The sandbox ended while it started (exit status {process.returncode}). Its last words: {log_file(port)}")
        time.sleep(0.05)
    raise SandboxError(f"The sandbox does not answer on port {port} after {SECONDS_TO_START} seconds. Its last words: {log_file(port)}")


def stop(port: int) -> bool:
    """End the sandbox on this port, and say whether there was one."""
    said = health(port)
    if not said:
        return False
    os.kill(said["pid"], signal.SIGTERM)
    end = time.monotonic() + SECONDS_TO_STOP
    while time.monotonic() < end:
        if not listens(port):
            return True
        time.sleep(0.05)
    raise SandboxError(f"Process {said['pid']} still answers after {SECONDS_TO_STOP} seconds. Its last words: {log_file(port)}")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
