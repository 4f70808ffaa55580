"""An engine of Docker's own for a benchmark: empty, in a network of its own, and gone afterwards. No image of others is touched."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Iterator

from benchmarks.measure import BenchmarkFailed, run
from sandbox.live.engine import BASES, Engine, EngineError

# This machine's engine gives the network: one of its images, whichever is there, holds it open.
HOLDERS = ("python:3.*-slim", "localhost/little_service/python")
CLONE_NEWNET = 0x40000000  # linux/sched.h


@contextlib.contextmanager
def empty_engine() -> Iterator[None]:
    """Within the block `docker` means an engine without images, and 127.0.0.1 is that of a network of its own.

    A second engine in the machine's own network would rewrite the packet rules of the first one.
    """
    if os.geteuid() != 0:
        raise BenchmarkFailed("An engine of its own can be started by root only. Type: sudo .venv/bin/python -m benchmarks local")
    with tempfile.TemporaryDirectory(prefix="little-service-bench-engine-") as name, _network():
        folder = pathlib.Path(name)
        process = _start(folder)
        try:
            with _variable("DOCKER_HOST", f"unix://{folder}/docker.sock"):
                _wait(process, folder / "log")
                yield
        finally:
            process.terminate()
            process.wait(timeout=120)
            # The engine mounts its folder on itself and leaves it so.
            subprocess.run(["umount", folder / "data"], capture_output=True, check=False)


def base_images() -> dict[str, str]:
    """What a service's ``.env`` calls the images of this machine: the registry's own, or stand-ins."""
    here = Engine(0)
    try:
        return {f"{kind.upper()}_IMAGE": here.base(kind) for kind in BASES}
    except EngineError as error:
        raise BenchmarkFailed(str(error)) from None


def version() -> dict[str, str]:
    """The engine's and Compose's."""
    return {
        "Docker": run(["docker", "version", "--format", "{{ .Server.Version }}"]).strip(),
        "Compose": run(["docker", "compose", "version", "--short"]).strip(),
    }


def _start(folder: pathlib.Path) -> subprocess.Popen:
    command = ["dockerd", "--host", f"unix://{folder}/docker.sock", "--data-root", f"{folder}/data"]
    command += ["--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    with (folder / "log").open("wb") as log:
        # In a session of its own it does not get the Ctrl-C that is meant for us, and ends when we say so.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _wait(process: subprocess.Popen, log: pathlib.Path, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkFailed("The engine did not start:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-5:]))
        time.sleep(0.1)


@contextlib.contextmanager
def _network() -> Iterator[None]:
    """Move this process, and so all that it starts, into a container's network, and back."""
    filters = [word for name in HOLDERS for word in ("--filter", f"reference={name}")]
    images = run(["docker", "image", "ls", "--quiet", *filters]).split()
    if not images:
        raise BenchmarkFailed("No base image is here. Type: ansible-playbook prepare_machine.yml")
    container = run(["docker", "run", "--detach", "--rm", "--label", "little-service-bench", images[0], "sleep", "1h"]).strip()
    try:
        pid = run(["docker", "inspect", "--format", "{{ .State.Pid }}", container]).strip()
        with pathlib.Path("/proc/self/ns/net").open("rb") as ours, pathlib.Path(f"/proc/{pid}/ns/net").open("rb") as theirs:
            _enter(theirs.fileno())
            try:
                yield
            finally:
                _enter(ours.fileno())
    finally:
        run(["docker", "kill", container])


def _enter(descriptor: int) -> None:
    """`os.setns`, which Python has from 3.12 on."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        raise BenchmarkFailed(f"The network of a container cannot be entered: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before
