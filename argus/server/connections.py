"""The open connections, and which of them ends where there are too many.

A connection costs a thread, so their number is bounded; but whoever is silent must not keep out
whoever has something to report. So nobody is turned away: the one that can best be missed goes.
"""

from __future__ import annotations

import socket
import threading
import time

# What a connection is doing, the one that can best be missed first.
LEAVING = 0  # it has had its last reply
FRESH = 1  # it has not sent a byte yet
IN_HEAD = 2  # it has begun a request
KEPT = 3  # it has had a reply, and may have more to ask
TRANSFER = 4  # a body comes in, or a reply goes out
WORKING = 5  # its request is being answered: it is never ended


class Connection:
    """One open connection, and what it is doing since when."""

    def __init__(self, sock: socket.socket, peer: str) -> None:
        self.socket = sock
        self.peer = peer
        self.phase = FRESH
        self.since = time.monotonic()

    def enter(self, phase: int) -> None:
        """Note that something else begins."""
        if min(phase, self.phase) < TRANSFER:  # a request counts from the end of its head
            self.since = time.monotonic()
        self.phase = phase

    def end(self) -> None:
        """Make the thread of the connection find it closed. Any thread may call this."""
        _shut(self.socket, socket.SHUT_RDWR)

    def end_after_request(self) -> None:
        """Let it finish the request that it has. Any thread may call this."""
        _shut(self.socket, socket.SHUT_RD)


class Connections:
    """All of them, for any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[Connection] = set()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> bool:
        """Take one more in, ending another where there are too many. False where none can go."""
        with self._changed:
            if len(self._open) >= self._most and not self._evict():
                return False
            self._open.add(connection)
            return True

    def make_room(self) -> None:
        """End the connection that can best be missed."""
        with self._changed:
            self._evict()

    def discard(self, connection: Connection) -> None:
        """Forget one that has ended."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def end_all(self, within_s: float) -> None:
        """Let each finish the request it has, then end; after so long, end it as it is."""
        with self._changed:
            for connection in self._open:
                connection.end_after_request()
            self._changed.wait_for(lambda: not self._open, within_s)
            for connection in self._open:
                connection.end()

    def _evict(self) -> bool:
        idle = [each for each in self._open if each.phase != WORKING]
        if not idle:
            return False
        missed_least = min(idle, key=lambda each: (each.phase, each.since))
        missed_least.end()
        self._open.discard(missed_least)  # its thread ends as soon as it runs
        return True


def _shut(sock: socket.socket, how: int) -> None:
    try:
        sock.shutdown(how)
    except OSError:
        pass  # the client was faster
