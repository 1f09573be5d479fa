"""Small trainings with the Trainer of transformers, reported to a monitor."""

from __future__ import annotations

import copy
import os
import pickle
import re
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

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from argus.integrations.transformers import ArgusCallback  # noqa: E402

__all__ = ["clean_environment", "monitor"]

pytestmark = pytest.mark.filterwarnings("ignore")

BEGUN = ["batch_start", "job_start"]
DONE = ["job_done", "batch_done"]
FAILED = ["job_failed", "batch_failed"]


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, x: Any, labels: Any = None) -> Any:
        return {"loss": (self.layer(x) - labels).pow(2).mean(), "out": self.layer(x)}


ROWS = [{"x": torch.ones(2), "labels": torch.ones(1)} for _ in range(8)]


def trainer(directory: Path, *callbacks: Any, **more: Any) -> Any:
    settings = {
        "output_dir": str(directory / "out"),
        "per_device_train_batch_size": 4,
        "num_train_epochs": 2,
        "logging_steps": 1,
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "save_strategy": "no",
        "lr_scheduler_type": "constant",
        "learning_rate": 0.5,
        **more,
    }
    return transformers.Trainer(
        Net(),
        transformers.TrainingArguments(**settings),
        train_dataset=ROWS,
        eval_dataset=ROWS,
        callbacks=list(callbacks),
    )


def argus_callback(**more: Any) -> Any:
    return ArgusCallback(**{"project": "demo", "job_id": "j1", **more})


class Raises(transformers.TrainerCallback):
    """What it raises is kept nowhere, nor the frames that it came through."""

    def on_epoch_end(self, *args: Any, **kwargs: Any) -> None:
        raise ValueError("out of luck")


def test_each_log_is_an_epoch_and_an_evaluation_is_one_too(monitor: Monitor, tmp_path: Path):
    more = {"eval_strategy": "epoch", "save_strategy": "epoch", "hub_token": "hf_secret"}
    trained = trainer(tmp_path, argus_callback(), **more)
    trained.train()
    events = monitor.batch()
    of_an_epoch = ["job_epoch", "job_epoch", "job_epoch", "log_line"]
    assert shape(events) == [*BEGUN, *of_an_epoch, *of_an_epoch, *DONE]
    epochs = data_of(events, "job_epoch")
    assert [e["epoch"] for e in epochs] == [1, 2, 2, 3, 4, 4]
    assert [e["trainer_epoch"] for e in epochs] == [0.5, 1.0, 1.0, 1.5, 2.0, 2.0]
    assert [e["progress"] for e in epochs] == [0.25, 0.5, 0.5, 0.75, 1.0, 1.0]
    history = trained.state.log_history
    assert [e["train_loss"] for e in epochs if "train_loss" in e] == [
        entry["loss"] for entry in history if "loss" in entry
    ]
    assert [e["val_loss"] for e in epochs if "val_loss" in e] == [
        entry["eval_loss"] for entry in history if "eval_loss" in entry
    ]
    assert [e["lr"] for e in epochs if "lr" in e] == [0.5] * 4
    lines = [data["line"] for data in data_of(events, "log_line")]
    assert [re.sub(r".*/", "", line) for line in lines] == ["checkpoint-2", "checkpoint-4"]
    assert all(Path(line.partition(": ")[2]).is_dir() for line in lines)
    (done,) = data_of(events, "job_done")
    assert done["metrics"]["eval_loss"] == epochs[-1]["val_loss"]
    assert done["metrics"]["train_runtime"] > 0
    assert data_of(events, "job_start") == [{"model": "Net"}]
    config = data_of(events, "env_snapshot")[0]["config"]
    assert (config["learning_rate"], config["num_train_epochs"]) == (0.5, 2)
    assert "hf_secret" not in str(events)


def test_the_run_goes_by_its_name_or_its_directory(monitor: Monitor, tmp_path: Path):
    trainer(tmp_path, argus_callback(job_id=None), max_steps=1).train()
    trainer(tmp_path, argus_callback(job_id=None), max_steps=1, run_name="named").train()
    jobs = {event["job_id"] for events in monitor.batches() for event in events if event["job_id"]}
    assert jobs == {"out", "named"}


def test_the_stop_button_ends_the_training(monitor: Monitor, tmp_path: Path):
    def press() -> None:
        monitor.wait_for(lambda: monitor.batches() and data_of(monitor.batch(), "job_epoch"))
        monitor.press_stop(monitor.batch()[0]["batch_id"])

    pressing = threading.Thread(target=press)
    pressing.start()
    trained = trainer(tmp_path, argus_callback(stop_polling=0.05), max_steps=200_000)
    trained.train()
    pressing.join()
    assert trained.state.global_step < 200_000
    assert shape(monitor.batch())[-2:] == DONE


def test_an_error_is_a_failure_as_soon_as_it_is_handled(monitor: Monitor, tmp_path: Path):
    trained = trainer(tmp_path, argus_callback(), Raises())
    try:
        trained.train()
    except ValueError:
        pass
    assert shape(monitor.batch()) == [*BEGUN, "job_epoch", "job_epoch", *FAILED]


def test_report_failure_says_why(monitor: Monitor, tmp_path: Path):
    callback = argus_callback()
    try:
        trainer(tmp_path, callback, Raises()).train()
    except ValueError as error:
        callback.report_failure(error)
    (failed,) = data_of(monitor.batch(), "batch_failed")
    assert failed["error"] == "ValueError: out of luck"


def test_copies_and_pickles_hold_no_token_and_no_open_batch(monitor: Monitor, tmp_path: Path):
    class Looks(transformers.TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            pickled.append(pickle.dumps(callback))
            pickle.loads(pickled[-1]).on_train_end(args, state, control)
            copy.deepcopy(callback).report_failure(ValueError())

    pickled: list[bytes] = []
    callback = argus_callback(token=TOKEN)
    trainer(tmp_path, callback, Looks(), max_steps=2).train()
    assert shape(monitor.batch()) == [*BEGUN, "job_epoch", "job_epoch", *DONE]
    assert not any(TOKEN.encode() in data for data in pickled)
    assert TOKEN not in repr(callback) + repr(vars(callback))


RANKS = """
import os, sys
from pathlib import Path
from tests.integrations.test_transformers import argus_callback, trainer
trained = trainer(Path.cwd(), argus_callback(stop_polling=0.05), max_steps=1_000_000)
trained.train()
print(f"rank {os.environ['RANK']} ends at {trained.state.global_step}", flush=True)
"""


def test_two_ranks_make_one_batch_and_stop_after_the_same_step(monitor: Monitor, tmp_path: Path):
    path = tmp_path / "ranks.py"
    path.write_text(RANKS, "utf-8")
    launch = f"""
import os, runpy, sys
sys.argv = ["torchrun", "--nproc-per-node", "2", "--master-port", "0", {str(path)!r}]
sys.argv[3:5] = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
runpy.run_module("torch.distributed.run", run_name="__main__")
"""
    root = Path(__file__).resolve().parent.parent.parent
    paths = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(root)])
    training = start(launch, tmp_path, PYTHONPATH=paths)
    try:
        monitor.wait_for(lambda: monitor.batches() and data_of(monitor.batch(), "job_epoch"))
        monitor.press_stop(monitor.batch()[0]["batch_id"])
    finally:
        status, output = ended(training)
    assert status == 0, output
    steps = dict(re.findall(r"rank (\d) ends at (\d+)", output))
    assert steps["0"] == steps["1"]
    assert shape(monitor.batch())[-2:] == DONE
