"""What there is below a root, watched by one thread, for any number of readers."""

from __future__ import annotations

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
from argus.scanner.tree import Change, Tree
from argus.scanner.watched import Watched

POLL_S = 1.0
_BEHIND_S = 0.005  # between two turns while something waits to be read: readers want theirs, too
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
        with self._guard:
            rows = [run.row for run in self._runs.values() if run.row]
        return sorted(rows, key=lambda row: (row["started_at"] or "", row["run_id"]), reverse=True)

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
        """All numbers of a run as strict JSON, in columns."""
        run = self._watched(run_id)
        try:
            return None if run is None else self._metrics.whole(run.path)
        except OSError:
            return None

    def metrics_stream(self, run_id: str, start: int = 0) -> Iterator[bytes] | None:
        """The same as lines of JSON, one for each piece of the event file from byte `start` on."""
        run = self._watched(run_id)
        return None if run is None else self._metrics.stream(run.path, start)

    # Writing: what people say about a run

    def edit(self, run_id: str, changes: Mapping[str, Any]) -> dict[str, Any] | None:
        """Change `name`, `notes`, `tags` or `archived` of a run. Raises OSError."""
        run = self._watched(run_id)
        if run is None:
            return None
        before = edits.read(run.path)._asdict()
        known = {name: value for name, value in changes.items() if name in before}
        edits.write(run.path, edits.checked({**before, **known}))
        return self._poll(run)

    # Watching

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stopping.is_set():
            try:
                is_behind = self._turn()
            except Exception:
                _log.exception("a look at the runs failed")
                is_behind = False
            if not self._is_complete:
                self._took_s = time.monotonic() - began
                self._is_complete = True
                self.feed.publish("scan", self.status())
            self._stopping.wait(_BEHIND_S if is_behind else self._poll_s)

    def _turn(self) -> bool:
        """Look at everything once. Whether something waits to be read on."""
        is_behind = False
        for change in self._tree.changes(time.time_ns()):
            self._apply(change)
        with self._guard:
            watched = list(self._runs.values())
        for run in watched:
            if self._stopping.is_set():
                return False
            self._poll(run)
            is_behind = is_behind or run.is_behind
        return is_behind

    def _apply(self, change: Change) -> None:
        path = Path(change.path)
        run_id = path.relative_to(self.root).as_posix()
        if change.is_there:
            run = Watched(run_id, path)
            with self._guard:
                self._runs[run_id] = run
            self._poll(run)
            if not self._is_complete and len(self._runs) % _TOLD_EVERY == 0:
                self.feed.publish("scan", self.status())
        else:
            self._lose(run_id)

    def _poll(self, run: Watched) -> dict[str, Any]:
        try:
            with run.polling:
                if run.poll(time.time()):
                    self.feed.publish("run", run.row)
        except FileNotFoundError:
            self._tree.look_again(str(run.path.parent))
            if not run.path.is_dir():
                self._lose(run.run_id)
        except OSError as error:
            _log.debug("%s cannot be read: %s", run.path, error)
        return run.row

    def _lose(self, run_id: str) -> None:
        with self._guard:
            run = self._runs.pop(run_id, None)
        if run is not None:
            self._metrics.forget(run.path)
            self.feed.publish("gone", {"run_id": run_id})

    def _watched(self, run_id: str) -> Watched | None:
        with self._guard:
            return self._runs.get(run_id)

    def _streams(self, run_id: str) -> list[logs.Stream] | None:
        run = self._watched(run_id)
        return None if run is None else logs.streams(run.path, run.row.get("config"))
