"""How a command has ended, in numbers and in words. Pure."""

from __future__ import annotations

import signal
from typing import Any, NamedTuple, Optional

NOT_FOUND = 127  # as shells have it: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
NOT_EXECUTABLE = 126
_BY_SIGNAL = 128


class Ending(NamedTuple):
    """`code` is what a shell would say: 128 and the signal where one has killed the command."""

    code: int
    signal: Optional[str]
    text: str
    reason: str
    out_of_memory: bool = False
    was_started: bool = True

    @property
    def is_good(self) -> bool:
        """Whether the command has done what it was to do."""
        return self.code == 0

    def fields(self) -> dict[str, Any]:
        """What is told of it beside `error` and `reason`."""
        said: dict[str, Any] = {"exit_code": self.code}
        if self.signal is not None:
            said["signal"] = self.signal
        if self.out_of_memory:
            said["out_of_memory"] = True
        return said


def ended(returncode: int, oom_kills: int, is_stopped: bool) -> Ending:
    """The end of a command with a `returncode` as `subprocess` gives it: negative for a signal.

    `oom_kills` is how many processes of our control groups the kernel has killed for want of memory
    meanwhile: a shell hands the 137 of its command on, and a training dies of a worker's death.
    """
    name = _signal_name(-returncode) if returncode < 0 else None
    code = _BY_SIGNAL - returncode if returncode < 0 else returncode
    text = reason = f"exit code {code}" if name is None else f"killed by {name}"
    out_of_memory = bool(oom_kills) and code != 0
    if out_of_memory and code == _BY_SIGNAL + 9:
        text, reason = f"{text}, likely out of memory", "out of memory"
    elif out_of_memory:
        text = f"{text}; a process in its control group was killed for want of memory"
    if is_stopped and code != 0:
        text, reason = f"stopped: {text}", "stopped"
    return Ending(code, name, text, reason, out_of_memory)


def not_started(command: str, error: OSError, is_there: bool) -> Ending:
    """The end of a command that could not begin. `is_there`: a file of that name was found."""
    if isinstance(error, FileNotFoundError) and not is_there:
        return Ending(
            NOT_FOUND, None, f"{command}: command not found", "command not found", was_started=False
        )
    if isinstance(error, FileNotFoundError):
        what = "its interpreter, in the first line, is not there"
    elif isinstance(error, PermissionError):
        what = "not executable (chmod +x makes a script so)"
    else:
        what = error.strerror or str(error)
    return Ending(
        NOT_EXECUTABLE, None, f"{command}: {what}", "cannot be executed", was_started=False
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
