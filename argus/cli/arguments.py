"""What arguments of several commands may be, and what is said of those that are something else."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentTypeError

_MAX_PORT = 65_535
_LONGEST_S = 31_536_000.0  # a year


def port(text: str) -> int:
    """A port number, 0 for any. Raises ArgumentTypeError."""
    if not _is_number(text) or int(text) > _MAX_PORT:
        raise refused(text, f"a port: a number up to {_MAX_PORT}, 0 for any that is free")
    return int(text)


def count(text: str) -> int:
    """A number of things, one at least. Raises ArgumentTypeError."""
    if not _is_number(text) or int(text) < 1:
        raise refused(text, "a whole number from 1 on")
    return int(text)


def number(text: str) -> int:
    """A number of things, or none. Raises ArgumentTypeError."""
    if not _is_number(text):
        raise refused(text, "a whole number, 0 or more")
    return int(text)


def seconds(text: str) -> float:
    """Some seconds, or none. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _LONGEST_S:
        raise refused(text, "a number of seconds, a year at most")
    return value


def age(text: str) -> float:
    """The seconds that `12h` or `7d` stand for. Raises ArgumentTypeError."""
    from argus.cli.table import seconds_of

    try:
        return seconds_of(text)
    except ValueError:
        raise refused(text, "a length of time, such as 90s, 30m, 12h, 7d or 2w") from None


def refused(text: str, wanted: str) -> ArgumentTypeError:
    """What argparse tells: what was given, and what was wanted."""
    import argparse

    return argparse.ArgumentTypeError(f"{text!r} is not {wanted}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()  # int() would take "1_0" and " 1"
