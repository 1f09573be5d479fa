"""The runs below some roots: each batch once, with what its other processes have added."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from argus.rundir import find
from argus.rundir.view import View, look


class Run(NamedTuple):
    """A batch on disk. `main` is the directory of its latest attempt, `parts` are all others: of
    earlier attempts, of forks and of ranks that spoke for themselves."""

    main: View
    parts: tuple[View, ...]

    @property
    def views(self) -> tuple[View, ...]:
        """All of its directories."""
        return (self.main, *self.parts)


def runs(
    roots: Iterable[Path], wall_now: float, complain: Callable[[Path, OSError], None]
) -> list[Run]:
    """Every run below `roots`, the newest first. `complain` is told of each that cannot be read."""
    views: dict[str, list[View]] = {}
    seen: set[Path] = set()
    for root in roots:
        for path in find.run_directories(root):
            if path not in seen:
                seen.add(path)
                try:
                    view = look(path, wall_now)
                except OSError as error:
                    complain(path, error)
                else:
                    views.setdefault(view.batch_id, []).append(view)
    grouped = map(_grouped, views.values())
    return sorted(grouped, key=lambda run: run.main.started_at or "", reverse=True)


def _grouped(views: list[View]) -> Run:
    views = sorted(views, key=lambda view: (not view.is_part, view.started_at or ""))
    return Run(views[-1], tuple(views[:-1]))
