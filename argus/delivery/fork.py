"""What a fork needs: no heavy import half done, and nothing of the parent's in the child.

A child that is forked while another thread imports a module waits for ever when it imports the
same one, since the importing thread is not there to finish. Our daemons import `socket`, `ssl` and
their kin just when a training script starts its workers, so a fork waits for that, bounded.
"""

from __future__ import annotations

import os
import threading
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Forkable(Protocol):
        """Something that must know that it is in a child now."""

        def after_fork_in_child(self) -> None: ...


_LONGEST_IMPORT_S = 2.0

_importing = threading.RLock()
_alive: weakref.WeakSet[Forkable] = weakref.WeakSet()


class importing:  # noqa: N801 - reads as a statement: with importing(): ...
    """Hold forks back while modules are imported; not for longer than an import can take, since
    whoever imports may hold what another import waits for."""

    def __enter__(self) -> None:
        self._lock = _importing
        self._lock.acquire(timeout=_LONGEST_IMPORT_S)

    def __exit__(self, *_: object) -> None:
        _let_go(self._lock)


def watch(forkable: Forkable) -> None:
    """Call its `after_fork_in_child` in every child, as long as somebody else holds it."""
    _alive.add(forkable)


def _before() -> None:
    _importing.acquire(timeout=_LONGEST_IMPORT_S)


def _after_in_parent() -> None:
    _let_go(_importing)


def _after_in_child() -> None:
    global _importing  # noqa: PLW0603 - a fork concerns the whole process
    _importing = threading.RLock()
    for forkable in list(_alive):
        forkable.after_fork_in_child()


def _let_go(lock: threading.RLock) -> None:
    """Release a lock that this thread has, unless the wait for it was in vain. The lock alone knows:
    several threads may fork at once, and a note beside it can be interrupted."""
    try:
        lock.release()
    except RuntimeError:  # it is another thread's
        pass


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
