"""Where a web environment answers: haproxy in a container, on a port of this machine that stays the environment's own. All of it blocks."""

from __future__ import annotations

import dataclasses
import socket
import threading
from typing import Any

from sandbox.live import machine
from sandbox.live.engine import Engine, EngineError, wait_until

SLOTS = 24  # instances that may stand behind it at once
SOCKET = "/run/haproxy.sock"
# Its address is one of this machine's, and the service knows itself by AWS's name: what names the one is made to name the other, as if
# a browser had found that name. https://docs.haproxy.org/3.0/configuration.html
CONFIGURATION = """
global
    stats socket {socket} mode 600 level admin
    maxconn 1000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout queue 10s
    retries 3
    retry-on conn-failure
    option redispatch
frontend environment
    bind :80
    http-request set-header Host {host}
    http-request replace-header Origin '^https?://[^/]+' {scheme}://{host}
    http-request replace-header Referer '^https?://[^/]+' {scheme}://{host}
    http-response replace-header Location '^https?://{pattern}(:[0-9]+)?' http://{address}
    {forwarded}
    default_backend instances
backend instances
    balance roundrobin
    {check}
    server-template i 1-{slots} 127.0.0.1:9 check inter 1s fall 3 rise 1 disabled
"""
FORWARDED = "option forwardfor\n    http-request set-header X-Forwarded-Proto {scheme}\n    http-request set-header X-Forwarded-Port {port}"
CHECK = "option httpchk\n    http-check send meth GET uri {path} ver HTTP/1.1 hdr Host {host}\n    http-check expect status {codes}"


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What of an environment's options concerns its balancer."""

    host: str  # AWS's name of the environment
    https: bool = False
    proxy: bool = True  # whether on AWS there is one at all
    path: str | None = None
    codes: str = "200"


class Balancer:
    def __init__(self, engine: Engine, part: str) -> None:
        self._engine, self._part = engine, part
        self._lock = threading.Lock()
        self._container, self._port = "", free_port()
        self._declared: Declaration | None = None
        self._slots: dict[str, tuple[int, str, int]] = {}  # instance → slot, address, port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def declare(self, *given: Any) -> None:
        """Have it run as declared, on the port that it has had all along."""
        wanted = Declaration(*given)
        with self._lock:
            if wanted == self._declared:
                return
            self._engine.remove(self._part)
            command = ["-c", 'printf "%s" "$CONFIGURATION" >/tmp/haproxy.cfg && exec haproxy -db -f /tmp/haproxy.cfg']
            self._container = self._engine.run(
                self._part,
                machine.image(self._engine),
                *command,
                names=[wanted.host],
                environment={"CONFIGURATION": self._configuration(wanted)},
                options=["--entrypoint=sh", "--init", f"--publish={self.address}:80", "--memory=128m"],
            )
            self._declared = wanted
            self._open_all()
            self._engine.guard(self._part, self._container, self._lock, self._open_all)

    def _configuration(self, wanted: Declaration) -> str:
        scheme, port = ("https", 443) if wanted.https else ("http", 80)
        parts = {"host": wanted.host, "scheme": scheme, "port": port, "path": wanted.path, "codes": wanted.codes}
        return CONFIGURATION.format(
            **parts,
            socket=SOCKET,
            slots=SLOTS,
            address=self.address,
            pattern=wanted.host.replace(".", "\\."),
            forwarded=FORWARDED.format(**parts) if wanted.proxy else "",
            check=CHECK.format(**parts) if wanted.path else "",
        )

    def _answers(self) -> bool:
        try:
            return "Uptime" in self._tell("show info")
        except EngineError:
            return False

    def _tell(self, *commands: str) -> str:
        """https://docs.haproxy.org/3.0/management.html#9.3"""
        text = ";".join(commands) + "\n"
        return self._engine.execute(self._container, "socat", "-t10", "-", f"unix-connect:{SOCKET}", stdin=text.encode(), seconds=30)

    def _open_all(self) -> None:
        if not wait_until(self._answers, 20, pause=0.1):
            said = self._engine.docker("logs", "--tail", "5", self._container)
            raise EngineError(f"The load balancer {self._part} does not start. {said}")
        for slot, address, port in self._slots.values():
            self._open(slot, address, port)

    def _open(self, slot: int, address: str, port: int) -> None:
        server = f"instances/i{slot}"
        self._tell(f"set server {server} addr {address} port {port}", f"set server {server} state ready")

    def attach(self, instance: str, address: str, port: int) -> None:
        """Send requests to an instance, from now on."""
        with self._lock:
            taken = {slot for slot, _, _ in self._slots.values()}
            slot = self._slots[instance][0] if instance in self._slots else next(n for n in range(1, SLOTS + 1) if n not in taken)
            self._slots[instance] = (slot, address, port)
            self._open(slot, address, port)

    def move(self, address: str) -> None:
        """The machine of its instances has another address from now on."""
        with self._lock:
            self._slots = {instance: (slot, address, port) for instance, (slot, _, port) in self._slots.items()}
            if self._declared:
                self._open_all()

    def detach(self, instance: str, seconds: float) -> None:
        """Send it no more, and wait for those under way, as deregistration does."""
        with self._lock:
            if instance not in self._slots:
                return
            slot, _, _ = self._slots.pop(instance)
            server = f"instances/i{slot}"
            self._tell(f"set server {server} state drain")
            wait_until(lambda: not self._under_way(slot), seconds, pause=0.2)
            self._tell(f"set server {server} state maint", f"shutdown sessions server {server}")

    def _under_way(self, slot: int) -> int:
        header, *rows = self._tell("show stat").lstrip("# ").splitlines()
        columns = header.split(",")
        found = [dict(zip(columns, row.split(","), strict=False)) for row in rows if row]
        return sum(int(row["scur"]) for row in found if (row["pxname"], row["svname"]) == ("instances", f"i{slot}"))

    def remove(self) -> None:
        with self._lock:
            self._slots.clear()
            self._declared = None
            self._engine.remove(self._part)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
