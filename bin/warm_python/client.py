"""Has the warm server run a script; where that cannot be, the real Python runs it: docs/decisions/0007-warm-interpreter.md."""
# pathlib, contextlib, socket and hashlib cost 20 ms, more than all of this takes; so it does with what they stand on.
# ruff: noqa: PTH100, PTH115, PTH116, PTH120, PTH123, PTH208

import _blake2
import _signal
import _socket
import marshal
import os
import select
import stat
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# What Python and its libraries read only when they start: whoever differs in it has another server.
READ_ONCE = ("HOME", "LANG", "TZ", "PYTHON", "LC_", "LD_", "GLIBC_", "MALLOC_", "OPENSSL_", "BOTO_", "WARM_PYTHON_")
RELAYED = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM, _signal.SIGUSR1, _signal.SIGUSR2)


def connect(words):
    """A connection to a fork that waits for a request, and its pidfd."""
    is_script = words[0].endswith(".py") if words else not os.isatty(0)
    # What another user can change is not kept running; that is the case under Ansible's `become`.
    if not is_script or os.stat(HERE).st_uid != os.getuid():
        raise PermissionError(HERE)
    environment = {name: value for name, value in os.environ.items() if name.startswith(READ_ONCE)}
    folder, name = socket_place(environment)
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    server.settimeout(5)
    try:
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(folder)
        server.connect(f"{folder}/{name}")
    except (FileNotFoundError, ConnectionRefusedError):
        starter = [sys.executable, "-I", "-S", f"{HERE}/starter.py", folder, name]
        os.waitpid(os.posix_spawn(sys.executable, starter, environment), 0)
        raise
    fork = os.pidfd_open(int(server.recv(16)))
    server.settimeout(None)
    return server, fork


def socket_place(environment):
    """The folder and the name, which tells apart whatever a process has from its parent."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if not base or os.stat(base).st_uid != os.getuid():  # `su` hands on that of another user
        base = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 # `connect` refuses what others may have put there
    spaces = [os.readlink(f"/proc/self/ns/{name}") for name in sorted(os.listdir("/proc/self/ns"))]
    rights = os.getuid(), os.getgid(), sorted(os.getgroups()), os.nice(0), sorted(os.sched_getaffinity(0))
    with open("/proc/self/limits") as limits:
        facts = repr((sys.executable, HERE, spaces, rights, limits.read(), sorted(environment.items())))
    return f"{base}/little-service-{os.getuid()}", _blake2.blake2b(facts.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def run(words, server, fork):
    """The script's exit status, or minus the signal that ended it; None where it did not begin."""
    # Signals by a pipe: a handler in Python would not run where its signal comes just before a call that waits.
    signals, writer = os.pipe()
    os.set_blocking(writer, False)
    _signal.set_wakeup_fd(writer)
    for number in RELAYED:
        _signal.signal(number, lambda *_: None)
    os.umask(mask := os.umask(0))
    request = marshal.dumps(([os.fsencode(word) for word in words], dict(os.environb), mask))
    handles = b"".join(handle.to_bytes(4, sys.byteorder) for handle in (0, 1, 2, os.open(".", os.O_PATH)))
    server.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handles)])
    answer = wait(server, signals, fork)
    if not answer:
        print("warm-python: the script was killed, and its server with it. Run the playbook again.", file=sys.stderr)
    return None if answer == b"cold" else int(answer or b"1")


def wait(server, signals, fork):
    events = select.poll()
    events.register(server, select.POLLIN)
    events.register(signals, select.POLLIN)
    try:
        while [handle for handle, _ in events.poll()] == [signals]:
            for number in os.read(signals, 64):
                _signal.pidfd_send_signal(fork, number)
    except ProcessLookupError:
        pass  # the fork has just ended
    try:
        return server.recv(16)
    except OSError:
        return b""


try:
    status = run(sys.argv[1:], *connect(sys.argv[1:]))
except Exception:  # whatever it is: nothing was begun
    status = None
if status is None:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])  # noqa: S606
if status < 0:
    if status != -_signal.SIGKILL:
        _signal.signal(-status, _signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
