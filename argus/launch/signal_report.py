"""Who handles which signal, for `argus doctor --signals`: of this process, or of another by its pid."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any, NamedTuple

from argus.core.values import class_name
from argus.launch.signals import Handler, preemption_signals

_SHOWN = ("SIGTERM", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGHUP", "SIGCONT")
_SCHEDULERS = ("SLURM_JOB_ID", "SUBMITIT_EXECUTOR", "SUBMITIT_PREEMPT_SIGNAL")
# Lines of /proc/PID/status, masks of signals: proc_pid_status(5)
_BLOCKED, _IGNORED, _CAUGHT = "SigBlk", "SigIgn", "SigCgt"


class Row(NamedTuple):
    """One signal. `watched`: a Reporter that is opened here would notice it."""

    signal: str
    handled_by: str
    is_blocked: bool
    is_watched: bool


def rows_here(environ: Mapping[str, str]) -> list[Row]:
    """Of this process: what it has inherited, and what was installed since."""
    watched = _watched(environ)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ()) if _has_masks() else set()
    return [
        Row(name, described(signal.getsignal(number)), number in blocked, number in watched)
        for name, number in _numbers().items()
    ]


def rows_of(status: str, environ: Mapping[str, str]) -> list[Row]:
    """Of the process whose /proc/PID/status and environment these are: there the kernel does not say
    more than whether it has a handler."""
    watched = _watched(environ)
    blocked, ignored, caught = (_mask(status, name) for name in (_BLOCKED, _IGNORED, _CAUGHT))
    rows = []
    for name, number in _numbers().items():
        bit = 1 << (number - 1)
        handler = "a handler" if caught & bit else "ignored" if ignored & bit else "default action"
        rows.append(Row(name, handler, bool(blocked & bit), number in watched))
    return rows


def described(handler: Any) -> str:
    """A handler, as `signal.getsignal` gives it, in words."""
    if handler is None:
        return "a handler that is none of Python's"
    if isinstance(handler, Handler):
        return f"Argus, then {described(handler.previous)}"
    if handler == signal.SIG_DFL:
        return "default action"
    if handler == signal.SIG_IGN:
        return "ignored"
    if handler is signal.default_int_handler:
        return "Python: KeyboardInterrupt"
    module = getattr(handler, "__module__", None) or "?"
    return f"{module}.{getattr(handler, '__qualname__', None) or class_name(handler)}"


def lines(rows: list[Row], environ: Mapping[str, str]) -> list[str]:
    """The same for a person."""
    found = [f"{name}={environ[name]}" for name in _SCHEDULERS if environ.get(name)]
    watched = [row.signal for row in rows if row.is_watched]
    told = [
        f"a Reporter here watches {' and '.join(watched)}, as {', '.join(found)} is set"
        if watched
        else "a Reporter here watches no signal, unless it is given signals=True: neither "
        "SLURM_JOB_ID nor SUBMITIT_EXECUTOR is set"
    ]
    for row in rows:
        blocked = ", blocked: it does not arrive" if row.is_blocked else ""
        told.append(f"{row.signal:8} {row.handled_by}{blocked}")
    return told


def _watched(environ: Mapping[str, str]) -> frozenset[int]:
    is_scheduled = any(environ.get(name) for name in _SCHEDULERS[:2])
    return frozenset(preemption_signals(environ) if is_scheduled else ())


def _numbers() -> dict[str, int]:
    return {name: getattr(signal, name) for name in _SHOWN if hasattr(signal, name)}


def _has_masks() -> bool:
    return hasattr(signal, "pthread_sigmask")


def _mask(status: str, name: str) -> int:
    for line in status.splitlines():
        label, _, value = line.partition(":")
        if label == name:
            return int(value, 16)
    return 0
