"""Whether process ids that the kernel's drivers tell are those that this process sees."""

from __future__ import annotations

import os

_OF_THE_MACHINE = "pid:[4026531836]"  # PROC_PID_INIT_INO: the namespace that the kernel began with


def sees_the_machine(proc: str) -> bool:
    """True where `proc` numbers processes as the machine does, and not as a container."""
    try:
        return os.readlink(f"{proc}/self/ns/pid") == _OF_THE_MACHINE
    except OSError:
        return False
