"""Host names to addresses, without the wait that `getaddrinfo` cannot be woken from.

The system's resolver may hang for half a minute. It is asked in a thread of its own, of which there
is one at a time, and none for an address that is a number.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - the first look-up would import it, while a fork may come
import queue
import socket
import threading
from typing import Any, NamedTuple

from argus.transport.patience import Patience


class SocketAddress(NamedTuple):
    """What a socket needs to connect."""

    family: int
    address: tuple[Any, ...]


class Resolver:
    """Looks names up for one client."""

    def __init__(self) -> None:
        self._pending: _Lookup | None = None

    def lookup(self, host: str, port: int, patience: Patience) -> list[SocketAddress]:
        """The addresses of `host`, best first. Raises OSError, TimeoutError included."""
        if _is_number(host):
            return _ask(host, port, socket.AI_NUMERICHOST)
        if self._pending is None or self._pending.question != (host, port):
            self._pending = _Lookup(host, port)
        answer = self._pending.wait(patience)
        self._pending = None
        if isinstance(answer, OSError):
            raise answer
        return answer


class _Lookup:
    """One question on its way. It outlives the patience of whoever asked."""

    def __init__(self, host: str, port: int) -> None:
        self.question = (host, port)
        self._answers: queue.SimpleQueue[list[SocketAddress] | OSError] = queue.SimpleQueue()
        thread = threading.Thread(target=self._run, name="argus-resolver", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the interpreter is shutting down, or out of threads
            self._answers.put(OSError(f"{host} cannot be looked up: {error}"))

    def wait(self, patience: Patience) -> list[SocketAddress] | OSError:
        while True:
            try:
                return self._answers.get(timeout=patience.next_slice_s())
            except queue.Empty:
                pass

    def _run(self) -> None:
        try:
            self._answers.put(_ask(*self.question, 0))
        except OSError as error:
            self._answers.put(error)
        except UnicodeError:  # a label too long or empty for IDNA
            self._answers.put(OSError("the host name cannot be a host name"))


def _ask(host: str, port: int, flags: int) -> list[SocketAddress]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [SocketAddress(family, address) for family, _, _, _, address in found]


def _is_number(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
