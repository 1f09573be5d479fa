"""One connection with HTTP on it: opening it, and one request and reply at a time.

`http.client` reads and writes the protocol; the waiting is the stream's.
"""

from __future__ import annotations

import http.client
import math
import socket
import ssl
from collections.abc import Iterator
from typing import Union

from argus.core.verdicts import Reply
from argus.transport.multipart import FileForm
from argus.transport.patience import Patience
from argus.transport.resolver import SocketAddress
from argus.transport.stream import Stream

MAX_ANSWER_BYTES = 4_194_304  # 500 results take 100 kB
_CONNECT_S = 3.0  # for each address of a host but the last
_PIECE_BYTES = 262_144

Body = Union[bytes, FileForm, None]


class Connection:
    """A stream with HTTP on it; closed and opened again as need be."""

    def __init__(self) -> None:
        self.stream: Stream | None = None

    def is_usable(self) -> bool:
        """Whether it is open, and the other side has neither closed it nor said something that
        nobody asked for."""
        return self.stream is not None and not self.stream.has_input()

    def close(self) -> None:
        """Close it; nothing where it is closed."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def exchange(
        self, method: str, target: str, headers: dict[str, str], body: Body, patience: Patience
    ) -> Reply:
        """One request on the open stream, and the whole reply."""
        stream = self.stream
        assert stream is not None
        stream.patience = patience
        wire = http.client.HTTPConnection("unused")
        wire.sock = _Lent(stream)
        wire.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {**headers, **_body_headers(body)}.items():
            wire.putheader(name, value)
        whole = _send_body(wire, stream, body)
        response = wire.getresponse()
        reply = _read_reply(response)
        if response.will_close or not whole:
            self.close()
        return reply


class _Lent:
    """A stream as `http.client` gets it. It closes its socket as soon as it has read the headers
    of a last answer, counting on the socket to live on in the file: ours is not its to close."""

    def __init__(self, stream: Stream) -> None:
        self.sendall = stream.sendall
        self.makefile = stream.makefile

    def close(self) -> None:
        """Nothing: the connection knows when to."""


def _read_reply(response: http.client.HTTPResponse) -> Reply:
    data = response.read(MAX_ANSWER_BYTES + 1)
    if len(data) > MAX_ANSWER_BYTES:
        raise http.client.HTTPException("an answer without end")
    if response.length:  # read() with a limit does not say so itself
        raise http.client.IncompleteRead(data, response.length)
    redirect = response.getheader("Location", "") if 300 <= response.status < 400 else None
    return Reply(response.status, data, response.getheader("Retry-After"), redirect)


def _body_headers(body: Body) -> dict[str, str]:
    if isinstance(body, FileForm):
        return {"Content-Type": body.content_type, "Content-Length": str(body.size)}
    if body is not None:
        return {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return {}


def _send_body(wire: http.client.HTTPConnection, stream: Stream, body: Body) -> bool:
    """Send headers and body. False where the server answered before it had all of it.

    A server that refuses a large body says so early and stops reading; its answer is worth more
    than the error that going on would end in.
    """
    wire.endheaders()
    for piece in _pieces(body):
        if stream.has_input():
            return False
        try:
            stream.sendall(piece)
        except (ConnectionError, ssl.SSLError):
            if stream.has_input():
                return False
            raise
    return True


def _pieces(body: Body) -> Iterator[bytes | memoryview]:
    if isinstance(body, FileForm):
        yield from body.chunks()
    elif body is not None:
        view = memoryview(body)
        for start in range(0, len(view), _PIECE_BYTES):
            yield view[start : start + _PIECE_BYTES]


def open_stream(addresses: list[SocketAddress], patience: Patience) -> Stream:
    """A connection to the first address that takes one."""
    problem: OSError = OSError("the host has no address")
    for number, (family, address) in enumerate(addresses, 1):
        patience.next_slice_s()
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # no IPv6 on this machine
            problem = error
            continue
        stream = Stream(sock, patience)
        try:
            stream.connect(address, math.inf if number == len(addresses) else _CONNECT_S)
            return stream
        except OSError as error:
            stream.close()
            problem = error
    raise problem


def open_tunnel(stream: Stream, target: str, authorization: str | None) -> None:
    """Ask the proxy at the other end for a way to `target` (RFC 9110, 9.3.6)."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if authorization:
        lines.append(f"Proxy-Authorization: {authorization}")
    stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    response = http.client.HTTPResponse(stream, method="CONNECT")  # type: ignore[arg-type]
    response.begin()
    if not 200 <= response.status < 300:
        raise ConnectionError(f"the proxy answered {response.status} to CONNECT")
