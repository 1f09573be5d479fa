"""How a block was left: done or failed, with which exit code, and what may be told of the reason."""

from __future__ import annotations

from argus.core.statuses import DONE, FAILED, PREEMPTED
from argus.core.values import bounded_text, class_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Failure(SystemExit):
    """Leaves a block whose end is known in words: of a command, not of the code in the block."""

    def __init__(self, error: str, reason: str, code: int) -> None:
        super().__init__(code)
        self.error = error
        self.reason = reason


def is_failure(exc: BaseException | None) -> bool:
    """Whether a block that is left with `exc` has failed: `sys.exit(0)` is an ordinary end."""
    return exc is not None and exit_code(exc) != 0


def ending(exc: BaseException | None, preempted_by: str | None) -> str:
    """How a batch has ended: "done", "failed" or "preempted". What ends once its machine was wanted
    back, however it ends, is no failure, and may not have come to its end either."""
    if preempted_by is not None:
        return PREEMPTED
    return FAILED if is_failure(exc) else DONE


def exit_code(exc: BaseException) -> int:
    """The exit code that a process ends with because of `exc`."""
    kind = type(exc)  # isinstance would ask the exception too, which may raise another
    if issubclass(kind, KeyboardInterrupt):
        return 130
    if not issubclass(kind, SystemExit):
        return 1
    # Anything may be given to sys.exit(), and is not asked what it equals.
    code: Any = SystemExit.__dict__["code"].__get__(exc)
    if code is None:
        return 0
    return int.__int__(code) if issubclass(type(code), int) else 1


def described(exc: BaseException | None) -> dict[str, str]:
    """The fields that say why something failed, secrets hidden: libraries put URLs and headers into
    their errors. No exception is kept: it would keep the frames of the training, and all tensors in
    them, alive."""
    from argus.core.redact import redacted  # patterns to compile, which most runs never need

    if type(exc) is Failure:
        return {"error": redacted(exc.error), "reason": exc.reason}
    name = class_name(exc)
    text = redacted(bounded_text(exc))
    return {"error": f"{name}: {text}" if text else name, "reason": name}


def told(exc: BaseException | None, preempted_by: str | None) -> dict[str, Any]:
    """The fields of a `batch_failed` or `job_failed` that say why."""
    why = described(exc) if is_failure(exc) else {}
    if preempted_by is None:
        return why
    cause = f" ({why['error']})" if why else ""
    error = f"preempted by {preempted_by}{cause}"
    return {"error": error, "reason": PREEMPTED, "preempted": True}
