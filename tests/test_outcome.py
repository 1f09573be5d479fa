"""How a block was left, from the exception alone."""

import pytest

from argus.outcome import Failure, ending, exit_code, is_failure, told


@pytest.mark.parametrize(
    ("exc", "code"),
    [
        (KeyboardInterrupt(), 130),
        (ValueError("no"), 1),
        (SystemExit(), 0),
        (SystemExit(0), 0),
        (SystemExit(3), 3),
        (SystemExit("no"), 1),
        (SystemExit(True), 1),
        (Failure("killed", "oom", 137), 137),
    ],
)
def test_exit_code_is_the_one_that_the_process_ends_with(exc, code):
    assert exit_code(exc) == code
    assert is_failure(exc) is (code != 0)
    assert ending(exc, None) == ("failed" if code else "done")


def test_block_that_is_left_without_one_is_done_and_one_whose_machine_was_wanted_preempted():
    assert ending(None, None) == "done"
    assert ending(None, "SIGTERM") == ending(ValueError(), "SIGTERM") == "preempted"


def test_reason_is_told_without_secrets():
    fields = told(ValueError("https://ann:hunter2@host/x"), None)
    assert fields["reason"] == "ValueError"
    assert fields["error"].startswith("ValueError: ")
    assert "hunter2" not in fields["error"]
    assert told(None, None) == {}


def test_preemption_is_told_with_what_it_cut_short():
    fields = told(None, "SIGTERM")
    assert (fields["reason"], fields["preempted"]) == ("preempted", True)
    assert "SIGTERM" in fields["error"]
