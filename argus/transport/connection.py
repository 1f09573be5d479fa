"""One connection with HTTP on it: opening it, and one request and reply at a time.

Writes requests; answers are read in `answer.py`. The waiting is the stream's.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from typing import Union

from argus.core.secret import Secret
from argus.core.verdicts import Reply
from argus.transport.answer import AnswerReader
from argus.transport.multipart import FileForm
from argus.transport.patience import Patience
from argus.transport.resolver import SocketAddress
from argus.transport.stream import Stream

_CONNECT_S = 3.0  # for each address of a host but the last
_PIECE_BYTES = 262_144

Body = Union[bytes, FileForm, None]
Headers = dict[str, Union[str, Secret]]


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
        self, method: str, target: str, headers: Headers, body: Body, patience: Patience
    ) -> Reply:
        """One request on the open stream, and the whole reply."""
        stream = self.stream
        assert stream is not None
        stream.patience = patience
        stream.sendall(_head(method, target, {**headers, **_body_headers(body)}))
        reader = AnswerReader(stream.receive)
        whole = _send_body(stream, reader, body)
        answer = reader.read()
        if answer.is_last or not whole:
            self.close()
        redirect = answer.headers.get("location", "") if 300 <= answer.status < 400 else None
        retry_after, date = answer.headers.get("retry-after"), answer.headers.get("date")
        return Reply(answer.status, answer.body, retry_after, redirect, date)


def _head(method: str, target: str, headers: Headers) -> bytes:
    """Raises ValueError where something could not be told from what comes after it."""
    if not all("!" <= char <= "~" for char in target):
        raise ValueError("a request target that HTTP cannot carry")
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers.items():
        text = value.reveal() if isinstance(value, Secret) else value
        if any(char < " " or char == "\x7f" for char in text):
            raise ValueError(f"{name} with characters that HTTP cannot carry")
        lines.append(f"{name}: {text}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _body_headers(body: Body) -> dict[str, str]:
    if isinstance(body, FileForm):
        return {"Content-Type": body.content_type, "Content-Length": str(body.size)}
    if body is not None:
        return {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return {}


def _send_body(stream: Stream, reader: AnswerReader, body: Body) -> bool:
    """Send the body. False where the server answered before it had all of it.

    A server that refuses a large body says so early and stops reading; its answer is worth more
    than the error that going on would end in.
    """
    for piece in _pieces(body):
        if reader.has_begun(stream.has_input):
            return False
        try:
            stream.sendall(piece)
        except TimeoutError:
            raise
        except OSError:  # TLS has errors of its own for a connection that ends
            if reader.has_begun(stream.has_input):
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


def open_tunnel(stream: Stream, target: str, authorization: Secret | None) -> None:
    """Ask the proxy at the other end for a way to `target` (RFC 9110, 9.3.6)."""
    headers: Headers = {"Host": target}
    if authorization is not None:
        headers["Proxy-Authorization"] = authorization
    stream.sendall(_head("CONNECT", target, headers))
    status = AnswerReader(stream.receive).read_head().status
    if status >= 300:
        raise ConnectionError(f"the proxy answered {status} to CONNECT")
