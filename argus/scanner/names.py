"""File names as texts. Pure."""

from __future__ import annotations

import os
from pathlib import Path


def shown_name(path: Path) -> str:
    """A relative path as JSON and an address can hold it. A name that is no UTF-8 is shown with
    escapes, so that it can be sent back, and no two are the same."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
