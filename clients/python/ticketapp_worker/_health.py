"""Readiness and liveness over HTTP, as the other workers have them: /health and /alive."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Callable, List, Optional

REQUEST_LIMIT = 5.0


class HealthServer(ThreadingMixIn, TCPServer):
    """Answers probes in threads of its own, until the process ends.

    :param address: where it listens: ``host:port`` or ``[host]:port``; port 0 is any.
    :param is_alive: whether the worker makes progress; if not, it has to be started again.
    :param defects: why it cannot work now, in lines.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: str, is_alive: Callable[[], bool], defects: Callable[[], List[str]]) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise SystemExit(f"Worker__HealthAddress is no address, as in 0.0.0.0:8080: {address}")
        self.is_alive, self.defects = is_alive, defects
        if host.startswith("["):
            host, self.address_family = host.strip("[]"), socket.AF_INET6
        try:
            super().__init__((host, int(port)), Probe)
        except OSError as error:
            raise SystemExit(f"Worker__HealthAddress: cannot listen at {address} ({error.strerror or error})") from error
        threading.Thread(target=self.serve_forever, name="health", daemon=True).start()

    @classmethod
    def at(cls, address: Optional[str], is_alive: Callable[[], bool], defects: Callable[[], List[str]]) -> Optional[HealthServer]:
        """One that listens there; None if no address is set."""
        return cls(address, is_alive, defects) if address else None

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that goes away does not concern the worker."""


class Probe(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = REQUEST_LIMIT

    def version_string(self) -> str:
        return "ticketapp_worker"

    def do_GET(self) -> None:
        if self.path not in ("/health", "/alive"):
            self.answer(404, "Not found")
            return
        lines = [] if self.server.is_alive() else ["worker: it makes no progress"]
        if self.path == "/health":
            lines += self.server.defects()
        self.answer(503 if lines else 200, "\n".join(["Unhealthy" if lines else "Healthy", *lines]))

    do_HEAD = do_GET

    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes come every few seconds: nothing to say of them."""
