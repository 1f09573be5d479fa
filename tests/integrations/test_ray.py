"""Experiments of Ray Tune, as a monitor has them afterwards. Ray takes seconds to start: one script
makes all of them, and each test looks at one."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.scripts import TOKEN, Batch, needs, only_batch, run_script
from tests.platform.peers import MonitorProcess

pytestmark = needs("ray", "pyarrow")  # Tune needs both

SCRIPT = """
import http.client, json, os, pathlib, signal, sys, tempfile, time
import argus, ray
from ray import tune
from argus.integrations.ray import ArgusLoggerCallback

HERE = pathlib.Path(__file__).parent
FEW, MANY = 3, 100_000

def train(config):
    iterations = FEW if (HERE / "restored").exists() else config["iterations"]
    for iteration in range(iterations):
        tune.report({"loss": config["lr"] / (iteration + 1), "eval": {"acc": 0.5}, "note": "text"})
        if config["lr"] == 2 and iteration == 1:
            raise ValueError("diverged, password=hunter2")
        if iterations == MANY:
            time.sleep(0.02)

class AtResult(tune.Callback):
    def __init__(self, act):
        self.act = act
        self.left = 3

    def on_trial_result(self, **info):
        self.left -= 1
        if self.left == 0:
            self.act()

def press():
    status = 404
    while status == 404:  # until the monitor knows the batch
        connection = http.client.HTTPConnection(os.environ["ARGUS_URL"].partition("://")[2])
        headers = {"Authorization": "Bearer " + os.environ["ARGUS_TOKEN"]}
        connection.request("POST", f"/api/batches/{argus.get_batch_id()}/stop", headers=headers)
        status = connection.getresponse().status
        connection.close()

def interrupt():
    if not (HERE / "restored").exists():  # Ray restores the callbacks of the experiment, too
        os.kill(os.getpid(), signal.SIGINT)

def fit(name, rates, iterations, act=None, stopper=False):
    callback = ArgusLoggerCallback(
        project="paper", batch_prefix=name, stop_polling=0.05, token=os.environ["ARGUS_TOKEN"]
    )
    tuner = tune.Tuner(
        train,
        param_space={
            "lr": tune.grid_search(rates),
            "iterations": iterations,
            "model": {"name": "patchtst"},
            "dataset": "etth1",
            "api_key": "hunter2",
        },
        run_config=tune.RunConfig(
            name=name,
            storage_path=str(HERE / "results"),
            callbacks=[callback] + ([AtResult(act)] if act else []),
            stop=callback if stopper else None,
            verbose=0,
        ),
    )
    tuner.fit()

with tempfile.TemporaryDirectory(prefix="ray-") as directory:  # short: sockets go there
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=directory)
    fit("plain", [1, 2], FEW)
    fit("button", [1, 3, 4], MANY, press)
    fit("stopper", [1, 3, 4, 5, 6, 7], MANY, press, stopper=True)
    fit("interrupted", [1, 3], MANY, interrupt)
    (HERE / "restored").touch()
    tune.Tuner.restore(str(HERE / "results" / "interrupted"), train).fit()
    ray.shutdown()
print(json.dumps({"active": argus.get_batch_id()}))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the monitor has when all experiments have ended."""
    directory = tmp_path_factory.mktemp("ray")
    script = directory / "script.py"
    script.write_text(SCRIPT, "utf-8")
    with MonitorProcess(directory / "runs", token=TOKEN) as monitor:
        done = run_script(
            monitor, script, RAY_USAGE_STATS_ENABLED="0", RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0"
        )
        assert done.returncode == 0, done.stderr
        assert "failed inside" not in done.stderr
        assert json.loads(done.stdout.splitlines()[-1]) == {"active": None}
        yield directory / "runs"


def epochs(batch: Batch, job_id: str) -> list[dict[str, Any]]:
    return [
        event["data"]
        for event in batch.events
        if event["event_type"] == "job_epoch" and event["job_id"] == job_id
    ]


def test_each_trial_is_a_job_and_each_result_an_epoch(runs: Path) -> None:
    batch = only_batch(runs, "plain")

    assert batch.data("batch_start")[0]["n_total_jobs"] == 2
    starts = {start["config"]["lr"]: start for start in batch.data("job_start")}
    assert sorted(starts) == [1, 2]
    assert (starts[1]["model"], starts[1]["dataset"]) == ("patchtst", "etth1")
    assert starts[1]["config"]["api_key"] == "***"
    assert Path(starts[1]["run_dir"]).parent == runs.parent / "results" / "plain"
    (done,) = [e for e in batch.events if e["event_type"] == "job_done"]
    told = epochs(batch, done["job_id"])
    assert [(e["epoch"], e["train_loss"], e["eval/acc"]) for e in told] == [
        (1, 1.0, 0.5),
        (2, 0.5, 0.5),
        (3, 1 / 3, 0.5),
    ]
    assert set(told[0]) == {
        "epoch",
        "train_loss",
        "eval/acc",
        "time_this_iter_s",
        "time_total_s",
    }
    assert (done["data"]["metrics"]["loss"], done["data"]["train_epochs"]) == (1 / 3, 3)
    assert {event["source"]["project"] for event in batch.events} == {"paper"}


def test_a_trial_fails_with_what_it_raised_and_the_experiment_goes_on(runs: Path) -> None:
    batch = only_batch(runs, "plain")

    (failed,) = [e for e in batch.events if e["event_type"] == "job_failed"]
    assert failed["data"]["error"] == "ValueError: diverged, password=***"
    assert [e["epoch"] for e in epochs(batch, failed["job_id"])] == [1, 2]
    (end,) = batch.data("batch_done")
    assert (end["n_done"], end["n_failed"]) == (1, 1)


def test_the_stop_button_ends_each_trial_with_its_next_result(runs: Path) -> None:
    batch = only_batch(runs, "button")

    assert len(batch.jobs) == 3
    for job_id in batch.jobs:
        types = batch.types(job_id)
        assert (types[0], types[-1]) == ("job_start", "job_done")
        assert set(types[1:-1]) <= {"job_epoch"}
    assert epochs(batch, batch.jobs[2])[-1]["epoch"] == 1
    assert batch.data("batch_done")[0]["n_done"] == 3


def test_as_a_stopper_it_ends_all_at_once_and_none_is_begun(runs: Path) -> None:
    batch = only_batch(runs, "stopper")

    assert 1 <= len(batch.jobs) <= 3  # of six, two run at a time
    assert [batch.types(job_id)[-1] for job_id in batch.jobs] == ["job_done"] * len(batch.jobs)
    assert batch.data("batch_done")[0]["n_failed"] == 0


def test_an_interrupted_experiment_has_failed_and_goes_on_in_its_batch(runs: Path) -> None:
    batch = only_batch(runs, "interrupted")

    assert batch.types_of_batch == ["batch_start", "batch_failed", "batch_start", "batch_done"]
    assert batch.data("batch_failed")[0]["error"] == (
        "UnfinishedError: interrupted, 2 trials unfinished"
    )
    assert batch.data("batch_done")[0]["n_done"] == 2
    for job_id in set(batch.jobs):
        assert batch.types(job_id)[-1] == "job_done"
        assert [e["epoch"] for e in epochs(batch, job_id)][-3:] == [1, 2, 3]


def test_nothing_that_ray_keeps_or_the_monitor_has_holds_a_secret(runs: Path) -> None:
    kept = [path for path in (runs.parent / "results").rglob("*") if path.is_file()]
    assert any(path.name == "tuner.pkl" for path in kept)
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]
    for events in runs.rglob("events.jsonl"):
        text = events.read_text("utf-8")
        assert TOKEN not in text
        assert "hunter2" not in text


def test_a_callback_shows_and_pickles_no_token() -> None:
    from argus.integrations.ray import ArgusLoggerCallback

    callback = ArgusLoggerCallback(project="p", token="em_live_x", argus_url="http://u:pw@h")
    shown = repr(vars(callback)) + repr(callback)
    pickled = pickle.dumps(callback)
    assert not [s for s in ("em_live_x", "u:pw") if s in shown or s.encode() in pickled]
    assert callback.stop_all() is False


def test_hooks_that_are_given_nonsense_raise_nothing() -> None:
    from argus.integrations.ray import ArgusLoggerCallback

    kind: Any = ArgusLoggerCallback
    callback = kind(project=None, train_loss_keys=None, heartbeat="x")
    for argument in (None, object(), {}):
        callback.setup(total_num_samples=argument)
        callback.log_trial_start(argument)
        callback.log_trial_restore(argument)
        callback.log_trial_result(1, argument, argument)
        callback.log_trial_end(argument, failed=True)
        callback.on_step_begin(1, argument)
        callback.on_step_end(1, argument)
        callback.set_state(argument)
        callback.on_experiment_end(argument)
    callback.on_experiment_end([])
