"""A connected socket on which every wait is short, and all of them share one deadline.

A server that sends a byte a second does not get past the deadline, as it does with a socket's own
timeout. TLS, in `tls.py`, changes only what is waited for.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections.abc import Callable
from typing import Any, TypeVar

from argus.transport.patience import Patience

# epoll would cost a descriptor for each connection, and one socket needs no more than poll.
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)
_Result = TypeVar("_Result")
_MOST_AT_ONCE = 65_536


class Stream:
    """Wraps a socket. `patience` is that of the exchange at hand, and changes with it."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._selector = _Selector()
        self._selector.register(sock, selectors.EVENT_READ)
        self._ahead: bytes | None = None  # a byte that `has_input` has read; empty: the end
        self.patience = patience

    def connect(self, address: tuple[Any, ...], limit_s: float) -> None:
        """Connect to a numeric address. Raises OSError where nobody takes the connection, also
        after `limit_s` if the deadline is not sooner."""
        problem = self._sock.connect_ex(address)
        if problem in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._wait(selectors.EVENT_WRITE, self.patience.part(limit_s))
            problem = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, os.strerror(problem))
        # A request is sent in two pieces; they must not wait for each other's acknowledgement.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def sendall(self, data: bytes | memoryview) -> None:
        """Send all of `data`."""
        view = memoryview(data)
        while view:
            sent = self._retrying(lambda: self._sock.send(view), selectors.EVENT_WRITE)  # noqa: B023
            view = view[sent:]

    def receive(self) -> bytes:
        """What has come, at least a byte; none at the end."""
        ahead = self._ahead
        if ahead is not None:
            self._ahead = None if ahead else ahead  # the end is not used up
            return ahead
        return self._retrying(lambda: self._sock.recv(_MOST_AT_ONCE), selectors.EVENT_READ)

    def has_input(self) -> bool:
        """Whether the other side has said something, or has ended the connection.

        Only reading tells: a TLS server sends tickets of its own accord, which are no input.
        """
        if self._ahead is None:
            try:
                self._ahead = self._sock.recv(1)
            except OSError as error:
                if self._awaited(error, selectors.EVENT_READ) is not None:
                    return False
                self._ahead = b""
        return True

    def certificate(self) -> dict[str, Any]:
        """What the other side has proved to be, as `ssl` tells it. Nothing without TLS."""
        return {}

    def release(self) -> socket.socket:
        """Give the socket away; the stream is of no more use."""
        self._selector.close()
        return self._sock

    def close(self) -> None:
        """Close the connection."""
        self._selector.close()
        self._sock.close()

    def _retrying(self, action: Callable[[], _Result], event: int) -> _Result:
        while True:
            # Also where nothing needs to be waited for: some servers never stop sending.
            self.patience.next_slice_s()
            try:
                return action()
            except OSError as error:
                awaited = self._awaited(error, event)
                if awaited is None:
                    raise
            self._wait(awaited, self.patience)

    def _awaited(self, error: OSError, event: int) -> int | None:
        """What to wait for, where `error` only says that it is too early for `event`."""
        return event if isinstance(error, (BlockingIOError, InterruptedError)) else None

    def _wait(self, event: int, patience: Patience) -> None:
        self._selector.modify(self._sock, event)
        while not self._selector.select(patience.next_slice_s()):
            pass
