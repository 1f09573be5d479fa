"""The outermost line of each public call: whatever happens inside, training goes on."""

from __future__ import annotations

import functools

from argus.core.interruption import is_interruption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Call = TypeVar("Call", bound=Callable[..., Any])


ITSELF: Any = object()  # stands for the object whose method it is


def never_raises(otherwise: Any) -> Callable[[Call], Call]:
    """A method that returns `otherwise` where it would raise, and has its object's `_notices`
    tell it once. KeyboardInterrupt, SystemExit and what a signal handler raises are the user's,
    and pass."""

    def decorate(call: Call) -> Call:
        @functools.wraps(call)
        def guarded(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            try:
                return call(self, *args, **kwargs)
            except Exception as error:
                try:
                    tell(self, call.__name__, error)
                except OUT_OF_ROOM as lack:
                    self._notices.put_off = call.__name__, lack.__class__.__name__
            return self if otherwise is ITSELF else otherwise

        return guarded  # type: ignore[return-value]

    return decorate


# What leaves no room to say so, nor to call anything: then it is noted, and told later.
OUT_OF_ROOM = (RecursionError, MemoryError)


def tell(owner: Any, name: str, error: BaseException) -> None:
    """Say once that a call has failed inside. Only the type: an error's text may be anything.

    Raises `error` again where the call has not failed at all, but was interrupted.
    """
    if isinstance(error, OUT_OF_ROOM):
        owner._notices.put_off = name, type(error).__name__
        return
    if is_interruption(error):
        raise error
    owner._notices.failed(name, type(error).__name__)
    import traceback  # as `logging` does, which has just been loaded

    # Whoever shows or keeps the traceback gets no values with it: no token, and no tensor.
    traceback.clear_frames(error.__traceback__)
    owner._notices.debug("%s() failed", name, exc_info=error)
