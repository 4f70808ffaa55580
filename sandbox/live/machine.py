"""Machines of AWS's: containers with an engine of their own, which log in to the sandbox's registry and trust its authority."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sandbox.live import authority
from sandbox.live.engine import NESTED, Engine, EngineError, wait_until

if TYPE_CHECKING:
    from sandbox.live.registry import Registry

RECIPE = pathlib.Path(__file__).with_name("machine")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
DATA = "/var/lib/docker"
SECONDS_TO_START = 60


def image(engine: Engine) -> str:
    """The machines' image; it is built once, and has haproxy too."""
    return engine.build("machine", RECIPE, BASE=engine.base("python"))


def start(
    engine: Engine,
    part: str,
    registry: Registry,
    *,
    volume: str | None = None,
    names: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> str:
    """Start a machine, wait until its engine answers, and return its id. A volume keeps the engine's images and caches."""
    given = [option for option in NESTED if option != f"--volume={DATA}"]
    given += [f"--volume={volume}:{DATA}" if volume else f"--volume={DATA}", "--init"]
    # Another account's registry is in the network too; BuildKit knows no networks, and wants the names, that of the mirror as well.
    plain = [engine.addresses["Subnet"], registry.host, registry.mirror.removeprefix("http://")]
    dockerd = [*(f"--insecure-registry={name}" for name in plain), f"--registry-mirror={registry.mirror}"]
    machine = engine.run(part, image(engine), *dockerd, names=names, environment=environment, options=[*given, *options])
    # From behind, so that what the machine trusted already it trusts still.
    engine.execute(machine, "sh", "-c", f"cat >>{BUNDLE}", stdin=b"\n" + authority.bundle())
    if not recovered(engine, machine):
        last = engine.docker("logs", "--tail", "5", machine)
        raise EngineError(f"The engine of the machine {part} does not answer after {SECONDS_TO_START} s. Its last words: {last}")
    return machine


def recovered(engine: Engine, machine: str) -> bool:
    """Whether a machine's engine answers, at once or when it has started."""
    return wait_until(lambda: engine.ended or answers(engine, machine), SECONDS_TO_START, pause=0.2) and not engine.ended


def answers(engine: Engine, machine: str) -> bool:
    with contextlib.suppress(EngineError):
        return bool(engine.execute(machine, "docker", "version", "--format", "{{.Server.Version}}", seconds=10).strip())
    return False
