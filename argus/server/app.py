"""The monitor as one object: a store, a listener, and the thread that accepts connections."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from argus.core.secret import Secret
from argus.core.settings import is_loopback
from argus.scanner.scanner import POLL_S, RunScanner
from argus.server.access import Hosts
from argus.server.http import Service
from argus.server.listener import Listener, listening_socket
from argus.server.routes import House
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
        self,
        host: str,
        port: int,
        runs: Path,
        token: str | None = None,
        verbose: bool = False,
        receives: bool = True,
    ) -> None:
        """Raises TokenRequiredError. Nothing is touched before `start()`.

        One that does not receive only shows what is in `runs`, and writes nothing there.
        """
        if token is None and not is_loopback(host):
            raise TokenRequiredError(f"listening on {host or 'all addresses'} needs a token")
        self.host = host
        self.runs = runs.absolute()
        self._port = port
        self._token = None if token is None else Secret(token)
        self._verbose = verbose
        self._receives = receives
        self._scanner: RunScanner | None = None
        self._store: Store | None = None
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Monitor:
        """Take the directory, listen, and serve in a thread.

        Raises OSError, RunsInUseError, and TokenRequiredError where a name turns out to be that
        of an address which others can reach.
        """
        store = Store(self.runs, lambda: tuple(time.localtime())) if self._receives else None
        scanner = RunScanner(self.runs, POLL_S)
        try:
            listener = self._listen(House(store, scanner))
        except BaseException:
            if store is not None:
                store.close()
            raise
        self._store, self._scanner, self._listener = store, scanner.start(), listener
        self._thread = threading.Thread(
            target=listener.serve_until_stopped, name="argus-monitor", daemon=True
        )
        self._thread.start()
        return self

    def _listen(self, house: House) -> Listener:
        sock = listening_socket(self.host, self._port)
        address, port = sock.getsockname()[:2]
        try:
            if self._token is None and not is_loopback(address):
                raise TokenRequiredError(f"listening on {address} needs a token")
            hosts = Hosts(self.host, address, port)
            listener = Listener(sock, Service(house, hosts, self._token, self._verbose))
        except BaseException:
            sock.close()
            raise
        self._port = port
        return listener

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """What a reporter on this machine takes as ARGUS_URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def close(self) -> None:
        """Finish the requests at work, let go of the directory. Takes some seconds at most."""
        listener, scanner, thread = self._listener, self._scanner, self._thread
        store = self._store
        self._listener = self._store = self._scanner = self._thread = None
        if listener is None or scanner is None or thread is None:
            return
        listener.stop_accepting()
        thread.join()
        scanner.close()  # first: whoever listens to it would keep a connection
        listener.end_connections(_STOP_WITHIN_S)
        listener.close()
        if store is not None:
            store.close()

    def __enter__(self) -> Monitor:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
