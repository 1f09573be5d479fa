from __future__ import annotations

import pytest

from argus.cli.narration import sentence, summary
from argus.cli.progress import Progress
from tests.cli.stories import event, whole_story


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (event("batch_start"), "demo-1  start"),
        (event("job_start", "a"), "a  start"),
        (
            event("job_epoch", "a", epoch=0, train_loss=0.5, val_loss="NaN"),
            "a  epoch 1/25  train_loss 0.5  val_loss nan",
        ),
        (event("resource_snapshot", ram_mb=2.5, pid=3), "resources  ram_mb 2.5"),
        (event("log_line", "a", line="hello", level="info"), "a  hello"),
        (event("log_line", "a", line="heartbeat", level="debug"), None),
        (event("job_failed", "a", error="ValueError: no"), "a  failed: ValueError: no"),
        (event("batch_failed", error="Boom"), "demo-1  failed: Boom"),
        (event("job_done", "a"), "a  done"),
        (event("env_snapshot"), None),
    ],
)
def test_one_line_for_what_is_worth_one(told, expected):
    assert sentence(told, 25) == expected


def test_summary_tells_of_each_job_and_counts_the_events():
    progress = Progress()
    for one in [*whole_story(), event("job_start", "c")]:
        progress.fold(one)
    assert summary(progress) == [
        "a        done     3 epochs, best val_loss 0.2500",
        "b        done     3 epochs, best val_loss 0.1250",
        "c        running  0 epochs, no val_loss",
        "16 events arrived, 0 of them twice",
    ]
