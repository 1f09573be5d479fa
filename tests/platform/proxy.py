"""A forward proxy: absolute-form HTTP and CONNECT, with a password where one is asked for.

`python -m tests.platform.proxy [--port 0]` prints `listening on PORT`. Its control API is on the
same port, in origin form, as a proxy never gets it from those it serves:

    POST /_control/set   {"auth": "user:password" | null,     else 407
                          "refuse": 503 | null,               this status for everything
                          "forward_to": "127.0.0.1:8000" | null}   there, whatever name is asked for
    POST /_control/reset                     all of these to null, the log emptied
    GET  /_control/requests                  what was asked for, as JSONL
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import traceback
from typing import Any, Optional
from urllib.parse import urlsplit

from tests.platform.exchange import Exchange, read_head
from tests.platform.http_wire import (
    Answer,
    Head,
    WireError,
    error_answer,
    json_answer,
    jsonl_answer,
)
from tests.platform.ledger import Entry, Ledger
from tests.platform.process import port_of, run

_PIECE = 64 << 10
_UNSET: dict[str, Any] = {"auth": None, "refuse": None, "forward_to": None}
_HOP_BY_HOP = frozenset({"proxy-authorization", "proxy-connection", "connection", "keep-alive"})


class Proxy:
    def __init__(self) -> None:
        self._ledger = Ledger()
        self._settings = dict(_UNSET)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve_requests(reader, writer)
        except (OSError, WireError):
            pass  # either side has gone; the other one sees the connection end
        except Exception:  # a mistake in the proxy itself
            traceback.print_exc()
        finally:
            writer.close()

    async def _serve_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number = 0
        while True:
            head = await read_head(reader)
            if head is None:
                return
            entry = Entry(head, number, "")
            exchange = Exchange(entry, self._ledger.changed, reader, writer)
            if head.target.startswith("/_control/"):
                await exchange.send(self._control(head, await exchange.read_body()))
            else:
                entry.connection = number = number or self._ledger.connected()
                self._ledger.add(entry)
                refusal = self._refusal(head)
                if refusal is None:
                    await self._forward(exchange, reader, writer)
                    return
                await exchange.discard_body()
                await exchange.send(refusal)
            if not exchange.reusable:
                return

    def _control(self, head: Head, body: bytes) -> Answer:
        command = head.path[len("/_control/") :]
        if command == "requests":
            return jsonl_answer([entry.as_json() for entry in self._ledger.entries])
        if command == "reset":
            self._settings = dict(_UNSET)
            self._ledger.clear()
            return json_answer(200, self._settings)
        changes = json.loads(body) if command == "set" else {"": None}
        if not changes.keys() <= _UNSET.keys():
            return error_answer(400, "no such control")
        self._settings.update(changes)
        return json_answer(200, self._settings)

    def _refusal(self, head: Head) -> Optional[Answer]:
        auth = self._settings["auth"]
        if self._settings["refuse"] is not None:
            return error_answer(self._settings["refuse"], "refused by the proxy")
        if auth is not None:
            wanted = f"Basic {base64.b64encode(auth.encode()).decode()}"
            if head.headers.get("proxy-authorization") != wanted:
                realm = (("Proxy-Authenticate", 'Basic realm="proxy"'),)
                return Answer(407, b"", realm)
        return None

    async def _forward(
        self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Joins the two sides for as long as both are there; one request for each connection."""
        head = exchange.head
        tunnel = head.method == "CONNECT"
        url = urlsplit(f"//{head.target}" if tunnel else head.target)
        if not tunnel and (url.scheme != "http" or not url.netloc):
            await exchange.send(error_answer(400, "a proxy needs an absolute http URL"), close=True)
            return
        to = urlsplit(f"//{self._settings['forward_to']}") if self._settings["forward_to"] else url
        try:
            far_reader, far_writer = await asyncio.open_connection(
                to.hostname, to.port or (443 if tunnel else 80)
            )
        except OSError as error:
            await exchange.send(error_answer(502, str(error)), close=True)
            return
        with contextlib.closing(far_writer):
            if tunnel:
                exchange.say(200)
                await exchange.send_bytes(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
                far_writer.write(_request_head(head, path))
            upwards = asyncio.ensure_future(_copy(reader, far_writer))
            try:
                await _copy(far_reader, writer)
            finally:
                upwards.cancel()


def _request_head(head: Head, path: str) -> bytes:
    """The same request in origin form, on a connection that ends with its answer."""
    kept = {name: value for name, value in head.headers.items() if name not in _HOP_BY_HOP}
    lines = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
    return f"{head.method} {path} HTTP/1.1\r\n{lines}connection: close\r\n\r\n".encode("latin-1")


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Until the source ends; what goes wrong on either side ends it too."""
    with contextlib.suppress(OSError):
        while True:
            piece = await source.read(_PIECE)
            if not piece:
                target.write_eof()
                return
            target.write(piece)
            await target.drain()


async def _main(options: argparse.Namespace) -> None:
    server = await asyncio.start_server(Proxy().serve, options.host, options.port)
    print(f"listening on {port_of(server)}", flush=True)
    await server.serve_forever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.platform.proxy")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--with-parent", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    options = _options()
    run(_main(options), with_parent=options.with_parent)
