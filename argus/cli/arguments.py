"""What arguments of several commands may be. argparse names a function here in its complaint."""

from __future__ import annotations

_MAX_PORT = 65_535
_LONGEST_S = 31_536_000.0  # a year


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


def number(text: str) -> int:
    """A number of things, or none. Raises ValueError, which argparse tells."""
    return _number(text)


def seconds(text: str) -> float:
    """Some seconds, or none. Raises ValueError, which argparse tells."""
    value = float(text)
    if not 0 <= value <= _LONGEST_S:
        raise ValueError(text)
    return value


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):  # int() would take "1_0" and " 1"
        raise ValueError(text)
    return int(text)
