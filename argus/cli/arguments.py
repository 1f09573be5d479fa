"""What arguments of several commands may be. argparse names a function here in its complaint."""

from __future__ import annotations

_MAX_PORT = 65_535


def port(text: str) -> int:
    """A port number, 0 for any. Raises ValueError, which argparse tells."""
    number = _number(text)
    if number > _MAX_PORT:
        raise ValueError(text)
    return number


def count(text: str) -> int:
    """A number of things, one at least. Raises ValueError, which argparse tells."""
    number = _number(text)
    if number < 1:
        raise ValueError(text)
    return number


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):  # int() would take "1_0" and " 1"
        raise ValueError(text)
    return int(text)
