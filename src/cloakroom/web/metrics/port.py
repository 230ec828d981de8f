"""Show metrics on a port of the loopback address, from a thread of its own."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

from cloakroom.web.metrics.counters import Metrics

METRICS_HOST: Final = "127.0.0.1"
"""Metrics are shown on the machine itself and nowhere else."""


def show_metrics(metrics: Metrics, listening: socket.socket) -> None:
    """Show `metrics` on a listening socket as long as the process lives, whatever path is asked for."""

    class Page(BaseHTTPRequestHandler):
        timeout = 5.0

        def do_GET(self) -> None:
            body = metrics.render().encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the library
            """Write nothing."""

    server = HTTPServer(listening.getsockname(), Page, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
