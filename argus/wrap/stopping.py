"""How a command is brought to an end: asked, told, killed. Pure: it is told the time."""

from __future__ import annotations

import math
import signal

# SIGINT is what a training knows as Ctrl-C, and saves itself at.
_STEPS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGKILL") if hasattr(signal, name)
)


class Escalation:
    """One signal after the other, `grace_s` apart, from `begin` on."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._steps = list(_STEPS)
        self.due_at = math.inf  # monotonic: when the next one is

    @property
    def has_begun(self) -> bool:
        """Whether the command is being stopped."""
        return self.due_at < math.inf or not self._steps

    def begin(self, now: float) -> None:
        """Stop it; more than once changes nothing."""
        if not self.has_begun:
            self.due_at = now

    def step(self, now: float) -> int | None:
        """The signal whose time has come."""
        if now < self.due_at or not self._steps:
            return None
        self.due_at = now + self._grace_s if len(self._steps) > 1 else math.inf
        return int(self._steps.pop(0))
