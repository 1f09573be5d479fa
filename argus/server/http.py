"""The thin shell around the routes: connections, threads, reading requests, writing replies.

One thread for each connection. What may be asked, and by whom, is decided elsewhere.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any, BinaryIO, cast

from argus.core.secret import Secret
from argus.core.settings import is_loopback
from argus.server.access import check_host, check_origin, check_token
from argus.server.body import Body, ClientGoneError, content_length
from argus.server.reply import RefusalError, Reply, reply_bytes
from argus.server.routes import Request, find_route
from argus.server.store import Store

_IDLE_S = 120.0  # a reporter that is silent for longer connects again, unharmed
_MAX_CONNECTIONS = 512
_LINGER_S = 5.0

_log = logging.getLogger("argus.server")


class MonitorServer(socketserver.ThreadingTCPServer):
    """The listening socket and the open connections."""

    daemon_threads = True  # closing waits for the connections itself, and not for ever
    block_on_close = False
    request_queue_size = 128  # a hundred reporters may come back at once after a restart
    allow_reuse_address = os.name != "nt"  # there it would let two monitors share a port

    def __init__(
        self, host: str, port: int, store: Store, token: Secret | None, verbose: bool
    ) -> None:
        """Listen. Raises OSError where host or port cannot be had."""
        self.store = store
        self.token = token
        self.verbose = verbose
        self.on_loopback = is_loopback(host)
        self._connections: set[socket.socket] = set()
        self._connections_changed = threading.Condition()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._wake, self._waker = socket.socketpair()
        super().__init__((host, port), Handler)

    def serve_until_stopped(self) -> None:
        """Accept connections. `serve_forever` would look twice a second whether to go on."""
        self.socket.settimeout(1.0)  # a client that is gone between select and accept
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while not any(key.fileobj is self._wake for key, _ in selector.select()):
                self.handle_request()

    def stop_accepting(self) -> None:
        """Make `serve_until_stopped` return. Any thread may call this."""
        self._waker.close()  # the other end becomes readable

    def end_connections(self, within_s: float) -> None:
        """Let each connection finish the request it has, then end; wait so long at most."""
        with self._connections_changed:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    continue  # the client was faster
            self._connections_changed.wait_for(lambda: not self._connections, within_s)

    def server_close(self) -> None:
        """Close what is listened on."""
        super().server_close()
        self._wake.close()
        self._waker.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a new connection its thread."""
        with self._connections_changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has ended."""
        super().shutdown_request(request)
        with self._connections_changed:
            self._connections.discard(request)
            self._connections_changed.notify_all()

    def verify_request(self, _request: Any, _client_address: Any) -> bool:
        """Whether there is room for one more connection."""
        with self._connections_changed:
            return len(self._connections) < _MAX_CONNECTIONS

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """A connection ended badly: worth a word only where it was not the client's doing."""
        if not isinstance(sys.exc_info()[1], OSError):
            _log.exception("a connection failed")


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    disable_nagle_algorithm = True
    server: MonitorServer
    _body: Body | None = None

    def _serve(self) -> None:
        began = time.monotonic()
        try:
            reply = self._reply()
        except ClientGoneError:
            self.close_connection = True
            return
        left_over = self._body is None or self._body.unread > 0
        if left_over:
            self.close_connection = True
        self._send(reply)
        if self.server.verbose:
            self._log_request(reply.status, time.monotonic() - began)
        if left_over:
            self._linger()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _reply(self) -> Reply:
        """The reply to the request. The one place where any error becomes a reply."""
        self._body = None
        try:
            length = content_length(self.headers)
            self._body = Body(cast(BinaryIO, self.rfile), length, self._invite_body)
            return self._endpoint_reply(self._body)
        except RefusalError as refusal:
            return refusal.reply
        except ClientGoneError:
            raise
        except OSError as error:
            _log.warning("%s %s: %s", self.command, ascii(self.path), error)
            return Reply(500, {"detail": f"internal: {error}"})
        except Exception:
            _log.exception("%s %s", self.command, ascii(self.path))
            return Reply(500, {"detail": "internal: see the monitor's log"})

    def _endpoint_reply(self, body: Body) -> Reply:
        server = self.server
        check_host(self.headers, server.on_loopback)
        check_origin(self.headers, self.command)
        route, ids = find_route(self.command, self.path)
        if not route.is_open:
            check_token(self.headers, server.token)
        return route.endpoint(server.store, Request(self.headers, body, ids, time.time()))

    def _send(self, reply: Reply) -> None:
        with_body = self.command != "HEAD"
        self.wfile.write(
            reply_bytes(reply, self.date_time_string(), self.close_connection, with_body)
        )

    def _linger(self) -> None:
        """Read past a body that nobody wants. Closing with bytes unread would reset the
        connection, and the client might lose the reply that says why."""
        self.connection.shutdown(socket.SHUT_WR)
        until = time.monotonic() + _LINGER_S
        while (left_s := until - time.monotonic()) > 0:
            self.connection.settimeout(left_s)
            if not self.connection.recv(65_536):
                return

    def handle_expect_100(self) -> bool:
        """Say nothing yet: the body is asked for only once the rest of the request is good."""
        return True

    def _invite_body(self) -> None:
        if (self.headers.get("Expect") or "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is not even HTTP. The base class would send a page."""
        self.close_connection = True
        self._send(Reply(code, {"detail": message or explain or "bad request"}))

    def _log_request(self, status: int, spent_s: float) -> None:
        print(
            f"{self.client_address[0]} {self.command} {self.path!a} {status} {spent_s * 1e3:.1f} ms",
            file=sys.stderr,
        )

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The base class would tell of every request."""
