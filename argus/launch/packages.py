"""Which packages are installed, told from the names of their directories: none of them is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator

MAX_LINES = 10_000
MAX_TEXT = 196_608  # characters

_LOOK_EVERY = 16  # entries, about 20 µs
# `name-version.dist-info`, and `name-version-py3.9.egg-info` of older installers.
_INFO = re.compile(r"([A-Za-z0-9][\w.-]*)-(\d[\w.!+]*)(?:-py[\d.]+)?\.(?:dist|egg)-info", re.ASCII)


def frozen(paths: Iterable[str], goes_on: Callable[[], bool]) -> list[str]:
    """`name==version` of each package below `paths`, as `pip freeze` has it: sorted, each name in
    its normal form (PEP 503) and once, as the first of `paths` that has it.

    `goes_on` is asked often, and ends the search. Where not all is there, the last line says so.
    """
    found: dict[str, str] = {}
    is_complete = True
    for entry_name in _entries(paths):
        if entry_name is None:
            is_complete = goes_on()
            if not is_complete:
                break
            continue
        info = _INFO.fullmatch(entry_name)
        if info is not None:
            found.setdefault(normal(info[1]), info[2])
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    kept = _that_fit(lines)
    if not is_complete:
        kept.append("# and others: there was no time to look for them")
    elif len(kept) < len(lines):
        kept.append(f"# and {len(lines) - len(kept)} others")
    return kept


def normal(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[_.-]+", "-", name).lower()


def _entries(paths: Iterable[str]) -> Iterator[str | None]:
    """The names in each directory; None now and then, to look up."""
    for path in dict.fromkeys(paths):
        yield None
        try:
            with os.scandir(path or os.curdir) as entries:
                for count, entry in enumerate(entries, 1):
                    if entry.name.endswith("-info"):
                        yield entry.name
                    if count % _LOOK_EVERY == 0:
                        yield None
        except (OSError, ValueError):
            continue  # not there, a zip file, or a NUL in its name


def _that_fit(lines: list[str]) -> list[str]:
    text_left = MAX_TEXT
    for count, line in enumerate(lines[:MAX_LINES]):
        text_left -= len(line)
        if text_left < 0:
            return lines[:count]
    return lines[:MAX_LINES]
