from __future__ import annotations

import signal
import sys
from typing import Any

import pytest

from argus.launch.signal_report import Row, described, lines, rows_here, rows_of
from argus.launch.signals import Handler

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

# A training under submitit: SIGTERM and SIGUSR2 caught, SIGHUP ignored, SIGUSR1 blocked.
STATUS = """\
Name:\tpython
SigQ:\t0/1
SigBlk:\t0000000000000200
SigIgn:\t0000000001001001
SigCgt:\t0000000000004802
"""
SLURM = {"SLURM_JOB_ID": "7", "SUBMITIT_EXECUTOR": "slurm"}


def _theirs(signum: int, frame: Any) -> None: ...


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (signal.SIG_DFL, "default action"),
        (signal.SIG_IGN, "ignored"),
        (None, "a handler that is none of Python's"),
        (signal.default_int_handler, "Python: KeyboardInterrupt"),
        (_theirs, f"{__name__}._theirs"),
        (Handler(_theirs), f"Argus, then {__name__}._theirs"),
        (Handler(Handler(signal.SIG_DFL)), "Argus, then Argus, then default action"),
    ],
)
def test_a_handler_in_words(handler: Any, words: str) -> None:
    assert described(handler) == words


def test_another_process_by_what_the_kernel_says() -> None:
    assert rows_of(STATUS, SLURM) == [
        Row("SIGTERM", "a handler", False, True),
        Row("SIGUSR1", "default action", True, False),
        Row("SIGUSR2", "a handler", False, True),
        Row("SIGINT", "a handler", False, False),
        Row("SIGHUP", "ignored", False, False),
        Row("SIGCONT", "default action", False, False),
    ]


def test_this_process_by_what_python_says() -> None:
    before = signal.signal(signal.SIGUSR2, _theirs)
    try:
        rows = {row.signal: row for row in rows_here({})}
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert rows["SIGUSR2"] == Row("SIGUSR2", f"{__name__}._theirs", False, False)


def test_lines_for_a_person() -> None:
    under, elsewhere = lines(rows_of(STATUS, SLURM), SLURM), lines(rows_of(STATUS, {}), {})
    assert under[0] == (
        "a Reporter here watches SIGTERM and SIGUSR2, as SLURM_JOB_ID=7, SUBMITIT_EXECUTOR=slurm "
        "is set"
    )
    assert "signals=True" in elsewhere[0]
    assert under[1:] == elsewhere[1:]
    assert under[2] == "SIGUSR1  default action, blocked: it does not arrive"
