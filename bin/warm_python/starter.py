"""Begins a warm server in the background, unless there is one by now or will soon be: docs/decisions/0007-warm-interpreter.md."""
# Many of these may run while the first server begins: pathlib alone would take longer than the rest.
# ruff: noqa: PTH100, PTH102, PTH120, S606

import _socket
import fcntl
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main(folder, name):
    if not os.path.lexists(folder):
        os.mkdir(folder, 0o700)
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET).connect_ex(f"{folder}/{name}") == 0:
        return
    os.setsid()
    if os.fork():
        return
    os.chdir("/")
    os.umask(0o077)
    # Pipes, as a module has them from Ansible: Python remembers of its streams whether they can seek.
    reader, writer = os.pipe()
    for number, handle in enumerate((reader, writer, writer)):
        os.dup2(handle, number)
    # Nothing of whoever happened to be first is kept open.
    os.closerange(3, lock)
    os.closerange(lock + 1, 65536)
    os.set_inheritable(lock, True)
    os.execv(sys.executable, [sys.executable, f"{HERE}/server.py", f"{folder}/{name}", str(lock)])


try:
    main(*sys.argv[1:])
except OSError:  # another has the lock, or there is no place for a socket; the script is run all the same
    os._exit(1)
