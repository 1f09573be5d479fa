"""One thing that fails is enough."""

from argus.inspection.finding import FAIL, OK, WARN, Finding, would_report


def test_a_run_reports_as_long_as_nothing_fails():
    fine = [Finding("a", "x", OK, ""), Finding("b", "y", WARN, "")]
    assert would_report(fine)
    assert not would_report([*fine, Finding("b", "z", FAIL, "")])
