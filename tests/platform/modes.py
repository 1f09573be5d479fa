"""Which fault is in force: settings as the tests write them, and how often each still applies.

What a mode does stands in `faults.py`; here are only its name, its argument, and its turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional

_REDIRECT = re.compile(r"(.+?)(?::(30[12378]))?")


@dataclass
class Setting:
    """A mode with its argument. `left`: for how many requests more; None: until another is set.

    It applies to requests whose path contains `path`, and to every new connection where it acts
    before anything is read.
    """

    text: str
    name: str
    argument: Any = None
    left: Optional[int] = None
    path: str = ""
    retry_after: Optional[str] = None
    body: Optional[str] = None


OK = Setting("ok", "ok")


def _redirect(text: str) -> tuple[str, int]:
    match = _REDIRECT.fullmatch(text)
    if not match:
        raise ValueError("redirect:URL[:code]")
    return match.group(1), int(match.group(2) or 307)


# The modes that take an argument: how it is read, and what stands for it where it may be missing.
_ARGUMENTS: dict[str, tuple[Callable[[str], Any], Any]] = {
    "status": (int, None),
    "too_large": (int, None),
    "internal": (int, None),
    "informational": (int, 103),
    "idle_close": (float, None),
    "unauthorized_until_token": (str, None),
    "redirect": (_redirect, None),
    "drip": (float, 1.0),
}

# These act on a connection before a request is read, so that no path and no head is needed.
BEFORE_READING = frozenset({"close", "mute"})


def parse_setting(value: dict[str, Any], known: frozenset[str]) -> Setting:
    """A setting from what a test sent: `mode` as `name[:argument]`, and `times`, `path`,
    `retry_after`, `body`. Raises ValueError where there is no such mode."""
    text = str(value["mode"])
    name, _, argument = text.partition(":")
    if name not in known:
        raise ValueError(f"no such mode: {text}")
    if argument and name not in _ARGUMENTS:
        raise ValueError(f"{name} takes no argument")
    setting = Setting(
        text=text,
        name=name,
        left=value.get("times"),
        path=value.get("path") or "",
        retry_after=value.get("retry_after"),
        body=value.get("body"),
    )
    if name in _ARGUMENTS:
        read, default = _ARGUMENTS[name]
        if not argument and default is None:
            raise ValueError(f"{name} needs an argument")
        setting.argument = read(argument) if argument else default
    if name == "internal":
        setting.left = setting.argument
    return setting


class Turns:
    """The settings in force, one after the other; `ok` once all have had their turn."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._settings: list[Setting] = []

    @property
    def mode(self) -> str:
        return self._settings[0].text if self._settings else OK.text

    def set(self, values: list[dict[str, Any]]) -> None:
        settings = [parse_setting(value, self._known) for value in values]
        self._settings = [setting for setting in settings if setting.left != 0]

    def take_for_connection(self) -> Setting:
        """The setting for a new connection: one that acts before reading, or `ok`."""
        if self._settings and self._settings[0].name in BEFORE_READING:
            return self._taken()
        return OK

    def take_for_request(self, path: str) -> Setting:
        if self._settings and self._settings[0].path in path:
            return self._taken()
        return OK

    def _taken(self) -> Setting:
        setting = self._settings[0]
        if setting.left is not None:
            setting.left -= 1
            if setting.left == 0:
                self._settings.pop(0)
        return setting
