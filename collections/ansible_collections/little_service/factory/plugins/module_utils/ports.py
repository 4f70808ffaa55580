# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which port of this machine a service's page gets. A service keeps its port for life."""

from __future__ import annotations

import contextlib
import errno
import pathlib
import socket

FIRST = 88
NEXT = 8001

# Ports that browsers refuse to open: https://fetch.spec.whatwg.org/#port-blocking
BLOCKED_BY_BROWSERS = frozenset(
    (
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
        109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526,
        530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045,
        4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    )
)  # fmt: skip


class PortRefused(ValueError):
    """A port that cannot be used. Its text says why and what to type."""


def is_free(port: int) -> bool:
    """Whether nothing on this machine listens there. Having no right to bind a low port is not a sign of use."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def holder(port: int) -> str:
    """What listens on a port of this machine, in words; as much as this user may know."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                # Fields and states: https://docs.kernel.org/networking/proc_net_tcp.html (0A is listening)
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(file.readlink()) in inodes for file in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return "a program of another user"


def requested(value: object, taken: dict[int, str]) -> int:
    """The port that was asked for.

    :param taken: the port of each other service of this machine, with the service's name.
    :raises PortRefused: not a port, blocked by browsers, or another service's.
    """
    try:
        port = int(str(value))
    except ValueError:
        raise PortRefused(f"service_port is {value!r}, not a number. Type for example: -e service_port={NEXT}") from None
    if not 1 <= port <= 65535:
        raise PortRefused(f"service_port is {port}; a port lies between 1 and 65535.")
    if port in BLOCKED_BY_BROWSERS:
        raise PortRefused(f"service_port {port} is one that browsers refuse to open. Take {NEXT} or above.")
    if port in taken:
        raise PortRefused(f"service_port {port} is that of the service {taken[port]}. Leave it out to get a free one.")
    return port


def choose(taken: dict[int, str]) -> int:
    """88 for the first service, then the first from 8001 up that no service has and nothing listens on."""
    if not taken and is_free(FIRST):
        return FIRST
    for port in range(NEXT, 65536):
        if port not in taken and port not in BLOCKED_BY_BROWSERS and is_free(port):
            return port
    raise PortRefused("No port from 8001 to 65535 is free on this machine.")
