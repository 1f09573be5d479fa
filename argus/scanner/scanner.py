"""What there is below a root, watched by one thread, for any number of readers."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

from argus.rundir import edits
from argus.scanner import figures, logs
from argus.scanner.feed import Feed, Message
from argus.scanner.metrics import Metrics
from argus.scanner.names import shown_name
from argus.scanner.tree import Change, Tree
from argus.scanner.watched import Watched

POLL_S = 1.0
_BEHIND_S = 0.005  # between two pieces while something waits to be read: viewers want their turn
_REST = 3  # times as long as a look takes it rests: a root of 100,000 directories takes no core
_TOLD_EVERY = 100  # runs found, while the first scan goes on
_JOIN_S = 5.0

_log = logging.getLogger("argus.scanner")


class RunScanner:
    """Watches the runs below `root`, at any depth: run directories, and plain `events.jsonl`.

    `start()` returns at once, and the first scan runs in the background. Only `edit` writes, and
    only the edits of a run. A run is named by its path below the root; for one that is not there,
    methods return None. All may be called from any thread.
    """

    def __init__(self, root: str | os.PathLike[str], poll_interval: float = POLL_S) -> None:
        """`root` need not be there yet. `poll_interval` is in seconds."""
        self.root = Path(root).absolute()
        self.feed = Feed(int(time.time() * 1e3))
        self._poll_s = max(float(poll_interval), 0.01)
        self._tree = Tree(str(self.root))
        self._runs: dict[str, Watched] = {}
        self._guard = threading.Lock()  # guards the table of runs, never held while reading
        self._listing = threading.Lock()
        self._listed: Optional[tuple[int, bytes]] = None
        self._metrics = Metrics()
        self._stopping = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._is_complete = False
        self._took_s = 0.0

    def start(self) -> RunScanner:
        """Begin to watch."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="argus-scanner", daemon=True)
            self._thread.start()
        return self

    def close(self) -> None:
        """End watching, and all listening."""
        self._stopping.set()
        self.feed.close()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def __enter__(self) -> RunScanner:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # Reading

    def status(self) -> dict[str, Any]:
        """How far the first scan is: `complete`, and what it has found."""
        return {
            "root": str(self.root),
            "complete": self._is_complete,
            "directories": self._tree.n_directories,
            "runs": len(self._runs),
            "took_s": round(self._took_s, 3),
        }

    def rows(self) -> list[dict[str, Any]]:
        """All runs, the newest first."""
        rows = [run.row for run in self._all() if run.row]
        return sorted(rows, key=lambda row: (row["started_at"] or "", row["run_id"]), reverse=True)

    def listing(self) -> tuple[int, bytes]:
        """All rows and the state of the scan as JSON, and the number of the last message that they
        include. Made once for each number, however many ask."""
        with self._listing:
            # The number first: what comes between is then told twice, which does no harm.
            number = self.feed.last_number
            if self._listed is None or self._listed[0] != number:
                told = {"runs": self.rows(), "last_event_id": number, "scan": self.status()}
                text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
                self._listed = number, text.encode("utf-8", "replace")
            return self._listed

    def row(self, run_id: str) -> dict[str, Any] | None:
        """One run."""
        run = self._watched(run_id)
        return None if run is None else run.row or None

    def listen(self, after: int | None = None, wait_s: float = 15.0) -> Iterator[list[Message]]:
        """What changes: messages of the kinds `run` (a row), `gone`, `scan` and `resync`."""
        return self.feed.listen(after, wait_s)

    def logs_index(self, run_id: str) -> list[dict[str, Any]] | None:
        """The logs of a run: `stream_id`, `name`, `kind`, `rank`, `size`, `modified`."""
        found = self._streams(run_id)
        return None if found is None else [stream.document() for stream in found]

    def log_content(
        self,
        run_id: str,
        stream_id: str,
        max_bytes: int = logs.MAX_BYTES,
        start: int | None = None,
    ) -> dict[str, Any] | None:
        """The newest part of a log, cut at a line, or what follows byte `start` of it."""
        for stream in self._streams(run_id) or ():
            if stream.stream_id == stream_id:
                try:
                    return logs.content(stream, max_bytes, start)
                except OSError:
                    return None
        return None

    def media_json(self, run_id: str) -> list[dict[str, Any]] | None:
        """The artifacts that are kept in a run."""
        run = self._watched(run_id)
        return None if run is None else figures.figures(run.path)

    def media_file_path(self, run_id: str, rel_path: str) -> Path | None:
        """The file of an artifact; None for anything else, and anything outside the run."""
        run = self._watched(run_id)
        return None if run is None else figures.figure_path(run.path, rel_path)

    def metrics_json_bytes(self, run_id: str) -> bytes | None:
        """All numbers of a run as strict JSON, in columns. Raises OSError."""
        run = self._watched(run_id)
        return None if run is None else self._metrics.whole(run.path)

    def metrics_stream(self, run_id: str, start: int = 0) -> Iterator[bytes] | None:
        """The same as lines of JSON, one for each piece of the event file from byte `start` on.
        Each raises OSError where the file cannot be read."""
        run = self._watched(run_id)
        return None if run is None else self._metrics.stream(run.path, start)

    # Writing: what people say about a run

    def edit(self, run_id: str, changes: Mapping[str, Any]) -> dict[str, Any] | None:
        """Change `name`, `notes`, `tags` or `archived` of a run. Raises OSError."""
        run = self._watched(run_id)
        if run is None:
            return None
        edits.change(run.path, lambda said: {**said, **changes})
        self._poll(run)
        return run.row

    # Watching

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stopping.is_set():
            spent = time.thread_time()
            try:
                self._look_at_all()
            except Exception:
                _log.exception("a look at the runs failed")
            if not self._is_complete:
                self._took_s = time.monotonic() - began
                self._is_complete = True
                self.feed.publish("scan", self.status())
            rest_s = max(self._poll_s, _REST * (time.thread_time() - spent))
            self._read_on(time.monotonic() + rest_s)

    def _look_at_all(self) -> None:
        for change in self._tree.changes(time.time_ns()):
            if self._stopping.is_set():
                return
            self._apply(change)
        for run in self._all():
            if self._stopping.is_set():
                return
            self._look_at(run)

    def _read_on(self, deadline: float) -> None:
        """Until then: read what waits to be read, and rest."""
        while (left_s := deadline - time.monotonic()) > 0:
            behind = [run for run in self._all() if run.is_behind]
            if self._stopping.wait(_BEHIND_S if behind else left_s):
                return
            for run in behind:
                if self._stopping.is_set() or time.monotonic() > deadline:
                    return
                self._look_at(run)

    def _apply(self, change: Change) -> None:
        path = Path(change.path)
        run = Watched(shown_name(path.relative_to(self.root)), path)
        if not change.is_there:
            self._lose(run.run_id)
            return
        with self._guard:
            self._runs[run.run_id] = run
        self._look_at(run)
        if not self._is_complete and len(self._runs) % _TOLD_EVERY == 0:
            self.feed.publish("scan", self.status())

    def _look_at(self, run: Watched) -> None:
        """Look at one run, whatever it holds: its neighbours are looked at all the same."""
        try:
            self._poll(run)
        except (FileNotFoundError, NotADirectoryError):
            self._tree.lose(str(run.path))
            self._lose(run.run_id)
        except OSError as error:
            _log.debug("%s cannot be read: %s", run.path, error)
        except Exception:
            run.is_behind = False
            if not run.has_failed:  # once is enough: it will fail again
                _log.exception("%s cannot be summed up", run.path)
            run.has_failed = True

    def _poll(self, run: Watched) -> None:
        with run.polling:
            if run.poll(time.time()):
                self.feed.publish("run", run.row)

    def _lose(self, run_id: str) -> None:
        with self._guard:
            run = self._runs.pop(run_id, None)
        if run is not None:
            self._metrics.forget(run.path)
            self.feed.publish("gone", {"run_id": run_id})

    def _all(self) -> list[Watched]:
        with self._guard:
            return list(self._runs.values())

    def _watched(self, run_id: str) -> Watched | None:
        with self._guard:
            return self._runs.get(run_id)

    def _streams(self, run_id: str) -> list[logs.Stream] | None:
        run = self._watched(run_id)
        return None if run is None else logs.streams(run.path, run.row.get("config"))
