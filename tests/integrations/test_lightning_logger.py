"""ArgusLogger as the logger of trainers."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tests.environment import clean_environment
from tests.integrations.reported import TOKEN, Monitor, data_of, monitor, shape

torch = pytest.importorskip("torch", reason="torch is not installed")
pl: Any = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")

from argus.integrations.lightning import ArgusLogger  # noqa: E402
from tests.integrations.test_lightning import Net, rows, trainer  # noqa: E402

__all__ = ["clean_environment", "monitor"]

pytestmark = pytest.mark.filterwarnings("ignore")


def argus_logger(**more: Any) -> Any:
    return ArgusLogger(**{"project": "demo", "job_id": "j1", **more})


def test_each_log_of_the_trainer_is_an_epoch_with_the_step_for_its_number(monitor: Monitor):
    trainer(logger=argus_logger(), max_epochs=2, log_every_n_steps=1).fit(Net(), rows(), rows())
    events = monitor.batch()
    of_an_epoch = ["job_epoch"] * 4  # two steps, the validation, and the end
    assert shape(events) == [
        *("batch_start", "job_start"),
        *(of_an_epoch * 2),
        *("job_done", "batch_done"),
    ]
    epochs = data_of(events, "job_epoch")
    assert [epoch["epoch"] for epoch in epochs] == [0, 1, 1, 1, 2, 3, 3, 3]
    assert [epoch["trainer_epoch"] for epoch in epochs] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [e["val_loss"] for e in epochs if "val_loss" in e] == [20.0, 21.0]
    assert [e["train_loss"] for e in epochs if "train_loss" in e] == [10.0, 11.0]
    assert data_of(events, "job_done")[0]["metrics"]["late"] == 41.0
    assert data_of(events, "env_snapshot")[0]["config"] == {"width": 3}


def test_a_test_after_the_fit_goes_to_the_same_batch(monitor: Monitor):
    used = trainer(logger=argus_logger(), max_epochs=1)
    used.fit(Net(), rows())
    used.test(Net(), rows())
    events = monitor.batch()
    assert data_of(events, "job_epoch")[-1]["test_loss"] == 1.0
    assert data_of(events, "job_done")[-1]["metrics"]["test_loss"] == 1.0


def test_trainers_of_one_process_report_apart(monitor: Monitor):
    for fold in range(2):
        logger = argus_logger(job_id=f"fold-{fold}")
        trainer(logger=[logger], max_epochs=1).fit(Net(), rows())
        assert (logger.name, logger.version) == ("demo", f"fold-{fold}")
    jobs = [{e["job_id"] for e in events if e["job_id"]} for events in monitor.batches()]
    assert sorted(map(sorted, jobs)) == [["fold-0"], ["fold-1"]]


def test_an_error_is_told_with_its_reason_even_where_nothing_was_logged(monitor: Monitor):
    class Broken(Net):
        def training_step(self, batch: Any, index: int) -> Any:
            raise ValueError("out of luck")

    with pytest.raises(ValueError, match="out of luck"):
        trainer(logger=argus_logger()).fit(Broken(), rows())
    events = monitor.batch()
    assert shape(events) == ["batch_start", "job_start", "job_failed", "batch_failed"]
    assert data_of(events, "batch_failed")[0]["error"] == "ValueError: out of luck"


def test_only_the_first_rank_reports(monitor: Monitor, monkeypatch: pytest.MonkeyPatch):
    rank_zero_only = pytest.importorskip("lightning_utilities.core.rank_zero").rank_zero_only

    logger = argus_logger()
    monkeypatch.setattr(rank_zero_only, "rank", 1, raising=False)
    logger.log_metrics({"loss": 1.0}, step=0)
    logger.experiment.log("not here")
    logger.finalize("failed")
    monkeypatch.setattr(rank_zero_only, "rank", 0)
    logger.experiment.log("here")
    logger.finalize("success")
    assert shape(monitor.batch()) == [
        *("batch_start", "job_start", "log_line", "job_done", "batch_done")
    ]


def test_a_pickle_holds_no_token(monitor: Monitor):
    logger = argus_logger(token=TOKEN)
    logger.log_metrics({"loss": 1.0}, step=0)
    data = pickle.dumps(logger)
    assert TOKEN.encode() not in data
    pickle.loads(data).finalize("success")  # it has nothing open
    logger.finalize("success")
    assert shape(monitor.batch()) == [
        *("batch_start", "job_start", "job_epoch", "job_done", "batch_done")
    ]
