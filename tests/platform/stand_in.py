"""The stand-in platform: `python -m tests.platform.stand_in [--port 0] [--mode MODE]`.

Keeps the wire contract in the mode `ok`, breaks it in every other one, and remembers all that came
in. Prints `listening on PORT`, then `control on PORT`: the control API answers on both, but on the
first only where the mode lets a request through, and in TLS where the platform speaks TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import traceback
from typing import Optional

from tests.platform.behaviour import Platform
from tests.platform.control import PREFIX, Control
from tests.platform.exchange import Exchange, read_head, stop_reading
from tests.platform.faults import MODES
from tests.platform.http_wire import Head, WireError, error_answer
from tests.platform.ledger import Entry, Ledger
from tests.platform.modes import OK, Setting, Turns
from tests.platform.process import port_of, run
from tests.platform.store import Store


class StandIn:
    def __init__(self, keep: Optional[str], mode: str) -> None:
        self._platform = Platform(Store(keep))
        self._ledger = Ledger()
        self._turns = Turns(frozenset(MODES))
        self._turns.set([{"mode": mode}])
        self._connections: set[asyncio.Task[None]] = set()
        self._control = Control(
            self._ledger,
            self._platform.store,
            self._turns,
            self._connections,
            self._end_connections,
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to the platform, from its first byte to its last."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        number = self._ledger.connected()
        try:
            setting = self._turns.take_for_connection()
            if setting.name == "mute":
                await stop_reading(writer)
            if setting.name == "ok":
                await self._serve_requests(number, reader, writer)
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()
        except (OSError, WireError):
            writer.close()
        except Exception:  # a mistake in the stand-in itself, which no test may take for a fault
            traceback.print_exc()
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            self._ledger.changed()

    async def serve_control(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head = await read_head(reader)
                if head is None or not await self._answer_control(head, reader, writer):
                    return
        except (OSError, WireError):
            pass  # the test that waited has given up
        finally:
            writer.close()

    async def _serve_requests(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        setting = OK
        while True:
            head = await self._next_head(reader, setting)
            if head is None:
                return
            if head.target.startswith(PREFIX):
                reusable = await self._answer_control(head, reader, writer)
            else:
                setting = self._turns.take_for_request(head.path)
                entry = Entry(head, number, setting.text)
                self._ledger.add(entry)
                exchange = Exchange(entry, self._ledger.changed, reader, writer)
                await MODES[setting.name](exchange, self._platform, setting)
                reusable = exchange.reusable
            if not reusable:
                return

    async def _next_head(self, reader: asyncio.StreamReader, after: Setting) -> Head | None:
        idle_s = after.argument if after.name == "idle_close" else None
        try:
            return await asyncio.wait_for(read_head(reader), idle_s)
        except asyncio.TimeoutError:
            return None

    async def _answer_control(
        self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        # What a test asks is no change: else whoever waits for one would wake itself for ever.
        exchange = Exchange(Entry(head, 0, ""), lambda: None, reader, writer)
        if head.target.startswith(PREFIX):
            await exchange.send(await self._control.answer(head, exchange.read_body))
        else:
            await exchange.send(error_answer(404, "this is the control port"), close=True)
        return exchange.reusable

    def _end_connections(self) -> None:
        for task in self._connections:
            if task is not asyncio.current_task():
                task.cancel()


async def _main(options: argparse.Namespace) -> None:
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    stand_in = StandIn(options.keep, options.mode)
    server = await asyncio.start_server(
        stand_in.serve, options.host, options.port, ssl=context, backlog=512
    )
    control = await asyncio.start_server(stand_in.serve_control, "127.0.0.1", 0, backlog=512)
    print(f"listening on {port_of(server)}\ncontrol on {port_of(control)}", flush=True)
    await asyncio.gather(server.serve_forever(), control.serve_forever())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.platform.stand_in")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--mode", default="ok")
    parser.add_argument("--keep", metavar="FILE", help="what is stored outlives the process there")
    parser.add_argument(
        "--with-parent", action="store_true", help="end when the standard input ends"
    )
    return parser.parse_args()


if __name__ == "__main__":
    options = _options()
    run(_main(options), with_parent=options.with_parent)
