"""Runs and sweeps of Hydra, with its real launchers, as a monitor has them afterwards."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.scripts import (
    TOKEN,
    Batch,
    batches,
    environment,
    needs,
    only_batch,
    run_script,
)
from tests.platform.peers import MonitorProcess

pytestmark = needs("hydra")

TASK = """
import pathlib, sys
import argus, hydra
from argus.integrations.hydra import stopped
from hydra.core.hydra_config import HydraConfig

@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def main(cfg):
    print("in", argus.get_batch_id())
    for epoch in range(cfg.epochs):
        argus.emit("job_epoch", epoch=epoch, train_loss=cfg.lr / (epoch + 1))
    figures = pathlib.Path(HydraConfig.get().runtime.output_dir) / "figures"
    figures.mkdir()
    (figures / "loss.png").write_bytes(b"PNG")
    if cfg.ends == "stop":
        print("waiting", flush=True)
        while not stopped():
            pass
    elif cfg.ends == "interrupt":
        raise KeyboardInterrupt
    elif cfg.ends == "nested":
        with argus.Reporter("own", stop_polling=False, resource_snapshot=False) as r, r.job("mine"):
            pass
    elif cfg.ends == "fail":
        raise ValueError(f"diverged, password={cfg.password}")
    return cfg.lr

main()
"""
CONFIG = """
defaults: [{model: patchtst}, _self_]
dataset: {name: ETTh1, path: /data/etth1.csv}
lr: 0.5
epochs: 2
ends: done
password: hunter2
login: ${oc.env:DB_PASSWORD}
where: ${hydra:runtime.output_dir}
nowhere: ${oc.env:NO_SUCH_VARIABLE}
hydra:
  hydra_logging: {version: 1, root: {level: ERROR}, disable_existing_loggers: false}
  callbacks:
    argus:
      _target_: argus.integrations.hydra.ArgusCallback
      project: paper
      batch_prefix: "%s"
      job_id_key: null
      job_id_template: null
      stop_polling: false
      token: null
      auto_upload_dirs: [figures]
"""
CALLBACK = "hydra.callbacks.argus"


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitorProcess]:
    with MonitorProcess(tmp_path_factory.mktemp("monitor") / "runs", token=TOKEN) as monitor:
        yield monitor


class Project:
    """A training script with its configuration, whose batches have a prefix of their own."""

    def __init__(self, monitor: MonitorProcess, directory: Path) -> None:
        self.monitor = monitor
        self.script = directory / "train.py"
        self.prefix = directory.name
        models = directory / "conf" / "model"
        models.mkdir(parents=True)
        self.script.write_text(TASK, "utf-8")
        (directory / "conf" / "config.yaml").write_text(CONFIG % self.prefix, "utf-8")
        (models / "patchtst.yaml").write_text("dim: 16\n", "utf-8")
        (models / "linear.yaml").write_text("{name: DLinear, dim: 1}\n", "utf-8")

    def run(
        self, *overrides: str, **environ: str
    ) -> tuple[subprocess.CompletedProcess[str], Batch]:
        environ = {"DB_PASSWORD": "swordfish", **environ}
        done = run_script(self.monitor, self.script, *overrides, **environ)
        assert "failed inside" not in done.stdout + done.stderr
        assert "Callback ArgusCallback" not in done.stderr
        return done, only_batch(Path(self.monitor.runs), self.prefix)


@pytest.fixture
def project(monitor: MonitorProcess, tmp_path: Path) -> Project:
    return Project(monitor, tmp_path)


def test_a_single_run_is_a_batch_of_one_job(project: Project) -> None:
    done, batch = project.run()

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"in {batch.path.name}\n"
    (job_id,) = batch.jobs
    assert job_id == f"{batch.path.name}-0"
    assert batch.types(job_id) == ["job_start", "job_epoch", "job_epoch", "job_done"]
    assert batch.data("batch_start")[0]["n_total_jobs"] == 1
    (start,) = batch.data("job_start")
    assert (start["model"], start["dataset"]) == ("patchtst", "ETTh1")
    assert len(start["config_digest"]) == 64
    assert Path(start["run_dir"]).parent.parent == project.script.parent / "outputs"
    (end,) = batch.data("job_done")
    assert (end["metrics"], end["train_epochs"]) == ({"objective": 0.5}, 2)
    assert batch.data("batch_done")[0]["n_done"] == 1
    assert {event["source"]["project"] for event in batch.events} == {"paper"}
    assert [file.name[-8:] for file in (batch.path / "media").glob("*.png")] == ["loss.png"]


def test_its_configuration_is_resolved_and_has_no_secrets(project: Project) -> None:
    _, batch = project.run("+api_key=em_live_x", "lr=0.25")

    config = batch.config
    assert config.pop("where").startswith(str(project.script.parent / "outputs"))
    assert config == {
        "model.dim": 16,
        "dataset.name": "ETTh1",
        "dataset.path": "/data/etth1.csv",
        "lr": 0.25,
        "epochs": 2,
        "ends": "done",
        "password": "***",
        "login": "***",
        "nowhere": "${oc.env:NO_SUCH_VARIABLE}",
        "api_key": "***",
    }
    text = (batch.path / "events.jsonl").read_text("utf-8")
    assert not [secret for secret in ("hunter2", "swordfish", "em_live") if secret in text]


def test_a_failure_is_told_as_the_task_raised_it(project: Project) -> None:
    done, batch = project.run("ends=fail")

    assert done.returncode == 1
    assert batch.types(batch.jobs[0])[-1] == "job_failed"
    (job,), (end,) = batch.data("job_failed"), batch.data("batch_failed")
    assert job["error"] == end["error"] == "ValueError: diverged, password=***"
    assert (end["n_done"], end["n_failed"]) == (0, 1)
    assert not list(batch.path.glob("media/*.png"))


def test_a_sweep_is_one_batch_with_a_job_for_each_trial(project: Project) -> None:
    done, batch = project.run(
        "-m",
        "lr=0.1,0.2",
        "model=patchtst,linear",
        f"{CALLBACK}.job_id_template='{{model}}-{{lr:.2f}}-{{num}}'",
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"in {batch.path.name}\n" * 4
    assert batch.jobs == ["patchtst-0.10-0", "DLinear-0.10-1", "patchtst-0.20-2", "DLinear-0.20-3"]
    for job_id in batch.jobs:
        assert batch.types(job_id) == ["job_start", "job_epoch", "job_epoch", "job_done"]
    assert batch.data("batch_start")[0]["n_total_jobs"] == 4
    last = batch.data("job_start")[-1]
    assert last["overrides"] == ["lr=0.2", "model=linear"]
    assert (last["config"]["lr"], last["config"]["model.dim"]) == (0.2, 1)
    assert len({start["config_digest"] for start in batch.data("job_start")}) == 4
    assert batch.data("batch_done")[0]["n_done"] == 4
    assert len(list((batch.path / "media").glob("*.png"))) == 4


def test_a_sweep_that_a_trial_ends_has_failed(project: Project) -> None:
    done, batch = project.run("-m", "ends=done,fail", f"{CALLBACK}.job_id_key=ends")

    assert done.returncode == 1
    assert batch.jobs == ["done", "fail"]
    assert batch.types("fail")[-1] == "job_failed"
    (end,) = batch.data("batch_failed")
    assert end["error"] == "UnfinishedError: fail: ValueError: diverged, password=***"
    assert (end["n_done"], end["n_failed"]) == (1, 1)


def test_a_sweep_that_failed_does_not_get_into_what_comes_after_it(project: Project) -> None:
    task = project.script.read_text("utf-8")
    project.script.write_text(
        f"""{task[: task.rindex("main()")]}
sys.argv[1:] = ["-m", "ends=fail"]
try:
    main()
except SystemExit:
    sys.argv[1:] = ["-m", "ends=done", "hydra.callbacks.argus.batch_prefix=after", "hydra.sweep.dir=after"]
    main()
""",
        "utf-8",
    )
    done, failed = project.run()

    assert done.returncode == 0, done.stderr
    assert failed.types_of_batch == ["batch_start", "batch_failed"]
    after = batches(Path(project.monitor.runs), "after")[-1]
    assert after.types_of_batch == ["batch_start", "batch_done"]
    assert len(after.jobs) == 1


def test_two_callbacks_have_a_batch_each(project: Project) -> None:
    second = ",".join(["_target_:argus.integrations.hydra.ArgusCallback", "project:other"])
    done, first = project.run("-m", "lr=1,2", f"+hydra.callbacks.second={{{second}}}")

    assert done.returncode == 0, done.stderr
    (other,) = [
        batch
        for batch in batches(Path(project.monitor.runs), "hydra")
        if batch.events[0]["source"]["project"] == "other"
    ]
    for batch in (first, other):
        assert batch.types_of_batch == ["batch_start", "batch_done"]
        assert len(batch.jobs) == 2


def test_ctrl_c_ends_the_job_and_its_batch(project: Project) -> None:
    _, batch = project.run("ends=interrupt")

    assert batch.types(batch.jobs[0])[-1] == "job_failed"
    (end,) = batch.data("batch_failed")
    assert (end["reason"], end["exit_code"]) == ("KeyboardInterrupt", 130)


def test_where_no_file_is_uploaded_the_number_of_a_job_is_enough(project: Project) -> None:
    done, batch = project.run("-m", "lr=0.1,0.2", f"{CALLBACK}.auto_upload_dirs=null")

    assert done.returncode == 0, done.stderr
    assert sorted(batch.jobs) == ["0", "1"]


def test_a_reporter_inside_the_task_joins_the_batch(project: Project) -> None:
    done, batch = project.run("ends=nested")

    assert done.returncode == 0, done.stderr
    assert set(batch.jobs) == {f"{batch.path.name}-0", "mine"}  # each has a sender of its own
    assert batch.types("mine") == ["job_start", "job_done"]
    assert batch.types_of_batch == ["batch_start", "batch_done"]
    assert batches(Path(project.monitor.runs), "own") == []


def test_the_stop_button_is_known_to_the_task(project: Project) -> None:
    environ = environment(project.monitor, project.script.parent, DB_PASSWORD="x")
    command = [sys.executable, str(project.script), "ends=stop", f"{CALLBACK}.stop_polling=0.05"]
    with subprocess.Popen(
        command, cwd=project.script.parent, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        batch_id = process.stdout.readline().split()[1]
        assert process.stdout.readline() == "waiting\n"
        pressed = 404
        while pressed == 404:  # until the monitor knows the batch
            connection = http.client.HTTPConnection("127.0.0.1", project.monitor.port)
            headers = {"Authorization": f"Bearer {TOKEN}"}
            connection.request("POST", f"/api/batches/{batch_id}/stop", headers=headers)
            pressed = connection.getresponse().status
            connection.close()
        assert pressed == 200
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param("joblib", marks=needs("hydra_plugins.hydra_joblib_launcher")),
        pytest.param("submitit_local", marks=needs("hydra_plugins.hydra_submitit_launcher")),
    ],
)
def test_workers_join_the_batch_of_their_sweep_with_the_token_of_its_configuration(
    project: Project, launcher: str
) -> None:
    done, batch = project.run(
        "-m",
        "lr=0.1,0.2",
        f"hydra/launcher={launcher}",
        f"{CALLBACK}.token={TOKEN}",
        f"{CALLBACK}.job_id_template=${{model.dim}}-${{lr}}",
        ARGUS_TOKEN="",
    )

    assert done.returncode == 0, done.stderr
    assert sorted(batch.jobs) == ["16-0.1", "16-0.2"]
    for job_id in batch.jobs:
        assert batch.types(job_id) == ["job_start", "job_epoch", "job_epoch", "job_done"]
    assert batch.types_of_batch == ["batch_start", "batch_done"]
    assert len(list((batch.path / "media").glob("*.png"))) == 2
    assert TOKEN not in (batch.path / "events.jsonl").read_text("utf-8")


@needs("hydra_plugins.hydra_optuna_sweeper")
def test_a_trial_of_optuna_names_its_study(project: Project) -> None:
    done, batch = project.run(
        "-m",
        "lr=interval(0.1,0.2)",
        "hydra/sweeper=optuna",
        "hydra.sweeper.n_trials=3",
        "hydra.sweeper.n_jobs=1",
        "hydra.sweeper.study_name=rates",
    )

    assert done.returncode == 0, done.stderr
    assert batch.data("batch_start")[0]["n_total_jobs"] == 3
    trials = [start["optuna"] for start in batch.data("job_start")]
    assert [(t["study_name"], t["trial_number"]) for t in trials] == [
        ("rates", 0),
        ("rates", 1),
        ("rates", 2),
    ]
    assert len({trial["params_hash"] for trial in trials}) == 3
    assert [set(end["metrics"]) for end in batch.data("job_done")] == [{"objective"}] * 3


def test_no_platform_no_trace(project: Project) -> None:
    done = run_script(project.monitor, project.script, DB_PASSWORD="x", ARGUS_URL="")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (project.script.parent / "state").exists()


def test_a_callback_shows_and_pickles_no_token() -> None:
    import pickle

    from argus.integrations.hydra import ArgusCallback

    callback: Any = ArgusCallback(project="p", token="em_live_x", argus_url="http://u:pw@h")
    shown = repr(vars(callback)) + repr(callback)
    pickled = pickle.dumps(callback)
    assert not [s for s in ("em_live_x", "u:pw") if s in shown or s.encode() in pickled]
    assert vars(pickle.loads(pickled))["_job_id_key"] is None


def test_bad_arguments_and_a_config_of_another_kind_raise_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from argus.integrations.hydra import ArgusCallback

    monkeypatch.setenv("ARGUS_STATE_DIR", str(tmp_path))
    kind: Any = ArgusCallback
    callback = kind(
        project=None, heartbeat="x", auto_upload_dirs=7, job_id_template="{", job_id_key=object()
    )
    for hook in ("on_multirun_start", "on_job_start", "on_job_end", "on_run_end"):
        getattr(callback, hook)(None, job_return=None, task_function=None)
        getattr(callback, hook)({}, job_return=object(), task_function=None)
    callback.on_multirun_end(None)
    assert "ARGUS_BATCH_ID" not in os.environ
