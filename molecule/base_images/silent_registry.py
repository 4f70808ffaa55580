"""A registry that greets whoever calls, and then says nothing: to time it out is the caller's business."""

import http.server
import threading


class Silent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/v2/":
            threading.Event().wait()
        self.send_response(200)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self):
        print(self.path, flush=True)
        threading.Event().wait()


http.server.ThreadingHTTPServer(("127.0.0.1", 5000), Silent).serve_forever()
