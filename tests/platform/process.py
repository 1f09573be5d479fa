"""What the stand-in and the proxy have in common as processes: how they start, how they end."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any


def run(main: Coroutine[Any, Any, None], *, with_parent: bool) -> None:
    """Runs `main` until a signal ends the process, or its standard input, held by the parent, does.

    So no server is left behind by a test run that was killed.
    """
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        asyncio.run(main)
    except KeyboardInterrupt:
        sys.exit(130)


def port_of(server: asyncio.AbstractServer) -> int:
    port: int = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    return port


def _end_with_parent() -> None:
    # Not through `sys.stdin`: its lock, held here, would abort a process that ends by Ctrl-C.
    while os.read(0, 4096):
        pass
    os._exit(0)
