"""Docker on this machine, by its command line: containers, volumes and one network, which all carry the sandbox's label.

Whatever has the label was started by the sandbox on this port, and goes with it: one left by a sandbox that was killed as well.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.core.daemon import state_folder

LABEL = "little-service.sandbox"
PART = f"{LABEL}.part"  # what of AWS a container plays: rds/NAME, elasticache/NAME, codebuild/ID, ec2, ecr
# An engine inside a container wants a file system for its data that is no overlay, a cgroup tree of its own, and /proc/sys to write to.
INNER_ENGINE = "mount -o remount,rw /proc/sys && umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec dockerd"
NESTED = ("--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--cap-add=SYS_PTRACE", "--security-opt=seccomp=unconfined")
NESTED += ("--security-opt=apparmor=unconfined", "--cgroupns=private", "--tmpfs=/run", "--volume=/var/lib/docker")
# The images that prepare_machine.yml leaves here: the registry's own, or stand-ins of the distribution's packages (roles/base_images).
BASES = {
    "python": ("python:3.13-slim", "localhost/little_service/python:3.13"),
    "mysql": ("mysql:8.4", "localhost/little_service/mysql:9.7"),
    "redis": ("redis:8", "localhost/little_service/redis:8.0"),
}


class EngineError(Exception):
    """What the engine refused, in its own last words."""


class Engine:
    """Containers that carry the label of the sandbox on one port."""

    def __init__(self, port: int) -> None:
        self.label = f"{LABEL}={port}"
        self.network = f"little-service-sandbox-{port}"
        self.ended = False
        self.port, self.folder = port, state_folder() / f"sandbox-{port}"  # what of its state lies in files

    def docker(self, *arguments: str, stdin: bytes | None = None, seconds: float | None = 600) -> str:
        """What ``docker …`` prints; EngineError with its last words where it fails."""
        try:
            done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, timeout=seconds, check=False)
        except FileNotFoundError:
            raise EngineError("There is no docker here. Type: ansible-playbook prepare_machine.yml") from None
        except subprocess.TimeoutExpired:
            raise EngineError(f"docker {arguments[0]} took longer than {seconds:.0f} s") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-3:] or [f"exit status {done.returncode}"]
            raise EngineError(f"docker {arguments[0]}: {' '.join(said)}")
        return done.stdout.decode(errors="replace")

    def base(self, kind: str) -> str:
        """The image of this machine for Python, MySQL or Redis."""
        there = set(self.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
        for image in BASES[kind]:
            if image in there:
                return image
        raise EngineError(f"None of the images {', '.join(BASES[kind])} is here. Type: ansible-playbook prepare_machine.yml")

    def build(self, name: str, folder: pathlib.Path, **arguments: str) -> str:
        """Build an image of the sandbox's own from a folder with a Dockerfile; the engine's cache makes it free the second time."""
        image = f"localhost/little_service/sandbox-{name}"
        given = [part for key, text in arguments.items() for part in ("--build-arg", f"{key}={text}")]
        # Its id, and not its name: another checkout's sandbox may be giving that to another one.
        return self.docker("build", "--quiet", "--tag", image, *given, str(folder), seconds=1200).strip()

    def start(self) -> str:
        """Clear away what a killed sandbox left, make the network, and return the address that this machine has in it."""
        self.stop()
        self.ended = False
        self.docker("network", "create", "--label", self.label, self.network)
        return self.addresses["Gateway"]

    @functools.cached_property
    def addresses(self) -> dict[str, str]:
        """Of the network, its ``Subnet`` and the ``Gateway``, which is this machine's address in it."""
        (network,) = json.loads(self.docker("network", "inspect", self.network))
        return network["IPAM"]["Config"][0]

    @property
    def url(self) -> str:
        """Where its containers find the sandbox."""
        return f"http://{self.addresses['Gateway']}:{self.port}"

    def clear(self) -> None:
        """Remove every container, volume and file of this sandbox."""

        def none_left() -> bool:
            """Not even of those that were about to start, or that another thread removes just now."""
            containers = self.ids()
            with contextlib.suppress(EngineError):
                self.docker("rm", "--force", "--volumes", *containers)
            return not containers

        wait_until(none_left, 60, pause=0.1)
        if volumes := self.docker("volume", "ls", "--quiet", "--filter", f"label={self.label}").split():
            self.docker("volume", "rm", "--force", *volumes)
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """Remove all that this sandbox has, its network too; what still works beside it starts nothing more."""
        self.ended = True
        self.clear()
        for network in self.docker("network", "ls", "--quiet", "--filter", f"label={self.label}").split():
            self.docker("network", "rm", "--force", network)

    def ids(self, part: str | None = None, *, running: bool = False) -> list[str]:
        """The containers of a part, or of all of it."""
        wanted = [f"--filter=label={self.label}", *([f"--filter=label={PART}={part}"] if part else [])]
        return self.docker("ps", *([] if running else ["--all"]), "--quiet", *wanted).split()

    def run(
        self,
        part: str,
        image: str,
        *command: str,
        names: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> str:
        """Start a container for a part of AWS, which answers in the network to these names, and return its id.

        Values of the environment reach docker by its own environment: no process list shows them.
        """
        if self.ended:
            raise EngineError("The sandbox has ended")
        environment = environment or {}
        given = ["--detach", f"--label={self.label}", f"--label={PART}={part}", f"--network={self.network}"]
        given += [f"--network-alias={name}" for name in names] + [f"--env={key}" for key in environment]
        done = subprocess.run(
            ["docker", "run", *given, *options, image, *command],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise EngineError(f"docker run ({part}): {done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    def guard(self, part: str, container: str, alone: threading.Lock, again: Callable[[], object] = lambda: None) -> None:
        """Have it start again whenever it ends by itself or is killed, as AWS sees to; who removes it holds the lock.

        :param again: what is to be done then, with the lock held.
        """

        def watch() -> None:
            with contextlib.suppress(EngineError):
                while True:
                    self.docker("wait", container, seconds=None)
                    with alone:
                        if not any(container.startswith(known) for known in self.ids(part)):
                            return
                        self.docker("start", container)
                        again()

        threading.Thread(target=watch, daemon=True).start()

    def remove(self, part: str) -> None:
        """Remove the containers of a part, and the volumes without a name that they had."""
        for container in self.ids(part):
            self.docker("rm", "--force", "--volumes", container)

    def volume(self, name: str) -> str:
        """A volume of the sandbox's by its own name, made where it is missing."""
        full = f"{self.network}-{name}"
        self.docker("volume", "create", "--label", self.label, full)
        return full

    def execute(self, container: str, *command: str, stdin: bytes | None = None, seconds: float = 600) -> str:
        return self.docker("exec", *(["--interactive"] if stdin is not None else []), container, *command, stdin=stdin, seconds=seconds)

    def logs(self, container: str, lines: int = 20) -> list[str]:
        """The last lines that a container printed, wherever to."""
        command = ["docker", "logs", f"--tail={lines}", container]
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return said.stdout.decode(errors="replace").splitlines()

    def fetch(self, container: str, path: str) -> bytes:
        """What lies at a path in a container, as a tar archive."""
        done = subprocess.run(["docker", "cp", f"{container}:{path}", "-"], capture_output=True, check=False)
        if done.returncode:
            raise EngineError(f"docker cp: {done.stderr.decode(errors='replace').strip()[-500:]}")
        return done.stdout

    def address(self, container: str) -> str:
        """A container's address in the sandbox's network."""
        (found,) = json.loads(self.docker("inspect", container))
        return found["NetworkSettings"]["Networks"][self.network]["IPAddress"]

    def listing(self) -> list[dict[str, Any]]:
        """What runs, and how much memory each takes."""
        identifiers = self.ids()
        if not identifiers:
            return []
        stats = self.docker("stats", "--no-stream", "--format", "json", *identifiers).splitlines()
        memory = {one["ID"][:12]: one["MemUsage"].partition(" ")[0] for one in map(json.loads, stats)}
        return [
            {
                "part": one["Config"]["Labels"][PART],
                "state": one["State"]["Status"],
                "memory": memory.get(one["Id"][:12], "0B"),
                "address": one["NetworkSettings"]["Networks"].get(self.network, {}).get("IPAddress", ""),
            }
            for one in json.loads(self.docker("inspect", *identifiers))
        ]


def wait_until(ready: Callable[[], Any], seconds: float, pause: float = 0.5) -> bool:
    """Ask until the answer is true; False when it was not in so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return True
        time.sleep(pause)
    return False
