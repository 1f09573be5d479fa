"""The README's examples for the frameworks do what they say, each as a script of its own."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from pathlib import Path

import pytest

from tests.environment import clean_environment
from tests.integrations.reported import Monitor, data_of, ended, monitor, shape, start

__all__ = ["clean_environment", "monitor"]

README = Path(__file__).resolve().parent.parent.parent / "README.md"
MARK = r"<!-- example: run by tests/integrations/test_readme\.py -->\n```python\n(.*?)```"
EXAMPLES = {
    re.findall(r"from argus\.integrations\.(\w+) import", code)[0]: code
    for code in re.findall(MARK, README.read_text("utf-8"), re.DOTALL)
}

NEEDED = {
    "lightning": ("torch", "lightning"),
    "keras": ("keras", "torch"),
    "transformers": ("torch", "transformers", "accelerate"),
    "hydra": ("hydra",),
    "ray": ("ray", "pyarrow"),
    "logging": (),
}


def run(example: str, directory: Path, **environ: str) -> None:
    for module in NEEDED[example]:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    process = start(EXAMPLES[example], directory, KERAS_BACKEND="torch", **environ)
    status, output = ended(process)
    assert status == 0, output


@pytest.mark.parametrize("example", ["lightning", "keras"])
def test_an_example_reports_each_of_its_epochs(example: str, monitor: Monitor, tmp_path: Path):
    run(example, tmp_path)
    events = monitor.batch()
    assert shape(events) == [
        *("batch_start", "job_start"),
        *["job_epoch"] * 5,
        *("job_done", "batch_done"),
    ]
    epochs = data_of(events, "job_epoch")
    assert [epoch["epoch"] for epoch in epochs] == [0, 1, 2, 3, 4]
    losses = [epoch["train_loss"] for epoch in epochs]
    assert losses[-1] < losses[0]
    assert {event["job_id"] for event in events} == {None, "line"}


def test_the_example_for_transformers_reports_each_log(monitor: Monitor, tmp_path: Path):
    run("transformers", tmp_path)
    epochs = data_of(monitor.batch(), "job_epoch")
    assert [epoch["epoch"] for epoch in epochs] == [8, 16, 24, 32, 40]
    assert epochs[-1]["progress"] == 1.0
    assert shape(monitor.batch())[-2:] == ["job_done", "batch_done"]


def test_the_example_for_hydra_reports_its_run(monitor: Monitor, tmp_path: Path):
    run("hydra", tmp_path)
    events = monitor.batch()
    assert shape(events) == [
        *("batch_start", "job_start"),
        *["job_epoch"] * 5,
        *("job_done", "batch_done"),
    ]
    assert {event["job_id"] for event in events} == {None, "line-0.1"}


def test_the_example_for_ray_reports_each_trial(monitor: Monitor, tmp_path: Path):
    with tempfile.TemporaryDirectory(prefix="ray-") as short:  # sockets go there
        run("ray", tmp_path, RAY_TMPDIR=short, HOME=str(tmp_path), RAY_USAGE_STATS_ENABLED="0")
    events = monitor.batch()
    assert sorted(start["config"]["lr"] for start in data_of(events, "job_start")) == [0.1, 0.2]
    assert [end["train_epochs"] for end in data_of(events, "job_done")] == [5, 5]
    assert shape(events)[-1] == "batch_done"


def test_the_example_for_logging_reports_its_lines(monitor: Monitor, tmp_path: Path):
    run("logging", tmp_path)
    lines = [(data["level"], data["line"]) for data in data_of(monitor.batch(), "log_line")]
    assert lines == [
        ("info", "learning rate 0.1"),
        ("warning", "no GPU: this will take a while"),
    ]
