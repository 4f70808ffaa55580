"""The sandbox as an HTTP server."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.core.gateway import Sandbox


class Handler(MotoRequestHandler):
    """Quiet: the log of calls is the sandbox's own (``GET /_sandbox/calls``)."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            logging.getLogger("sandbox").error(message, *args)


def listen(port: int) -> BaseWSGIServer:
    """A server on this machine's own address; port 0 takes a free one."""
    sandbox = Sandbox()
    server = make_server("127.0.0.1", port, sandbox, threaded=True, request_handler=Handler)
    server.block_on_close = False  # a client that keeps its connection would keep the process
    sandbox.url = f"http://127.0.0.1:{server.server_port}"
    return server


def run(server: BaseWSGIServer) -> None:
    """Answer until SIGTERM or Ctrl-C."""

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()  # it waits for the loop that this signal interrupted

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
