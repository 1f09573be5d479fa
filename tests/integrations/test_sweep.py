"""One batch of many jobs, held open from one hook of a framework to another."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from argus.integrations.reporting import ReporterArguments
from argus.integrations.sweep import Sweep
from tests.environment import clean_environment, platform, shown
from tests.integrations.reported import PACKAGES
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform"]

UNTOLD = "UnfinishedError: nobody told its end"
ARGUMENTS = ReporterArguments(project="p", experiment_type="e", batch_prefix=None)


def ends(platform: StandIn) -> list[tuple[str, str | None, str | None]]:
    return [
        (kind, job_id, data.get("error"))
        for kind, job_id, data in shown(platform.events())
        if kind.endswith(("done", "failed"))
    ]


def test_jobs_begin_and_end_side_by_side_by_their_keys(platform: StandIn) -> None:
    sweep = Sweep()
    assert sweep.begin(1, "too early") is None
    sweep.open(ARGUMENTS, n_total=2)
    first, second = sweep.begin(1, "a", model="m"), sweep.begin(2, "b")
    assert sweep.begin(1, "a once more") is first
    assert sweep.job(2) is second is not None
    second.metrics({"x": 1})
    sweep.end(2)
    sweep.end(2)
    sweep.end(1, ValueError("no"))
    sweep.close()
    sweep.close()
    sweep.end(1)

    assert ends(platform) == [
        ("job_done", "b", None),
        ("job_failed", "a", "ValueError: no"),
        ("batch_done", None, None),
    ]
    assert (sweep.job(1), sweep.stopped) == (None, False)


def test_what_is_open_when_its_batch_ends_has_failed(platform: StandIn) -> None:
    sweep = Sweep()
    sweep.open(ARGUMENTS)
    sweep.begin(1, "a")
    sweep.close()
    sweep.open(ARGUMENTS)
    sweep.begin(1, "b")
    sweep.close(KeyboardInterrupt())

    assert ends(platform) == [
        ("job_failed", "a", UNTOLD),
        ("batch_done", None, None),
        ("job_failed", "b", "KeyboardInterrupt"),
        ("batch_failed", None, "KeyboardInterrupt"),
    ]


def test_a_batch_that_begins_anew_fails_the_one_before_with_what_its_last_job_said(
    platform: StandIn,
) -> None:
    sweep = Sweep()
    sweep.open(ARGUMENTS)
    sweep.begin(1, "a")
    sweep.end(1, ValueError("token=abc"))
    sweep.open(ARGUMENTS)
    sweep.close()

    assert ends(platform)[1:] == [
        ("batch_failed", None, "UnfinishedError: a: ValueError: token=***"),
        ("batch_done", None, None),
    ]


def test_a_copy_or_a_pickle_holds_nothing_open(platform: StandIn) -> None:
    sweep = Sweep()
    sweep.open(ARGUMENTS)
    for other in (copy.copy(sweep), copy.deepcopy(sweep), pickle.loads(pickle.dumps(sweep))):
        assert other.reporter is None
        other.close()
    assert ends(platform) == []
    sweep.close()


@pytest.mark.parametrize(
    ("call", "last_line", "end"),
    [
        ("train()", "raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("train()", "1 / 0", "ZeroDivisionError: division by zero"),
        ("train()", "sys.exit()", UNTOLD),
        ("train()", "pass", UNTOLD),
        ("sweep.end_with(None, sweep.close)", "pass", UNTOLD),
    ],
)
def test_the_end_of_the_call_or_of_the_process_ends_what_is_open(
    platform: StandIn, call: str, last_line: str, end: str
) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(PACKAGES)!r})
from argus.integrations.reporting import ReporterArguments
from argus.integrations.sweep import Sweep
sweep = Sweep()
sweep.open(ReporterArguments(project="p", experiment_type="e", batch_prefix=None))
sweep.begin(1, "a")
def train():
    sweep.end_with(sys._getframe(), sweep.close)
    {last_line}
{call}
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert ends(platform) == [("job_failed", "a", end), ("batch_failed", None, end)]
