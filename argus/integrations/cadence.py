"""How often all ranks ask each other whether to stop. Pure: the time is given."""

from __future__ import annotations

_QUICK_S = 1.0  # asked again sooner than that, it is asked less often


class Cadence:
    """Counts batches. All ranks count the same ones and adapt by what they have all agreed on, so
    that they always ask together; the answer to a pressed button is about two seconds old, or one batch."""

    def __init__(self, now: float) -> None:
        self._every = 1
        self._batches = 0
        self._asked_at = now

    def due(self) -> bool:
        """One more batch: whether to ask now."""
        self._batches += 1
        return self._batches >= self._every

    def is_quick(self, now: float) -> bool:
        """Whether this rank was last asked so recently that it would rather be asked less often."""
        return now - self._asked_at < _QUICK_S

    def asked(self, now: float, all_quick: bool) -> None:
        """They were asked; `all_quick` is what all ranks have said to `is_quick`."""
        self._every = self._every * 2 if all_quick else max(self._every // 2, 1)
        self._batches = 0
        self._asked_at = now
