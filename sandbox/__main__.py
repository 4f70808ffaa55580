"""``bin/sandbox start|run|stop|status``: AWS's control plane on this machine."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import urllib.parse
import warnings

from sandbox.core import daemon

# For moto, before it is imported.
MOTO = {
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",  # AWS's are there in every account
    "MOTO_DISABLE_GLOBAL_CORS": "true",  # no page in a browser may read what is here
    "MOTO_ACM_VALIDATION_WAIT": "1000000000",  # a certificate is not issued by waiting (sandbox/certificates.py)
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # a third of a second for each account and region, and nothing here asks for an image
}
# Where tools made for other emulators look, unless the address of the playbooks' sandbox is another one.
PORT = urllib.parse.urlsplit(os.environ.get("LITTLE_SERVICE_SANDBOX_URL") or "http://127.0.0.1:4566").port or 4566


def run(port: int, mode: str | None) -> int:
    # What the shell sets for clients, or for another moto, is not for this one: a missing AWS_PROFILE alone would stop it.
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ |= MOTO
    from sandbox.core import server  # noqa: PLC0415 the other verbs need not wait for moto
    from sandbox.live.engine import EngineError  # noqa: PLC0415 as above

    # An error's code that the service's model does not list, as many of AWS's own are not.
    warnings.filterwarnings("ignore", message=".*does not match an error shape", category=UserWarning)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if port and daemon.health(port):
        print(f"The sandbox already runs on http://127.0.0.1:{port}.")
        return 0
    try:
        listening = server.listen(port, mode or daemon.MODES[0])
    except EngineError as error:
        raise daemon.SandboxError(str(error)) from None
    print(f"The sandbox answers on http://127.0.0.1:{listening.server_port}. Its state is gone when it ends.", flush=True)
    server.run(listening)
    # Python would take seconds to take moto apart; all that there is to save is what was written to the log.
    sys.stdout.flush()
    logging.shutdown()
    os._exit(0)


def start(port: int, mode: str | None) -> int:
    said, new = daemon.start(port, mode)
    print(f"The sandbox {'was started' if new else 'runs'} on http://127.0.0.1:{port} ({described(said)}).")
    return 0


def stop(port: int, _: str | None) -> int:
    stopped = daemon.stop(port)
    print(f"The sandbox on port {port} is stopped, and its state is gone." if stopped else f"No sandbox runs on port {port}.")
    return 0


def status(port: int, _: str | None) -> int:
    said = daemon.health(port)
    if said and said["mode"] == "live":
        said["containers"] = daemon.page(port, "containers")
    print(json.dumps(said, indent=2) if said else f"No sandbox runs on port {port}. To start it: bin/sandbox start")
    return 0 if said else 3


def described(said: dict) -> str:
    return f"process {said['pid']}, mode {said['mode']}, clock {said['clock']['profile']}, since {said['started']}"


VERBS = {"start": start, "run": run, "stop": stop, "status": status}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/sandbox", description=__doc__)
    parser.add_argument("verb", choices=VERBS, help="start: in the background; run: in this terminal; stop; status")
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; with run, 0 takes a free one")
    parser.add_argument("--mode", choices=daemon.MODES, help="control (the default): records alone; live: containers too")
    options = parser.parse_args()
    try:
        return VERBS[options.verb](options.port, options.mode)
    except daemon.SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
