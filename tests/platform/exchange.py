"""One request and its answer on one connection: reads the one, writes the other, or breaks off.

Owns the byte streams and nothing else. What is answered is decided by `behaviour.py`, how it goes
wrong by `faults.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable

from tests.platform.http_wire import (
    Answer,
    Head,
    WireError,
    format_answer,
    parse_head,
    split_chunk_size,
)
from tests.platform.ledger import Entry

_PIECE = 64 << 10
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next head; None where the client has closed the connection instead."""
    try:
        return parse_head(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise WireError("the connection ended within a head") from None
        return None
    except asyncio.LimitOverrunError:
        raise WireError("the head has no end") from None


class Exchange:
    """`changed` is called after each change of the entry that a test can wait for."""

    def __init__(
        self,
        entry: Entry,
        changed: Callable[[], None],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.head = entry.head
        self.entry = entry
        self._changed = changed
        self._reader = reader
        self._writer = writer
        self._broken_off = False
        self._body_left = self.head.chunked or self.head.body_bytes > 0

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on this connection."""
        return self.head.keep_alive and not self._broken_off and not self._body_left

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the body, each counted as it comes."""
        if not self._body_left:
            return
        if "100-continue" in self.head.headers.get("expect", "").lower():
            await self.send_bytes(b"HTTP/1.1 100 Continue\r\n\r\n")
        pieces = self._chunks() if self.head.chunked else self._exactly(self.head.body_bytes)
        async for piece in pieces:
            self.entry.body_bytes += len(piece)
            yield piece
        self._body_left = False
        self._changed()

    async def read_body(self) -> bytes:
        return b"".join([piece async for piece in self.body()])

    async def discard_body(self) -> None:
        async for _ in self.body():
            pass

    async def read_some(self, count: int) -> None:
        """Reads so many bytes of the body, and leaves the rest for ever."""
        async for piece in self._exactly(count):
            self.entry.body_bytes += len(piece)
        self._broken_off = True

    async def send(self, answer: Answer, *, close: bool = False) -> None:
        self.say(answer.status)
        await self.send_bytes(format_answer(answer, close=close or not self.head.keep_alive))
        if close:
            self.close()

    def say(self, status: int) -> None:
        """Logs what is answered, before it can be seen on the other side."""
        self.entry.status = status
        self._changed()

    async def send_bytes(self, raw: bytes) -> None:
        self._writer.write(raw)
        await self._writer.drain()

    async def client_gone(self) -> None:
        """Waits until the client has closed its side."""
        while await self._reader.read(_PIECE):
            pass

    async def stop_reading(self) -> None:
        """Leaves the client alone for ever, with its connection open."""
        self._broken_off = True
        await stop_reading(self._writer)

    def close(self) -> None:
        """After this answer the connection ends in good order."""
        self._broken_off = True

    def reset(self) -> None:
        """RST instead of FIN: without lingering, the kernel throws away what is unsent."""
        self._broken_off = True
        reset(self._writer)

    async def _exactly(self, count: int) -> AsyncIterator[bytes]:
        while count:
            piece = await self._reader.read(min(count, _PIECE))
            if not piece:
                raise WireError("the connection ended within a body")
            count -= len(piece)
            yield piece

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            size = split_chunk_size(await self._reader.readline())
            async for piece in self._exactly(size):
                yield piece
            if size == 0:
                while await self._reader.readline() not in (b"\r\n", b""):
                    pass  # trailers
                return
            await self._reader.readline()


def reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


async def stop_reading(writer: asyncio.StreamWriter) -> None:
    """Reads no byte more, and keeps the connection until its task is cancelled."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()
