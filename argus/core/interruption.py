"""Errors that only pass through: the user's wish to end, raised where our code happened to run."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

_TAKES_MORE = 0x04  # `inspect.CO_VARARGS`: there is an argument like `*_`


def is_interruption(error: BaseException) -> bool:
    """Whether `error` is a KeyboardInterrupt, or came out of a signal handler of the user's.

    Who waits for a number of a GPU is most likely to be interrupted just there: the `sys.exit` of
    a SIGTERM, or the TimeoutError of an alarm, is none that the value's own methods have raised.
    """
    if issubclass(type(error), KeyboardInterrupt):
        return True
    # By the descriptor: the error may be of a class that answers no question without raising.
    at: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    while at is not None and at.tb_next is not None:
        if _was_handed(at.tb_next.tb_frame, at.tb_frame):
            return True
        at = at.tb_next
    return False


def _was_handed(called: FrameType, interrupted: FrameType) -> bool:
    """Whether a function has for an argument the very frame that it was called from: a handler."""
    code = called.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & _TAKES_MORE)
    known = called.f_locals
    for name in code.co_varnames[:count]:
        value = known.get(name)
        if value is interrupted:
            return True
        if type(value) is tuple and any(item is interrupted for item in value[:2]):
            return True
    return False
