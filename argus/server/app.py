"""The monitor as one object: a store, a server, and the thread that accepts connections."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from argus.core.secret import Secret
from argus.core.settings import is_loopback
from argus.server.http import MonitorServer
from argus.server.store import Store

_STOP_WITHIN_S = 3.0


class TokenRequiredError(ValueError):
    """Others could reach the monitor, and it has no token."""


class Monitor:
    """An embedded monitor. `start()` and `close()`, or a context; any thread may call either.

    `port` 0 picks a free one; `runs` is made where it is missing; without a `token` anybody who
    can reach `host` may report, so `host` must be this machine alone then.
    """

    def __init__(
        self, host: str, port: int, runs: Path, token: str | None = None, verbose: bool = False
    ) -> None:
        """Raises TokenRequiredError. Nothing is touched before `start()`."""
        if token is None and not is_loopback(host):
            raise TokenRequiredError(f"listening on {host or 'all addresses'} needs a token")
        self.host = host
        self.runs = runs.absolute()
        self._port = port
        self._token = None if token is None else Secret(token)
        self._verbose = verbose
        self._store: Store | None = None
        self._server: MonitorServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Monitor:
        """Take the directory, listen, and serve in a thread. Raises OSError, RunsInUseError."""
        store = Store(self.runs, lambda: tuple(time.localtime()))
        try:
            server = MonitorServer(self.host, self._port, store, self._token, self._verbose)
        except BaseException:
            store.close()
            raise
        self._store, self._server = store, server
        self._thread = threading.Thread(
            target=server.serve_until_stopped, name="argus-monitor", daemon=True
        )
        self._thread.start()
        return self

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port if self._server is None else int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """What a reporter on this machine takes as ARGUS_URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def close(self) -> None:
        """Finish the requests at work, let go of the directory. Takes some seconds at most."""
        server, store, thread = self._server, self._store, self._thread
        self._server = self._store = self._thread = None
        if server is None or store is None or thread is None:
            return
        server.stop_accepting()
        thread.join()
        server.end_connections(_STOP_WITHIN_S)
        server.server_close()
        store.close()

    def __enter__(self) -> Monitor:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
