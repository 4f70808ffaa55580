"""The sandbox as an HTTP server."""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.core.gateway import Sandbox


class Handler(MotoRequestHandler):
    """Quiet: the log of calls is the sandbox's own (``GET /_sandbox/calls``)."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            logging.getLogger("sandbox").error(message, *args)


TICK = 0.25  # seconds; a live sandbox goes on when nobody asks


def listen(port: int, mode: str = "control") -> BaseWSGIServer:
    """A server on this machine's own address; port 0 takes a free one."""
    sandbox = Sandbox()
    server = serve(sandbox, "127.0.0.1", port)
    sandbox.url = f"http://127.0.0.1:{server.server_port}"
    if mode == "live":
        from sandbox.live.engine import Engine  # noqa: PLC0415 who does not need it need not have it

        sandbox.mode, sandbox.live = mode, Engine(server.server_port)
        gateway = sandbox.live.start()
        # The containers reach it by the address that this machine has in their network.
        inside = serve(sandbox, gateway, server.server_port)
        sandbox.url_inside = sandbox.live.url
        threading.Thread(target=inside.serve_forever, daemon=True).start()
        threading.Thread(target=tick, args=[sandbox], daemon=True).start()
    return server


def serve(sandbox: Sandbox, address: str, port: int) -> BaseWSGIServer:
    server = make_server(address, port, sandbox, threaded=True, request_handler=Handler)
    server.block_on_close = False  # a client that keeps its connection would keep the process
    return server


def tick(sandbox: Sandbox) -> None:
    """Let what is due happen, as it does for a request."""
    while True:
        time.sleep(TICK)
        with sandbox.lock:
            sandbox.clock.run_due()


def run(server: BaseWSGIServer) -> None:
    """Answer until SIGTERM or Ctrl-C; what a live one started goes with it."""

    ending = threading.Lock()

    def end() -> None:
        if ending.acquire(blocking=False):  # once
            try:
                if server.app.live:
                    server.app.live.stop()  # while the port is still held: who stops the sandbox waits for that
            finally:
                server.shutdown()

    def stop(*_: object) -> None:
        threading.Thread(target=end).start()  # it waits for the loop that this signal interrupted

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
