"""A settings file in a small subset of YAML: `key: value`, quotes, comments, one level.

All of YAML would need a parser that the standard library does not have, and a settings file of eight
keys does not need it either.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_ONLY_LEVEL = "monitor"


def parse_flat_yaml(text: str, known_keys: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """The `key: value` pairs of a settings file, and a line on each thing outside the subset.

    The subset of YAML: comments, plain or quoted scalars, and one optional `monitor:` level.
    """
    values: dict[str, str] = {}
    ignored: list[str] = []
    inside, foreign = True, False  # in the block of `monitor:`, of a key that is not ours
    for number, raw in enumerate(text.splitlines(), 1):
        line = _without_comment(raw).rstrip()
        if not line.strip() or line.strip() == "---":
            continue
        indented = line[0] in " \t"
        key, colon, value = line.strip().partition(":")
        if not indented:
            inside = key == _ONLY_LEVEL and colon == ":" and not value.strip()
            foreign = not inside and key not in known_keys
            if inside:
                continue
        known = colon and key in known_keys and (inside or not indented)
        scalar = _scalar(value.strip()) if known else None
        if scalar:
            values[key] = scalar
        elif scalar is None and not (indented and foreign):
            ignored.append(f"line {number} is not understood and ignored")
    return values, ignored


def _without_comment(line: str) -> str:
    """`line` up to a `#` that stands outside quotes and begins a word."""
    quote = ""
    for at, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and line[:at].rstrip().endswith(":"):
            quote = char
        elif char == "#" and (at == 0 or line[at - 1] in " \t"):
            return line[:at]
    return line


def _scalar(value: str) -> str | None:
    """A plain or quoted scalar; None for what only full YAML understands."""
    if "\0" in value:  # YAML has none, and no path can have one
        return None
    if value[:1] in ("'", '"'):
        closed = len(value) >= 2 and value[-1] == value[0] and value[0] not in value[1:-1]
        return value[1:-1] if closed and "\\" not in value else None
    if value in ("null", "~"):
        return ""
    return None if value[:1] in tuple("[{&*!|>%@`") else value
