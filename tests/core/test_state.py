import pytest

from argus.core.state import Signs, run_state

FRESH, OLD = 80.0, 91.0  # seconds, of a beat each 30 s


@pytest.mark.parametrize(
    ("told", "lives", "silence_s", "holds_lock", "expected"),
    [
        ("done", False, OLD, False, "done"),
        ("failed", False, OLD, False, "failed"),
        ("preempted", None, OLD, None, "preempted"),
        ("running", True, FRESH, None, "running"),
        ("running", None, FRESH, None, "running"),  # on another machine
        ("running", False, FRESH, None, "crashed"),
        ("running", False, OLD, None, "crashed"),
        ("running", None, OLD, True, "running"),  # on another machine, whose locks we see
        ("running", True, OLD, True, "running"),  # stopped by SIGSTOP, or a disk that hangs
        ("running", None, OLD, None, "stalled"),
        ("running", None, OLD, False, "stalled"),
        ("running", True, OLD, None, "stalled"),  # no locks on that file system
        ("running", True, OLD, False, "crashed"),  # the number is another process's by now
        ("", None, FRESH, None, "running"),
    ],
)
def test_state_follows_from_what_is_told_and_what_is_seen(
    told, lives, silence_s, holds_lock, expected
):
    assert run_state(told, Signs(lives, silence_s, 30.0), holds_lock) == expected
