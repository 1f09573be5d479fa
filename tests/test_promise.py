"""Training comes first: no public call raises, and what it leaves behind is valid and its own."""

from __future__ import annotations

import gc
import random
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import argus
from argus import Reporter, current, derive_batch_id, emit, new_batch_id, set_batch_id, sub_env
from argus.core import contract, schema
from tests.environment import clean_environment, files_below, platform, quiet, said
from tests.hostile import EXCEPTIONS, values
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

_KNOWN = sorted({name for fields in schema.FIELDS.values() for name in fields} - {"epoch"})
_NAMES = [*_KNOWN, "ts", "timestamp", "self", "x", "", "\ud800", "a b", "k" * 1_000, "args"]
_ARGUMENTS = [
    *("experiment_type", "source_project", "command", "n_total", "heartbeat", "stop_polling"),
    *("resource_snapshot", "token", "auto_upload_dirs", "batch_id", "resume_from"),
]


class Fuzz:
    """Random calls with hostile values; a call that raises is an AssertionError."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.values = values()
        self.calls = 0

    def value(self) -> Any:
        return self.random.choice(self.values)

    def fields(self, names: list[str]) -> dict[str, Any]:
        chosen = self.random.sample(names, self.random.randrange(min(len(names), 3) + 1))
        return {name: self.value() for name in chosen}

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            given = [type(arg) for arg in args], {k[:20]: type(v) for k, v in kwargs.items()}
            raise AssertionError(f"{function.__name__} of {given}") from error

    def reporter(self) -> Reporter:
        prefix = (self.value(),) if self.random.random() < 0.5 else ()
        reporter: Reporter = self.call(Reporter, *prefix, **self.fields(_ARGUMENTS))
        assert 1 <= len(reporter.batch_id) <= 128
        assert type(reporter.batch_id) is str
        return reporter

    def batch(self, calls: int) -> Reporter:
        reporter = self.reporter()
        self.call(reporter.__enter__)
        for _ in range(self.random.randrange(1, 3)):
            fields = self.fields(["model", "dataset"])
            job = self.call(reporter.job, self.value(), **fields)
            assert 1 <= len(job.job_id) <= 256
            self.call(job.__enter__)
            for _ in range(calls):
                self.any_call(reporter, job)
            self.leave(job)
        self.leave(reporter)
        return reporter

    def leave(self, context: Any) -> None:
        error = self.random.choice([None, None, *(kind("x") for kind in EXCEPTIONS)])
        if self.random.random() < 0.2:
            error = SystemExit(self.value())
        self.call(context.__exit__, None if error is None else type(error), error, None)

    def any_call(self, reporter: Reporter, job: argus.JobContext) -> None:
        event = self.random.choice([*schema.EVENT_TYPES, self.value(), self.value()])
        known = ["epoch", "job_id", "batch_id", "event", *_NAMES]
        value, fields = self.value(), self.fields(_NAMES)
        template = self.random.choice([value, "$x ${x} $self"])
        choices: list[Any] = [
            lambda: self.call(job.epoch, value, **fields),
            lambda: self.call(job.epoch, self.calls, **fields),
            lambda: self.call(job.epoch, **fields),
            lambda: self.call(job.metrics, value),
            lambda: self.call(job.metrics, fields),
            lambda: self.call(job.log, value, level=self.value()),
            lambda: self.call(job.upload, value, glob=self.value(), wait=self.value()),
            lambda: self.call(reporter.emit, event, **self.fields(known)),
            lambda: self.call(emit, event, **self.fields(known)),
            lambda: self.call(new_batch_id, value),
            lambda: self.call(set_batch_id, value),
            lambda: self.call(derive_batch_id, value, self.value(), "sha", prefix=self.value()),
            lambda: self.call(sub_env, template, **fields),
        ]
        self.random.choice(choices)()


@pytest.mark.parametrize("seed", range(2))
def test_no_call_raises_and_every_event_is_valid(
    platform: StandIn, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "argus")
    fuzz = Fuzz(seed)
    while fuzz.calls < 1_000:
        reporter = fuzz.batch(calls=40)
        assert reporter._notices.counts == {}
        assert reporter._notices.unsaid == 0

    said = {record.getMessage() for record in caplog.records}
    assert not any("failed inside" in message for message in said)
    for event in platform.events():
        assert contract.envelope_error(event) is None
        assert contract.data_error(event["event_type"], event["data"]) is None
    stats = platform.stats()
    assert stats["events"] > 300
    assert stats["rejected"] == 0
    assert set(stats["statuses"]) <= {"200", "404"}  # a stop button that is asked for too early
    assert files_below(Path("state")) == []


def test_many_threads_at_once(platform: StandIn) -> None:
    errors: list[AssertionError] = []

    def spend(seed: int) -> None:
        fuzz = Fuzz(seed)
        try:
            for _ in range(100):
                fuzz.any_call(r, j)
        except AssertionError as error:
            errors.append(error)

    with quiet() as r, r.job("j") as j:
        threads = [threading.Thread(target=spend, args=(seed,)) for seed in range(100, 104)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert errors == []
    assert platform.stats()["rejected"] == 0
    assert set(platform.stats()["statuses"]) == {"200"}


@pytest.mark.parametrize("mode", ["close", "garbage", "html", "status:422", "endless_body", "mute"])
def test_no_call_waits_for_a_broken_platform(
    platform: StandIn, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.5")
    platform.mode(mode)
    started = time.monotonic()
    with quiet() as r:
        with r.job("j") as j:
            for epoch in range(1_000):
                j.epoch(epoch, train_loss=0.5)
            j.log("done")
            emit("event")
        inside_s = time.monotonic() - started
    outside_s = time.monotonic() - started - inside_s

    assert inside_s < 0.5
    assert outside_s < 2.0


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null/x", "file", "\0"])
def test_state_directory_that_cannot_be_had_loses_nothing(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if place != "\0":  # which no environment can hold
        monkeypatch.setenv("ARGUS_STATE_DIR", place)
    else:
        (tmp_path / "configs").mkdir()
        (tmp_path / "configs/monitor.yaml").write_text("state_dir: a\0b\n", "utf-8")
        monkeypatch.delenv("ARGUS_STATE_DIR")
    with quiet() as r, r.job("j") as j:
        j.epoch(0)

    assert len(platform.events()) == 5


def test_module_that_another_thread_is_importing_is_no_obstacle(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    with quiet() as r, r.job("j") as j:
        platform.wait_for(2)  # the sender has loaded what it needs
        for name in ("enum", "datetime"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))  # as yet empty
        with r.job("k", model="m"):
            j.epoch(0, phase="warm-up", when=object, values=[1, {"a": 2}])
        monkeypatch.undo()

    assert platform.events("job_epoch")[0]["data"]["values"] == [1, {"a": 2}]
    assert platform.events("job_start")[1]["data"] == {"model": "m"}
    assert said == []


# What was given is taken at the call


def test_change_after_the_call_changes_no_event(platform: StandIn) -> None:
    given: dict[str, Any] = {"list": [1], "dict": {"a": [1]}}
    r = quiet(n_total=2, experiment_type="a", auto_upload_dirs=(directories := ["missing"]))
    directories.append("elsewhere")
    with r, r.job("j") as j:
        j.epoch(0, extra=given["list"], nested=given)
        j.metrics(given)
        emit("job_start", job_id="k", own=given)
        given["list"].append(2)
        given["dict"]["a"].append(2)
        given["more"] = 1

    taken = {"list": [1], "dict": {"a": [1]}}
    assert platform.events("job_epoch")[0]["data"] == {"epoch": 0, "extra": [1], "nested": taken}
    assert platform.events("job_done")[0]["data"]["metrics"] == taken
    assert platform.events("job_start")[1]["data"] == {"own": taken}


class Tensor:
    """Something large that must not be kept alive."""

    def __init__(self) -> None:
        self.itself = self  # only the collector ends it

    def item(self) -> float:
        return 0.5

    def __str__(self) -> str:
        return "tensor"


@pytest.mark.parametrize(
    "give",
    [
        lambda r, j, value: j.epoch(0, train_loss=value),
        lambda r, j, value: j.epoch(value, extra=[{"a": value}]),
        lambda r, j, value: j.metrics({"a": value, "b": [value]}),
        lambda r, j, value: j.log(value, level=value),
        lambda r, j, value: j.upload(value, glob=value, wait=value),
        lambda r, j, value: r.emit("event", x=value, job_id=value, batch_id=value),
        lambda r, j, value: r.emit(value, y=value),
        lambda r, j, value: emit("job_done", metrics=value),
        lambda r, j, value: set_batch_id(value),
        lambda r, j, value: sub_env(value, x=value),
        lambda r, j, value: KEPT.append(r.job(value, model=value, dataset=value)),
        lambda r, j, value: KEPT.append(
            Reporter(value, experiment_type=value, source_project=value, command=value)
        ),
        lambda r, j, value: KEPT.append(
            Reporter(n_total=value, token=value, auto_upload_dirs=[value], batch_id=value)
        ),
        lambda r, j, value: KEPT.append(
            Reporter(heartbeat=value, stop_polling=value, resource_snapshot=value)
        ),
    ],
)
def test_object_that_was_handed_over_is_not_kept_alive(platform: StandIn, give: Any) -> None:
    platform.mode("close")  # not even while it is not delivered
    value = Tensor()
    alive = weakref.ref(value)
    with quiet() as r, r.job("j") as j:
        give(r, j, value)
        del value
        gc.collect()
        assert alive() is None
    KEPT.clear()
    current.set_batch_id(None)


KEPT: list[Any] = []
