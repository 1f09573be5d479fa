"""Trees of kernel files, planted where a test wants them, and changed as time goes by."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PAGE_BYTES = 4096
TICKS_PER_S = 100


def plant(root: Path, files: dict[str, str]) -> None:
    """Write files below `root`, by their relative path; a text that begins with -> is a link."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            os.symlink(text[2:], path)
        else:
            path.write_text(text)


class FakeProc:
    """A /proc of processes that come, work, and go. The tree's root is process 100."""

    ROOT = 100

    def __init__(self, root: Path, lists_children: bool = True) -> None:
        self.root = root
        self._lists_children = lists_children
        self._parents: dict[int, int] = {}
        self._threads: dict[int, int] = {}
        self.put(self.ROOT)

    def put(
        self,
        pid: int,
        parent: int = 1,
        *,
        own: int = 0,
        reaped: int = 0,
        start: int = 0,
        pages: int = 100,
        shared_pages: int = 40,
        stack: int = 0,
        threads: int = 1,
        by_thread: int | None = None,
    ) -> None:
        """A process, new or as it is now; `by_thread`: the thread of the parent that forked it."""
        tail = (
            f"0 0 0 0 {own} 0 {reaped} 0 20 0 {threads} 0 {start or pid} 9000 {pages} 0 0 0 {stack}"
        )
        text = f"{pid} (a (worker) of 4) S {parent} 1 1 0 -1 4194304 {tail} 0 0 0\n"
        pss_kib = (pages - shared_pages) * PAGE_BYTES // 1024
        plant(
            self.root,
            {
                f"{pid}/stat": text,
                f"{pid}/statm": f"9000 {pages} {shared_pages} 1 0 1 0\n",
                f"{pid}/smaps_rollup": f"0-1 ---p 0 00:00 0 [rollup]\nRss: 1 kB\nPss: {pss_kib} kB\n",
            },
        )
        if pid == self.ROOT:
            plant(self.root, {"self/stat": text})
        self._parents[pid] = parent
        self._threads[pid] = by_thread or parent
        for thread in range(pid, pid + threads):
            (self.root / f"{pid}/task/{thread}").mkdir(parents=True, exist_ok=True)
        self._write_children()

    def end(self, pid: int) -> None:
        """It is gone, and its parent has reaped it."""
        shutil.rmtree(self.root / str(pid))
        del self._parents[pid], self._threads[pid]
        self._write_children()

    def without_pss(self) -> None:
        """A kernel that has no smaps_rollup."""
        for path in self.root.glob("*/smaps_rollup"):
            path.unlink()

    def _write_children(self) -> None:
        if not self._lists_children:
            return
        for pid in self._parents:
            for path in (self.root / f"{pid}/task").iterdir():
                thread = int(path.name)
                own = [
                    p for p, t in self._threads.items() if t == thread and self._parents[p] == pid
                ]
                (path / "children").write_text(" ".join(map(str, own)))
