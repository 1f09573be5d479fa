"""What is said on one connection: each request is judged, routed and answered, in turn.

What may be asked, and by whom, is decided elsewhere; bytes and waiting are the stream's.
"""

from __future__ import annotations

import logging
import sys
import time
from email.utils import formatdate
from typing import NamedTuple, Optional

from argus.core.secret import Secret
from argus.server.access import Hosts, check_origin, check_token
from argus.server.body import Body, check_expectation, content_length
from argus.server.caching import conditional
from argus.server.connections import Connection
from argus.server.head import Head
from argus.server.reply import RefusalError, Reply, Streamed, reply_bytes, streamed_head
from argus.server.request import Request
from argus.server.routes import House, find_route
from argus.server.stream import ClientGoneError, Stream

_log = logging.getLogger("argus.server")


class Service(NamedTuple):
    """What every connection is answered from."""

    house: House
    hosts: Hosts
    token: Optional[Secret]
    verbose: bool


def converse(service: Service, connection: Connection) -> None:
    """Answer what comes on a connection until one side has enough."""
    stream = Stream(connection)
    try:
        while Exchange(service, stream, connection.peer).is_followed():
            pass
    except OSError:  # the client's doing, or the network's: nobody is there to be told
        pass


class Exchange:
    """One request and its reply."""

    def __init__(self, service: Service, stream: Stream, peer: str) -> None:
        self._service = service
        self._stream = stream
        self._peer = peer
        self._head: Head | None = None
        self._body: Body | None = None
        self._began = time.monotonic()

    def is_followed(self) -> bool:
        """Carry it out; whether another can follow. Raises OSError where the client is gone."""
        try:
            reply = self._reply()
        finally:
            if self._body is not None:
                self._body.forget()
        # Behind a body that was not read, or a head that was not understood, stands no request.
        left_over = self._body is None or self._body.unread > 0
        last = left_over or self._head is None or not self._head.keeps_alive
        with_body = self._head is None or self._head.method != "HEAD"
        if isinstance(reply.body, Streamed) and self._head is not None:
            last = self._send_streamed(self._head, reply, reply.body, last)
        else:
            self._stream.send(reply_bytes(reply, formatdate(usegmt=True), last, with_body))
        if self._service.verbose:
            self._tell(reply.status, time.monotonic() - self._began)
        if left_over:
            self._stream.linger()
        return not last

    def _send_streamed(self, head: Head, reply: Reply, body: Streamed, last: bool) -> bool:
        """Send a body as it is made; whether the connection ends with it, as it must where the
        client knows no chunks. Raises OSError."""
        chunked = not head.is_http_1_0
        last = last or not chunked
        date = formatdate(usegmt=True)
        try:
            self._stream.send(streamed_head(reply, body.content_type, date, last, chunked))
            if head.method != "HEAD":
                for chunk in body.chunks:
                    self._stream.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
                if chunked:
                    self._stream.send(b"0\r\n\r\n")
        finally:
            close = getattr(body.chunks, "close", None)
            if close is not None:
                close()
        return last

    def _reply(self) -> Reply:
        """The reply to the request. The one place where any error becomes a reply."""
        try:
            self._head = self._stream.read_head()
            self._began = time.monotonic()
            check_expectation(self._head)
            length = content_length(self._head)
            self._body = Body(self._stream.read_body, length, self._begin_body)
            return self._endpoint_reply(self._head, self._body)
        except RefusalError as refusal:
            return refusal.reply
        except ClientGoneError:
            raise
        except OSError as error:
            _log.warning("%s: %s", self._asked(), error)
            return Reply(500, {"detail": f"internal: {error}"})
        except Exception:
            _log.exception("%s", self._asked())
            return Reply(500, {"detail": "internal: see the monitor's log"})

    def _endpoint_reply(self, head: Head, body: Body) -> Reply:
        service = self._service
        service.hosts.check(head)
        check_origin(head)
        route, ids = find_route(head.method, head.path)
        if not route.is_open:
            check_token(head, service.token)
        request = Request(head, body, ids, time.time())
        return conditional(route.endpoint(service.house, request), head)

    def _begin_body(self) -> None:
        """Ask for the body where the client waits for that: only once the rest is good."""
        self._stream.begin_body()
        if self._head is not None and self._head.expects_continue and not self._stream.holds_input:
            self._stream.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _asked(self) -> str:
        return "?" if self._head is None else f"{self._head.method} {self._head.path!a}"

    def _tell(self, status: int, spent_s: float) -> None:
        print(f"{self._peer} {self._asked()} {status} {spent_s * 1e3:.1f} ms", file=sys.stderr)
