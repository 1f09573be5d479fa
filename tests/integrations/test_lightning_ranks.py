"""Two ranks on the CPU, by gloo: one batch, whatever has launched them, and one end for both."""

from __future__ import annotations

import re
from pathlib import Path

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

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("lightning.pytorch", reason="lightning is not installed")

__all__ = ["clean_environment", "monitor"]

pytestmark = pytest.mark.filterwarnings("ignore")

SCRIPT = """
from argus.integrations.lightning import ArgusCallback, ArgusLogger
import lightning.pytorch as pl
import torch

class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch, index):
        self.log("train_loss", float(self.global_rank), on_epoch=True, sync_dist=True)
        return self.layer(batch[0]).pow(2).mean()

    def validation_step(self, batch, index):
        self.log("val_loss", 10.0 * self.global_rank, sync_dist=True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.5)

    def on_train_end(self):
        print(f"rank {self.global_rank} ends at {self.trainer.global_step}", flush=True)

def rows(count=8):
    data = torch.utils.data.TensorDataset(torch.zeros(count, 2))
    return torch.utils.data.DataLoader(data, batch_size=2)

if __name__ == "__main__":
    strategy, count, logged = ARGUMENTS
    callback = ArgusCallback(project="demo", job_id="j1", token="TOKEN", stop_polling=0.05)
    pl.Trainer(
        accelerator="cpu", devices=2, strategy=strategy, max_epochs=2, callbacks=callback,
        logger=ArgusLogger(project="demo", job_id="j2") if logged else False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    ).fit(Net(), rows(count), rows())
"""


def script(strategy: str, count: int = 8, logged: bool = False) -> str:
    arguments = (strategy, count, logged)
    return SCRIPT.replace("ARGUMENTS", repr(arguments)).replace("TOKEN", TOKEN)


def last_steps(output: str) -> dict[str, str]:
    return dict(re.findall(r"rank (\d) ends at (\d+)", output))


@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn"])
def test_two_ranks_make_one_batch(strategy: str, monitor: Monitor, tmp_path: Path):
    status, output = ended(start(script(strategy, logged=True), tmp_path))
    assert status == 0, output
    assert last_steps(output) == {"0": "4", "1": "4"}
    by_job = {events[1]["job_id"]: events for events in monitor.batches()}
    assert sorted(by_job) == ["j1", "j2"]
    assert shape(by_job["j1"]) == [
        *("batch_start", "job_start"),
        *("job_epoch", "job_epoch"),
        *("job_done", "batch_done"),
    ]
    epochs = data_of(by_job["j1"], "job_epoch")
    assert [(e["epoch"], e["train_loss"], e["val_loss"]) for e in epochs] == [
        (0, 0.5, 5.0),
        (1, 0.5, 5.0),
    ]
    assert [e["val_loss"] for e in data_of(by_job["j2"], "job_epoch") if "val_loss" in e] == [5, 5]


def test_the_stop_button_ends_both_ranks_after_the_same_batch(monitor: Monitor, tmp_path: Path):
    training = start(script("ddp", 400_000), tmp_path)
    try:
        monitor.wait_for(lambda: monitor.batches() and data_of(monitor.batch(), "job_start"))
        monitor.press_stop(monitor.batch()[0]["batch_id"])
    finally:
        status, output = ended(training)
    assert status == 0, output
    steps = last_steps(output)
    assert steps["0"] == steps["1"]
    assert int(steps["0"]) < 100_000, "within the first epoch"
    assert shape(monitor.batch())[-2:] == ["job_done", "batch_done"]


def test_what_the_script_reports_around_and_after_a_fit_is_one_batch_each(
    monitor: Monitor, tmp_path: Path
):
    code, fit = script("ddp").split("    strategy, count, logged")
    fit = "        strategy, count, logged" + fit.replace("\n    ", "\n        ")
    both = f"""
    from argus import Reporter
    with Reporter("around") as r:
{fit}
        print("id", r.batch_id, flush=True)
    with Reporter("after") as r:
        print("id", r.batch_id, flush=True)
"""
    status, output = ended(start(code + both, tmp_path))
    assert status == 0, output
    found = [(events[0]["batch_id"], shape(events)[-1]) for events in monitor.batches()]
    assert [(name.partition("-")[0], end) for name, end in sorted(found)] == [
        (name, "batch_done") for name in ("after", "around", "lightning")
    ]
    told = re.findall(r"id (\S+)", output)
    assert sorted(told) == sorted(2 * [name for name, _ in found if name[0] == "a"])


def test_an_error_of_the_first_rank_is_a_failure(monitor: Monitor, tmp_path: Path):
    broken = script("ddp").replace(
        "    def validation_step(self, batch, index):\n",
        "    def validation_step(self, batch, index):\n"
        "        if self.current_epoch == 1 and not self.trainer.sanity_checking:\n"
        "            raise ValueError('out of luck')\n",
    )
    status, _ = ended(start(broken, tmp_path))
    assert status != 0
    events = monitor.batch()
    assert shape(events) == [
        *("batch_start", "job_start", "job_epoch", "job_failed", "batch_failed")
    ]
    assert data_of(events, "batch_failed")[0]["error"] == "ValueError: out of luck"
