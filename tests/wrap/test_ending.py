from __future__ import annotations

import pytest

from argus.wrap.ending import Ending, ended, not_started


@pytest.mark.parametrize(
    ("returncode", "oom_kills", "is_stopped", "ending"),
    [
        (0, 0, False, Ending(0, None, "exit code 0", "exit code 0")),
        (3, 0, False, Ending(3, None, "exit code 3", "exit code 3")),
        (-15, 0, False, Ending(143, "SIGTERM", "killed by SIGTERM", "killed by SIGTERM")),
        (-9, 0, False, Ending(137, "SIGKILL", "killed by SIGKILL", "killed by SIGKILL")),
        (-63, 0, False, Ending(191, "signal 63", "killed by signal 63", "killed by signal 63")),
        (
            -9,
            1,
            False,
            Ending(
                137, "SIGKILL", "killed by SIGKILL, likely out of memory", "out of memory", True
            ),
        ),
        (
            137,
            2,
            False,
            Ending(137, None, "exit code 137, likely out of memory", "out of memory", True),
        ),
        (
            1,
            1,
            False,
            Ending(
                1,
                None,
                "exit code 1; a process in its control group was killed for want of memory",
                "exit code 1",
                True,
            ),
        ),
        (0, 1, False, Ending(0, None, "exit code 0", "exit code 0")),
        (-2, 0, True, Ending(130, "SIGINT", "stopped: killed by SIGINT", "stopped")),
        (0, 0, True, Ending(0, None, "exit code 0", "exit code 0")),
    ],
)
def test_how_a_command_ended(
    returncode: int, oom_kills: int, is_stopped: bool, ending: Ending
) -> None:
    assert ended(returncode, oom_kills, is_stopped) == ending


@pytest.mark.parametrize(
    ("error", "is_there", "code", "text"),
    [
        (FileNotFoundError(2, "No such file"), False, 127, "x: command not found"),
        (
            FileNotFoundError(2, "No such file"),
            True,
            126,
            "x: its interpreter, in the first line, is not there",
        ),
        (PermissionError(13, "no"), True, 126, "x: not executable (chmod +x makes a script so)"),
        (OSError(8, "Exec format error"), True, 126, "x: Exec format error"),
    ],
)
def test_why_a_command_did_not_begin(error: OSError, is_there: bool, code: int, text: str) -> None:
    ending = not_started("x", error, is_there)
    assert (ending.code, ending.text, ending.was_started) == (code, text, False)


def test_what_is_told_of_an_ending() -> None:
    assert ended(-9, 1, False).fields() == {
        "exit_code": 137,
        "signal": "SIGKILL",
        "out_of_memory": True,
    }
    assert ended(0, 0, False).fields() == {"exit_code": 0}
