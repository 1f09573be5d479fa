"""Tells that a call was left with an error, to those whom nobody tells."""

from __future__ import annotations

import atexit
import sys
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any


def calling(method: str, is_owner: Callable[[Any], bool]) -> FrameType | None:
    """The call of that method, of an object that `is_owner`, from which this is called."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == method and is_owner(frame.f_locals.get("self")):
            return frame
        frame = frame.f_back
    return None


class FrameWatch:
    """Calls `left` once, when `frame` comes to its end, or else the process; not after `end()`.

    A frame cannot be watched, but what it holds can: an extra name among its locals, which is nothing
    to the code that runs there. It goes when the frame goes: on return, or with the traceback. The error
    goes with it, and nobody can be asked for it. Only where it has ended the process it is known:
    `left` is called with it, and else with None.
    """

    def __init__(
        self, frame: FrameType | None, left: Callable[[BaseException | None], None]
    ) -> None:
        self._left = left
        mark = _Mark()
        self._mark = weakref.ref(mark)
        if frame is not None:
            frame.f_locals[mark.name] = mark
        else:
            self._kept = mark
        self._finalizer = weakref.finalize(mark, self._tell, None)
        self._finalizer.atexit = False
        # Whoever is imported before this has its exit after this.
        atexit.register(self._exit)

    def end(self) -> None:
        """Nothing is to be told any more."""
        self._finalizer.detach()
        atexit.unregister(self._exit)

    def _exit(self) -> None:
        error = getattr(sys, "last_value", None)
        mark = self._mark()
        self._tell(error if mark is not None and _came_through(error, mark) else None)

    def _tell(self, error: BaseException | None) -> None:
        self.end()
        self._left(error)


class _Mark:
    """What a frame holds, to tell by its end that of the frame: under a name of its own, since two may
    watch one frame."""

    def __init__(self) -> None:
        self.name = f"argus held run {id(self)}"


def _came_through(error: BaseException | None, mark: _Mark) -> bool:
    """Whether `error` was raised below the frame that holds `mark`."""
    at = error.__traceback__ if error is not None else None
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    frame = at.tb_frame if at is not None else None
    while frame is not None and frame.f_locals.get(mark.name) is not mark:
        frame = frame.f_back
    return frame is not None
