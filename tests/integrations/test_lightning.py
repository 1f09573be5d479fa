"""Small trainings with Lightning, reported to a monitor."""

from __future__ import annotations

import copy
import pickle
import signal
import threading
from typing import Any

import pytest

from tests.environment import clean_environment
from tests.integrations.reported import TOKEN, Monitor, data_of, monitor, shape

torch = pytest.importorskip("torch", reason="torch is not installed")
pl: Any = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")

from argus.integrations.lightning import ArgusCallback, ArgusLogger  # noqa: E402
from argus.integrations.lightning import callback as callback_module  # noqa: E402

__all__ = ["clean_environment", "monitor"]

pytestmark = pytest.mark.filterwarnings("ignore")

DONE = ["batch_start", "job_start", "job_epoch", "job_epoch", "job_epoch", "job_done", "batch_done"]


class Net(pl.LightningModule):
    """Logs the epoch's number, so that a test can tell whose value it is that arrives."""

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch: Any, index: int) -> Any:
        self.log("train_loss", 10.0 + self.current_epoch, on_step=False, on_epoch=True)
        self.log("own/share", 0.5)
        return self.layer(batch[0]).pow(2).mean()

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val_loss", 20.0 + self.current_epoch)
        self.log("accuracy", 30.0 + self.current_epoch)

    def test_step(self, batch: Any, index: int) -> None:
        self.log("test_loss", 1.0)

    def predict_step(self, batch: Any, index: int) -> Any:
        return self.layer(batch[0])

    def on_train_epoch_end(self) -> None:
        self.log("late", 40.0 + self.current_epoch)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.5)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]


def rows(count: int = 8) -> Any:
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.zeros(count, 2)), batch_size=4
    )


def trainer(**more: Any) -> Any:
    settings = {
        "accelerator": "cpu",
        "max_epochs": 3,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        **more,
    }
    return pl.Trainer(**settings)


def argus_callback(**more: Any) -> Any:
    return ArgusCallback(**{"project": "demo", "job_id": "j1", **more})


def test_each_epoch_has_the_values_of_its_own_training_and_validation(monitor: Monitor):
    trainer(callbacks=[argus_callback()]).fit(Net(), rows(), rows())
    events = monitor.batch()
    assert shape(events) == DONE
    assert data_of(events, "job_epoch") == [
        {
            "epoch": epoch,
            "train_loss": 10.0 + epoch,
            "val_loss": 20.0 + epoch,
            "lr": 0.5**epoch * 0.5,
            "own/share": 0.5,
            "accuracy": 30.0 + epoch,
            "late": 40.0 + epoch,
        }
        for epoch in range(3)
    ]
    assert events[0]["data"]["experiment_type"] == "lightning"
    assert events[0]["source"]["project"] == "demo"
    assert data_of(events, "job_start") == [{"model": "Net"}]
    assert data_of(events, "env_snapshot")[0]["config"] == {"width": 3}
    (done,) = data_of(events, "job_done")
    assert done["train_epochs"] == 3
    assert (done["metrics"]["val_loss"], done["metrics"]["train_loss"]) == (22.0, 12.0)


def test_no_value_of_an_earlier_validation_is_sent_again(monitor: Monitor):
    trainer(callbacks=[argus_callback()], check_val_every_n_epoch=2).fit(Net(), rows(), rows())
    epochs = data_of(monitor.batch(), "job_epoch")
    assert [epoch.get("val_loss") for epoch in epochs] == [None, 21.0, None]
    assert [epoch.get("accuracy") for epoch in epochs] == [None, 31.0, None]


def test_without_a_validation_there_are_train_losses_alone(monitor: Monitor):
    trainer(callbacks=[argus_callback(final_metric_keys=["late", "missing"])]).fit(Net(), rows())
    events = monitor.batch()
    assert [("val_loss" in e, e["train_loss"]) for e in data_of(events, "job_epoch")] == [
        (False, 10.0),
        (False, 11.0),
        (False, 12.0),
    ]
    assert data_of(events, "job_done")[0]["metrics"] == {"late": 42.0}


def test_a_test_alone_opens_nothing_and_each_fit_is_a_batch_of_its_own(monitor: Monitor):
    callback = argus_callback()
    used = trainer(callbacks=callback, max_epochs=1)  # a callback alone must be one of its package
    used.validate(Net(), rows())
    used.test(Net(), rows())
    used.predict(Net(), rows())
    assert monitor.batches() == []
    used.fit(Net(), rows())
    trainer(callbacks=[callback], max_epochs=2).fit(Net(), rows())
    shapes = sorted(map(shape, monitor.batches()), key=len)
    assert shapes == [[*DONE[:3], *DONE[-2:]], [*DONE[:4], *DONE[-2:]]]


def test_an_error_makes_the_job_and_the_batch_failed(monitor: Monitor):
    class Broken(Net):
        def training_step(self, batch: Any, index: int) -> Any:
            if self.current_epoch == 1:
                raise ValueError("out of luck")
            return super().training_step(batch, index)

    with pytest.raises(ValueError, match="out of luck"):
        trainer(callbacks=[argus_callback()]).fit(Broken(), rows())
    events = monitor.batch()
    assert shape(events) == [*DONE[:3], "job_failed", "batch_failed"]
    assert data_of(events, "job_failed")[0]["error"] == "ValueError: out of luck"


def test_ctrl_c_is_a_failure_though_lightning_makes_an_exit_of_it(monitor: Monitor):
    class Interrupted(Net):
        def training_step(self, batch: Any, index: int) -> Any:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit):
            trainer(callbacks=[argus_callback()]).fit(Interrupted(), rows())
    finally:
        signal.signal(signal.SIGINT, before)  # Lightning has had it ignored
    events = monitor.batch()
    assert shape(events) == ["batch_start", "job_start", "job_failed", "batch_failed"]
    assert data_of(events, "batch_failed")[0]["reason"] == "KeyboardInterrupt"


def test_the_epoch_before_an_error_is_reported(monitor: Monitor):
    class BreaksLate(Net):
        def on_train_epoch_end(self) -> None:
            super().on_train_epoch_end()
            raise ValueError

    with pytest.raises(ValueError, match=""):
        trainer(callbacks=[argus_callback()]).fit(BreaksLate(), rows())
    (epoch,) = data_of(monitor.batch(), "job_epoch")
    assert (epoch["epoch"], epoch["train_loss"]) == (0, 10.0)


def test_what_cannot_be_told_at_the_end_leaves_no_batch_open(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
):
    def broken(logged: Any) -> Any:
        raise ValueError("inside")

    monkeypatch.setattr(callback_module, "numbers", broken)
    callback = argus_callback()
    trainer(max_epochs=1, callbacks=callback).fit(Net(), rows())
    assert shape(monitor.batch()) == ["batch_start", "job_start", "job_done", "batch_done"]


def test_the_stop_button_ends_the_fit_within_an_epoch(monitor: Monitor):
    def press() -> None:
        monitor.wait_for(lambda: monitor.batches() and data_of(monitor.batch(), "job_start"))
        monitor.press_stop(monitor.batch()[0]["batch_id"])

    pressing = threading.Thread(target=press)
    pressing.start()
    used = trainer(callbacks=[argus_callback(stop_polling=0.05)], max_epochs=1)
    used.fit(Net(), rows(200_000))
    pressing.join()
    assert used.should_stop
    assert used.global_step < 50_000
    events = monitor.batch()
    assert shape(events) == [*DONE[:3], *DONE[-2:]]


def test_copies_and_pickles_hold_no_token_and_no_open_batch(monitor: Monitor):
    class Looks(pl.Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            pickled.append(pickle.dumps(callback))
            copy.deepcopy(callback).on_train_end(trainer, pl_module)
            pickle.loads(pickled[-1]).on_exception(trainer, pl_module, ValueError())

    pickled: list[bytes] = []
    callback = argus_callback(token=TOKEN)
    trainer(callbacks=[callback, Looks()]).fit(Net(), rows())
    assert shape(monitor.batch()) == DONE
    assert not any(TOKEN.encode() in data for data in pickled)
    assert TOKEN not in repr(callback) + repr(vars(callback))
    again = pickle.loads(pickled[0])
    assert type(again) is type(callback)
    assert all(isinstance(again, kind) for kind in (ArgusCallback, pl.Callback))


def test_either_package_has_its_own_class(monitor: Monitor):
    other: Any = pytest.importorskip(
        "pytorch_lightning", reason="pytorch_lightning is not installed"
    )
    assert all(isinstance(argus_callback(), kind) for kind in (pl.Callback, other.Callback))

    class Other(other.LightningModule):
        def training_step(self, batch: Any, index: int) -> Any:
            self.log("loss", 1.0)
            return self.layer(batch[0]).mean()

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        configure_optimizers = Net.configure_optimizers

    other.Trainer(
        accelerator="cpu",
        max_epochs=3,
        logger=ArgusLogger(project="demo", job_id="logged"),
        callbacks=argus_callback(),
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Other(), rows())
    assert DONE in list(map(shape, monitor.batches()))
    assert {e["job_id"] for events in monitor.batches() for e in events if e["job_id"]} == {
        "j1",
        "logged",
    }
