from __future__ import annotations

import math

import pytest

from argus.cli.progress import DONE, FAILED, RUNNING, WAITING, Progress, as_number
from tests.cli.stories import event, job_story, whole_story


def folded(events):
    progress = Progress()
    for one in events:
        progress.fold(one)
    return progress


def test_nothing_yet():
    progress = Progress()
    assert (progress.status, progress.events, dict(progress.jobs)) == (WAITING, 0, {})


def test_a_whole_batch():
    progress = folded(whole_story())
    assert (progress.batch_id, progress.status, progress.n_jobs) == ("demo-1", DONE, 2)
    assert {job_id: job.status for job_id, job in progress.jobs.items()} == {"a": DONE, "b": DONE}
    assert progress.jobs["a"].series("val_loss") == [(0.0, 0.75), (1.0, 0.5), (2.0, 0.25)]
    assert progress.jobs["b"].best("val_loss") == 0.125
    assert progress.jobs["b"].latest("val_loss") == 0.125
    assert math.isnan(progress.jobs["b"].series("val_loss")[1][1])
    assert list(progress.log) == ["b: half way"]
    assert progress.snapshots[-1]["ram_mb"] == 2048.0
    assert (progress.events, progress.duplicates) == (15, 0)
    assert progress.missing() == []


def test_a_duplicate_is_counted_and_changes_nothing():
    events = whole_story()
    progress = folded(events)
    assert progress.fold(events[2]) is False
    assert (progress.events, progress.duplicates) == (15, 1)
    assert len(progress.jobs["a"].epochs) == 3


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ("batch_start", ["batch_start"]),
        ("batch_done", ["batch_done"]),
        ("job_start", ["job_start of a", "job_start of b"]),
        ("job_done", ["job_done of a", "job_done of b"]),
        ("job_epoch", ["3 of 3 epochs of a", "3 of 3 epochs of b"]),
        ("log_line", []),
    ],
)
def test_what_has_not_arrived_is_named(left_out, missing):
    progress = folded(one for one in whole_story() if one["event_type"] != left_out)
    assert progress.missing() == missing


def test_a_gap_between_epochs_is_seen_without_the_end_of_the_job():
    story = job_story("a", [0.5, 0.5, 0.5])
    progress = folded([event("batch_start"), story[0], story[1], story[3]])
    assert progress.missing() == ["batch_done", "job_done of a", "1 of 3 epochs of a"]


def test_a_job_that_never_began_is_missed():
    progress = folded([event("batch_start", n_total_jobs=2), *job_story("a", [0.5])])
    assert progress.missing() == ["batch_done", "1 of 2 jobs"]


def test_failures_keep_their_reason():
    progress = folded(
        [
            event("batch_start"),
            event("job_start", "a"),
            event("job_failed", "a", error="ValueError: no", reason="error"),
            event("batch_failed", reason="KeyboardInterrupt"),
        ]
    )
    assert (progress.status, progress.error) == (FAILED, "KeyboardInterrupt")
    assert (progress.jobs["a"].status, progress.jobs["a"].error) == (FAILED, "ValueError: no")
    assert progress.missing() == []


def test_a_type_that_is_not_known_is_only_counted():
    progress = folded([event("env_snapshot", hostname="h"), event("from_the_future")])
    assert (progress.events, progress.status) == (2, WAITING)


def test_a_job_runs_from_its_first_event_on():
    assert folded([event("job_epoch", "a", epoch=0)]).jobs["a"].status == RUNNING


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (0.5, 0.5),
        ("Infinity", math.inf),
        ("x", None),
        (None, None),
        (True, None),
        ([], None),
    ],
)
def test_numbers_as_they_travel(value, number):
    assert as_number(value) == number
