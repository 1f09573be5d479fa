"""What the arguments of a Reporter may be, and the file that stands in for some of them."""

from __future__ import annotations

import os

from argus.core.values import MAX_TEXT, bounded_text, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SETTINGS_FILE = os.path.join("configs", "monitor.yaml")
_MAX_SETTINGS_FILE = 65_536


def command_words(given: Any) -> str | list[str] | None:
    """A command as a person types it, or as the words of an argv, whose secrets are hidden better."""
    if given is None:
        return None
    words = plain(given)
    return [bounded_text(word) for word in words] if type(words) is list else bounded_text(words)


def given_text(value: Any, limit: int = MAX_TEXT) -> str:
    """A value as text; empty for None. Objects are not asked whether they are true."""
    return "" if value is None else bounded_text(value, limit)


def flat_config(given: Any, mistake: Callable[[str], None]) -> dict[str, Any] | None:
    """A configuration as flat hyperparameters. What is none is None, and a mistake."""
    if given is None:
        return None
    from argus.core.flatten import NoConfigError, flattened

    try:
        return flattened(given)
    except NoConfigError:
        mistake("config should be a mapping, a dataclass or a namespace")
        return None


def settings_file() -> str | None:
    """The text of `configs/monitor.yaml` below the working directory, where there is one."""
    try:
        with open(_SETTINGS_FILE, encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_SETTINGS_FILE)
    except OSError:
        return None
