"""Small trainings with Keras, reported to a monitor."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.environment import clean_environment
from tests.integrations.reported import (
    TOKEN,
    Monitor,
    data_of,
    ended,
    monitor,
    shape,
    start,
)

os.environ.setdefault("KERAS_BACKEND", "torch")
keras: Any = pytest.importorskip("keras", reason="keras is not installed")
np: Any = pytest.importorskip("numpy", reason="numpy is not installed")

from argus.integrations.keras import ArgusCallback  # noqa: E402

__all__ = ["clean_environment", "monitor"]

pytestmark = pytest.mark.filterwarnings("ignore")

X, Y = np.zeros((8, 2)), np.zeros((8, 1))
BEGUN = ["batch_start", "job_start"]
DONE = ["job_done", "batch_done"]
FAILED = ["job_failed", "batch_failed"]


def model() -> Any:
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="tiny")
    made.compile(keras.optimizers.SGD(0.5), "mse", metrics=["mae"])
    return made


def fit(*callbacks: Any, **more: Any) -> Any:
    settings = {"epochs": 3, "batch_size": 4, "verbose": 0, **more}
    return model().fit(X, Y, callbacks=list(callbacks), **settings)


def argus_callback(**more: Any) -> Any:
    return ArgusCallback(**{"project": "demo", "job_id": "j1", **more})


class Raises(keras.callbacks.Callback):
    """Raises in the second epoch. What is raised is kept nowhere, nor the frames that it came through."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.error = error

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            raise self.error("out of luck")


def test_each_epoch_has_every_number_of_its_logs(monitor: Monitor):
    history = fit(argus_callback(), validation_data=(X, Y), validation_freq=2).history
    events = monitor.batch()
    assert shape(events) == [*BEGUN, *["job_epoch"] * 3, *DONE]
    epochs = data_of(events, "job_epoch")
    assert [(e["epoch"], e["train_loss"], e["mae"], e["lr"]) for e in epochs] == [
        (epoch, history["loss"][epoch], history["mae"][epoch], 0.5) for epoch in range(3)
    ]
    # None of an earlier validation is sent again.
    assert [e.get("val_loss") for e in epochs] == [None, history["val_loss"][0], None]
    assert [e.get("val_mae") for e in epochs] == [None, history["val_mae"][0], None]
    assert data_of(events, "job_start") == [{"model": "tiny"}]
    config = data_of(events, "env_snapshot")[0]["config"]
    assert (config["epochs"], config["optimizer.learning_rate"]) == (3, 0.5)
    assert data_of(events, "job_done")[0]["metrics"] == {
        "loss": history["loss"][-1],
        "mae": history["mae"][-1],
    }


@pytest.mark.parametrize(
    ("scheduling", "rates"),
    [
        (lambda: keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr / 2), [0.25, 0.125]),
        (lambda: keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0), [0.5, 0.5, 0.05]),
    ],
)
def test_the_rate_is_that_of_the_epoch_whoever_schedules_it(
    scheduling: Any, rates: list[float], monitor: Monitor
):
    fit(scheduling(), argus_callback(), epochs=len(rates))
    reported = [epoch["lr"] for epoch in data_of(monitor.batch(), "job_epoch")]
    assert reported == pytest.approx(rates)


def test_the_stop_button_ends_the_fit(monitor: Monitor):
    def press() -> None:
        monitor.wait_for(lambda: monitor.batches() and data_of(monitor.batch(), "job_epoch"))
        monitor.press_stop(monitor.batch()[0]["batch_id"])

    pressing = threading.Thread(target=press)
    pressing.start()
    history = fit(argus_callback(stop_polling=0.05), epochs=20_000)
    pressing.join()
    assert len(history.epoch) < 20_000
    assert shape(monitor.batch())[-2:] == DONE


def test_an_error_that_the_user_catches_is_a_failure_without_a_word_about_it(monitor: Monitor):
    callback = argus_callback()
    try:
        fit(callback, Raises(ValueError))
    except ValueError:
        assert callback._held.job is not None  # it may yet be told why
    events = monitor.batch()
    assert shape(events) == [*BEGUN, "job_epoch", *FAILED]
    assert data_of(events, "batch_failed")[0]["reason"] == "UnfinishedError"


def test_report_failure_says_why_and_does_so_once(monitor: Monitor):
    callback = argus_callback()
    try:
        fit(callback, Raises(KeyboardInterrupt))
    except KeyboardInterrupt as error:
        callback.report_failure(error)
        callback.report_failure(error)
    events = monitor.batch()
    assert shape(events) == [*BEGUN, "job_epoch", *FAILED]
    assert data_of(events, "batch_failed")[0]["reason"] == "KeyboardInterrupt"


def test_an_error_that_ends_the_script_is_told_with_its_reason(monitor: Monitor, tmp_path: Path):
    script = """
import keras, numpy as np
from argus.integrations.keras import ArgusCallback

class Raises(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt("out of luck")

model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
callbacks = [ArgusCallback(project="demo", job_id="j1"), Raises()]
model.fit(np.zeros((8, 2)), np.zeros((8, 1)), verbose=0, callbacks=callbacks)
"""
    status, output = ended(start(script, tmp_path))
    assert status != 0, output
    assert shape(monitor.batch()) == [*BEGUN, "job_epoch", *FAILED]
    (failed,) = data_of(monitor.batch(), "batch_failed")
    assert failed["error"] == "KeyboardInterrupt: out of luck"


def test_a_callback_may_be_used_again_and_each_fit_is_a_batch(monitor: Monitor):
    callback = argus_callback(final_metric_keys=["mae"])
    fit(callback, epochs=1)
    with pytest.raises(ValueError, match=""):
        fit(callback, Raises(ValueError))
    fit(callback, epochs=2)
    shapes = sorted(map(shape, monitor.batches()), key=lambda it: (it[-1], len(it)))
    assert shapes == [
        [*BEGUN, "job_epoch", *DONE],
        [*BEGUN, "job_epoch", "job_epoch", *DONE],
        [*BEGUN, "job_epoch", *FAILED],
    ]


def test_predict_and_evaluate_alone_open_nothing(monitor: Monitor):
    made = model()
    made.evaluate(X, Y, verbose=0, callbacks=[argus_callback()])
    made.predict(X, verbose=0, callbacks=[argus_callback()])
    assert monitor.batches() == []


def test_copies_and_pickles_hold_no_token_and_no_open_batch(monitor: Monitor):
    class Looks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            copy.copy(callback._held).close()
            copy.deepcopy(callback._held).close(ValueError())
            pickled.append(pickle.dumps(callback._held))
            pickle.loads(pickled[-1]).close()

    pickled = []
    callback = argus_callback(token=TOKEN)
    pickled.append(pickle.dumps(callback))
    assert type(copy.deepcopy(callback)) is ArgusCallback
    fit(callback, Looks())
    assert shape(monitor.batch()) == [*BEGUN, *["job_epoch"] * 3, *DONE]
    assert not any(TOKEN.encode() in data for data in pickled)
    assert TOKEN not in repr(vars(callback))
