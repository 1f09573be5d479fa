"""The bytes of one connection: read and written with a limit on how long each step may take.

Owns the socket and what was read ahead. What the bytes mean is decided elsewhere.
"""

from __future__ import annotations

import socket
import time

from argus.server.connections import FRESH, IN_HEAD, KEPT, LEAVING, TRANSFER, WORKING, Connection
from argus.server.head import Head, HeadFinder, parse_head

FIRST_BYTE_S = 10.0  # who connects has something to say
HEAD_S = 10.0  # for a whole head, however it is cut
IDLE_S = 120.0  # a reporter that is silent for longer connects again, unharmed
BODY_GRACE_S = 20.0  # and a second more for each
BODY_BYTES_PER_S = 4_096
SEND_S = 20.0  # for a whole reply
LINGER_S = 5.0

_READ_BYTES = 65_536


class ClientGoneError(ConnectionError):
    """The client closed, or fell silent, before its request was whole. Nobody waits for a reply."""


class Stream:
    """One connection. For its one thread; `connection` tells the others what it is doing."""

    def __init__(self, connection: Connection) -> None:
        self._socket = connection.socket
        self._connection = connection
        self._held = bytearray()
        self._body_began = 0.0
        self._body_bytes = 0

    @property
    def holds_input(self) -> bool:
        """Whether something was read that nobody has taken yet."""
        return bool(self._held)

    def read_head(self) -> Head:
        """The next head. Raises RefusalError, and ClientGoneError where there is no other."""
        if not self._held:
            wait_s = FIRST_BYTE_S if self._connection.phase == FRESH else IDLE_S
            self._held += self._receive(_READ_BYTES, time.monotonic() + wait_s)
        self._connection.enter(IN_HEAD)
        deadline = time.monotonic() + HEAD_S
        finder = HeadFinder()
        while (end := finder.end(self._held)) is None:
            self._held += self._receive(_READ_BYTES, deadline)
        raw = bytes(self._held[:end])
        del self._held[:end]
        self._connection.enter(WORKING)
        return parse_head(raw)

    def begin_body(self) -> None:
        """From now on the client must send at a certain pace."""
        self._body_began = time.monotonic()
        self._body_bytes = 0

    def read_body(self, size: int) -> bytes:
        """Up to `size` of the next bytes. Raises ClientGoneError, also at less than the pace."""
        if self._held:
            piece = bytes(self._held[:size])
            del self._held[:size]
        else:
            self._connection.enter(TRANSFER)
            allowed_s = BODY_GRACE_S + self._body_bytes / BODY_BYTES_PER_S
            piece = self._receive(size, self._body_began + allowed_s)
            self._connection.enter(WORKING)
        self._body_bytes += len(piece)
        return piece

    def send(self, data: bytes) -> None:
        """Send all of `data`. Raises OSError, also where that takes too long."""
        self._connection.enter(TRANSFER)
        self._socket.settimeout(SEND_S)
        self._socket.sendall(data)
        self._connection.enter(KEPT)

    def linger(self) -> None:
        """Read past what nobody wants. Closing with bytes unread would reset the connection, and
        the client might lose the reply that says why. Raises OSError."""
        self._connection.enter(LEAVING)
        self._socket.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + LINGER_S
        while (left_s := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            if not self._socket.recv(_READ_BYTES):
                return

    def _receive(self, size: int, deadline: float) -> bytes:
        left_s = deadline - time.monotonic()
        try:
            self._socket.settimeout(max(left_s, 0.001))  # 0 would not wait for what is there
            piece = self._socket.recv(size)
        except OSError as error:  # a timeout too
            raise ClientGoneError from error
        if not piece:
            raise ClientGoneError
        return piece
