# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An image from a registry, or why it gave none. One that takes the call and then says nothing must not hold a run up."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess

# The engine waits 15 s for a registry's greeting and for ever for what follows it. To a terminal the client shows each part of a
# layer that arrives, so there silence means that nothing does.
SILENCE = 60.0  # seconds, once an image comes


def pull(reference: str, patience: float) -> str:
    """Pull an image; returns the reason where it could not be got, and nothing where it is here.

    :param patience: seconds until the registry must have said what it has.
    """
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as shown:
        command = ["docker", "pull", reference]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE, text=True, errors="replace")
        os.close(theirs)
        with process:
            waited = _silent(shown, patience)
            if waited:
                process.kill()  # the engine gives up with it
                return f"{reference}: the registry said nothing for {waited:.0f} s"
            errors = process.stderr.read().strip()
    return (errors or f"docker pull ended with {process.returncode}") if process.returncode else ""


def _silent(shown, patience: float) -> float:
    """Read to the end; returns how long nothing came, where that was too long."""
    with contextlib.suppress(OSError):  # the end of a terminal, once the last that writes to it is gone
        while select.select([shown], [], [], patience)[0]:
            if not shown.read(65536):
                return 0
            patience = SILENCE
        return patience
    return 0
