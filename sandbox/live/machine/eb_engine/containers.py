"""How an instance is: what its containers do, and what its health path answers."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from instance import Instance

RESTARTS = 3  # after so many a container is said to have quit


class Docker(http.client.HTTPConnection):
    """The engine's API: asking it is cheaper than its command line, which is asked for every few seconds."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect("/var/run/docker.sock")

    @classmethod
    def get(cls, path: str) -> Any:
        engine = cls("localhost", timeout=10)
        engine.request("GET", path)
        with engine.getresponse() as answer:
            return json.load(answer)


def containers(instance: Instance) -> list[dict[str, Any]]:
    """The containers of an instance, as docker inspect shows them."""
    label = json.dumps({"label": [f"com.docker.compose.project={instance.name}", "com.docker.compose.oneoff=False"]})
    listed = Docker.get(f"/containers/json?all=1&filters={label.replace(' ', '').replace(chr(34), '%22')}")
    return [Docker.get(f"/containers/{one['Id']}/json") for one in listed]


def service_of(container: dict[str, Any]) -> str:
    return container["Config"]["Labels"]["com.docker.compose.service"]


def failed(container: dict[str, Any]) -> bool:
    """One that ended badly, or cannot stay up. A one-shot that did its work is well."""
    state = container["State"]
    ended = state["Status"] in ("exited", "dead") and state["ExitCode"] != 0
    return ended or state["Status"] == "restarting" or container["RestartCount"] >= RESTARTS


def failed_ones(instance: Instance) -> list[str]:
    return [service_of(container) for container in containers(instance) if failed(container)]


def gone(instance: Instance) -> str | None:
    return next(iter(failed_ones(instance)), None)


def illness(instance: Instance, health: dict[str, Any], ports: dict[str, str]) -> tuple[str | None, bool]:
    """What an instance suffers from, and whether it answers at all."""
    found = containers(instance)
    broken = [service_of(container) for container in found if failed(container)]
    if broken:
        return f"Docker container quit unexpectedly: {broken[0]}.", True
    if not found:
        return "No container runs.", False
    if health.get("path"):
        return visit(health, ports)
    waiting = [service_of(one) for one in found if one["State"].get("Health", {}).get("Status") in ("starting", "unhealthy")]
    return (f"Docker container is not healthy: {', '.join(waiting)}.", False) if waiting else (None, True)


def visit(health: dict[str, Any], ports: dict[str, str]) -> tuple[str | None, bool]:
    """Ask the health path, as a load balancer does: codes are such as 200 or 200,300-310."""
    port = ports.get(str(health["port"]))
    if port is None:
        return f"Nothing is published on port {health['port']}.", True
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=health["timeout"])
    try:
        connection.request("GET", health["path"], headers={"Host": socket.gethostname(), "User-Agent": "ELB-HealthChecker/2.0"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{health['path']} does not answer: {error}", False
    finally:
        connection.close()
    spans = [part.partition("-") for part in str(health["codes"]).split(",")]
    if any(int(low) <= status <= int(high or low) for low, _, high in spans):
        return None, True
    return f"{health['path']} answers {status}, not {health['codes']}.", True
