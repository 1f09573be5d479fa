"""A token that can be carried about without being shown."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


HIDDEN = "***"  # what stands where a secret was


class Secret:
    """A token that no `repr`, `vars()`, pickle or traceback with values shows. `reveal()` is the only
    way to it; `hide_in(text)` is the text without it."""

    __slots__ = ("hide_in", "reveal")

    def __init__(self, value: Any) -> None:
        self.reveal: Callable[[], Any] = lambda: value
        self.hide_in: Callable[[str], str] = lambda text: text.replace(value, HIDDEN)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> Any:
        return (Secret, ("",))
