"""The Python side of the peers: what a test starts, steers and asks.

with StandIn() as platform:
    platform.mode("status:503", times=2)
    ...
    platform.wait_for(10)           # ten events stored, or TimeoutError
    assert platform.requests()[0]["status"] == 503
"""

from __future__ import annotations

import contextlib
import http.client
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, TypeVar
from urllib.parse import urlencode

from tests.platform.subprocesses import Server, free_port

__all__ = ["CA_FILE", "MonitorProcess", "Proxy", "StandIn", "free_port"]

CERTS = Path(__file__).parent / "certs"
CA_FILE = str(CERTS / "ca.pem")

_CONTROL_TIMEOUT_S = 30.0

_Peer = TypeVar("_Peer", bound="Peer")


class Peer:
    """A server process with a port, as a context manager: it runs inside the block.

    Subclasses say in `_start` how it is started on a port, where 0 means any.
    """

    scheme = "http"
    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = 0
        self._server: Optional[Server] = None

    def __enter__(self: _Peer) -> _Peer:
        self.restart()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.kill()
        if kind is None:
            self.check()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def server(self) -> Server:
        assert self._server is not None, "not started"
        return self._server

    @property
    def alive(self) -> bool:
        return self._server is not None and self._server.alive

    def kill(self) -> None:
        """SIGKILL: the port refuses connections from now on, open ones are reset."""
        if self._server is not None:
            self._server.close()

    def restart(self) -> None:
        """Kills it, where it still runs, and starts it again on the same port."""
        self.kill()
        self._start()

    def check(self) -> None:
        """Fails where the peer itself made a mistake, rather than the one that is tested."""
        stderr = self.server.stderr()
        assert "Traceback" not in stderr, stderr

    def _start(self) -> None:
        raise NotImplementedError


class StandIn(Peer):
    """The stand-in platform. What it has stored outlives `kill` and `restart`, as a database does;
    its logs and its mode do not.

    `tls` is "good", "expired" or "wrong_host": see `certs/make.sh`; CA_FILE is whom to trust.
    """

    def __init__(
        self, *, mode: str = "ok", tls: Optional[str] = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__()
        self.host = host
        self.port = port
        self.scheme = "https" if tls else "http"
        self._mode = mode
        self._tls = _certificate(tls) if tls else []
        self._control_port = 0
        self._directory: Optional[tempfile.TemporaryDirectory[str]] = None

    def __exit__(self, *failure: Any) -> None:
        try:
            super().__exit__(*failure)
        finally:
            if self._directory is not None:
                self._directory.cleanup()
                self._directory = None

    def mode(
        self,
        *modes: str,
        times: Optional[int] = None,
        path: str = "",
        retry_after: Optional[str] = None,
        body: Optional[str] = None,
    ) -> None:
        """Sets the mode for all requests from now on, or for the next `times` of them, then `ok`.

        Several modes take turns, each for `times` requests (1 if not given). `path`: only requests
        whose path contains it are meant, and counted. `retry_after`, `body`: for `status:N`.
        """
        if len(modes) > 1 and times is None:
            times = 1
        setting = {"times": times, "path": path, "retry_after": retry_after, "body": body}
        self._post("mode", {"modes": [{"mode": mode, **setting} for mode in modes]})

    def certify(self, tls: str) -> None:
        """Restarts it with another certificate."""
        self._tls = _certificate(tls)
        self.restart()

    def stop_requested(self, requested: bool = True, batch_id: Optional[str] = None) -> None:
        """Presses the stop button of one batch, or of every one; False: lets it go."""
        self._post("stop", {"requested": requested, "batch_id": batch_id})

    def reset(self) -> None:
        """As if just started: nothing stored, nothing logged, `ok`, every connection ended."""
        self._post("reset", {})

    def events(self, event_type: Optional[str] = None) -> list[dict[str, Any]]:
        """The stored events, each once, in order of arrival."""
        events = self._jsonl("events")
        return [e for e in events if event_type is None or e["event_type"] == event_type]

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """Every request whose head was read and whose path contains `path`: `method`, `path`,
        `headers` (lower case), `connection`, `mode`, `at` (monotonic), `body_bytes`, `events`,
        `status` (None: not answered)."""
        return [request for request in self._jsonl("requests") if path in request["path"]]

    def uploads(self) -> list[dict[str, Any]]:
        """The stored files: `path`, `job_id`, `filename`, `size`, `sha256`, `content_type`,
        `label`, `meta`."""
        return self._jsonl("uploads")

    def stats(self) -> dict[str, Any]:
        """Counts: `events`, `duplicates`, `rejected`, `uploads`, `requests`, `answered`,
        `statuses`, `items`, `body_bytes`, `connections`, `open_connections`; `mode`, `version`."""
        stats: dict[str, Any] = json.loads(self._get("stats"))
        return stats

    def wait_for(self, what: Any = None, timeout: float = 10.0, **counts: int) -> Any:
        """Waits until so many events are stored (an int), until `what(self)` is true (a callable:
        asked anew after each change, its value is returned), or until each count of `stats` that
        is named has reached its value. TimeoutError otherwise."""
        if callable(what):
            return self._wait_until(what, timeout)
        if what is not None:
            counts["events"] = what
        met = self._wait(timeout, counts)
        if not met:
            self._give_up(f"{counts}", timeout)
        return self.stats()

    def _wait_until(self, predicate: Callable[[StandIn], Any], timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        while True:
            version = self.stats()["version"]
            value = predicate(self)
            if value:
                return value
            if not self._wait(deadline - time.monotonic(), {"version": version}):
                self._give_up(repr(predicate), timeout)

    def _wait(self, timeout: float, counts: dict[str, int]) -> bool:
        query = urlencode({**counts, "timeout": max(timeout, 0.0)})
        met: bool = json.loads(self._get(f"wait?{query}", timeout))["met"]
        return met

    def _give_up(self, what: str, timeout: float) -> None:
        last = [f"{r['method']} {r['path']} -> {r['status']}" for r in self.requests()[-5:]]
        raise TimeoutError(f"not within {timeout} s: {what}; {self.stats()}; last requests: {last}")

    def _start(self) -> None:
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory()
        arguments = ["--host", self.host, "--port", str(self.port), "--mode", self._mode]
        arguments += ["--keep", str(Path(self._directory.name) / "stored.jsonl")]
        if self._tls:
            arguments += ["--tls", *self._tls]
        self._server = Server("-m", "tests.platform.stand_in", "--with-parent", *arguments)
        self.port = int(self._server.expect(r"listening on (\d+)")[1])
        self._control_port = int(self._server.expect(r"control on (\d+)")[1])

    def _get(self, command: str, timeout: float = 0.0) -> bytes:
        return _control(self._control_port, "GET", command, None, timeout)

    def _post(self, command: str, value: dict[str, Any]) -> None:
        _control(self._control_port, "POST", command, value)

    def _jsonl(self, command: str) -> list[dict[str, Any]]:
        # The lines are pure ASCII: no other character ends one.
        return [json.loads(line) for line in self._get(command).splitlines()]


class Proxy(Peer):
    """A forward proxy for http and CONNECT, open to all until `set` says otherwise."""

    def set(self, **settings: Any) -> None:
        """`auth="user:password"` or None, `refuse=503` or None, and `forward_to="host:port"` or
        None: where every request goes, whatever name it asks for."""
        _control(self.port, "POST", "set", settings)

    def reset(self) -> None:
        _control(self.port, "POST", "reset", {})

    def requests(self) -> list[dict[str, Any]]:
        """What it was asked for: `method`, `path` (the whole target), `headers`, `connection`,
        `at`, and `status` where the proxy itself answered."""
        return [json.loads(line) for line in _control(self.port, "GET", "requests").splitlines()]

    def _start(self) -> None:
        self._server = Server(
            "-m", "tests.platform.proxy", "--with-parent", "--port", str(self.port)
        )
        self.port = int(self._server.expect(r"listening on (\d+)")[1])


class MonitorProcess(Peer):
    """`python -m argus serve`, keeping its runs in `runs`."""

    def __init__(self, runs: Any, token: Optional[str] = None, arguments: tuple[str, ...] = ()):
        super().__init__()
        self.runs = str(runs)
        self.arguments = (*(("--token", token) if token else ()), *arguments)

    def stop(self) -> int:
        """SIGTERM, then the exit status."""
        return self.server.terminate()

    def _start(self) -> None:
        self._server = Server(
            *("-m", "argus", "serve", "--port", str(self.port), "--runs", self.runs),
            *self.arguments,
        )
        greeting = r"Argus monitor listening on http://[^ ]*:(\d+), keeping runs in .+"
        self.port = int(self._server.expect(greeting)[1])


def _certificate(tls: str) -> list[str]:
    return [str(CERTS / f"{tls}.pem"), str(CERTS / "server.key")]


def _control(
    port: int,
    method: str,
    command: str,
    value: Optional[dict[str, Any]] = None,
    timeout: float = 0.0,
) -> bytes:
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=max(timeout, 0.0) + _CONTROL_TIMEOUT_S
    )
    with contextlib.closing(connection):
        connection.request(
            method,
            f"/_control/{command}",
            None if value is None else json.dumps(value).encode(),
            {"Connection": "close"},
        )
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise ValueError(f"{command}: {body.decode()}")
        return body
