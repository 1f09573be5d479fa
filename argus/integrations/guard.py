"""The outermost line of each hook: whatever happens inside, the training goes on."""

from __future__ import annotations

import functools
import logging

from argus.core.interruption import is_interruption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Hook = TypeVar("Hook", bound=Callable[..., Any])

_logger = logging.getLogger("argus")


def never_raises(hook: Hook) -> Hook:
    """A hook that returns None where it would raise, and says so once for each object.

    KeyboardInterrupt, SystemExit and what a signal handler raises are the user's, and pass.
    """

    @functools.wraps(hook)
    def guarded(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return hook(self, *args, **kwargs)
        except Exception as error:
            if is_interruption(error):
                raise
            _tell(self, hook.__name__, error)
        return None

    return guarded  # type: ignore[return-value]


def _tell(owner: Any, name: str, error: Exception) -> None:
    """Only the type: an error's text may be anything, a token among it."""
    told: set[str] = owner.__dict__.setdefault("_told_failures", set())
    if name in told:
        return
    told.add(name)
    try:
        _logger.warning(
            "%s.%s() failed inside and was left out: %s",
            type(owner).__name__,
            name,
            type(error).__name__,
        )
    except (RecursionError, MemoryError):  # no room to say it here: then the next time
        told.discard(name)
