"""Training comes first: no public call raises, and what it leaves behind is valid and its own."""

from __future__ import annotations

import gc
import signal
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from argus import Reporter, current, emit, set_batch_id, sub_env
from tests.environment import clean_environment, platform, quiet, said
from tests.fuzz import Fuzz
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


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


@pytest.mark.skipif(not hasattr(signal, "raise_signal"), reason="no signals here")
@pytest.mark.parametrize(
    "call",
    [
        lambda j, value: j.epoch(0, train_loss=value),
        lambda j, value: j.metrics({"a": [value]}),
        lambda j, value: j.log(value),
        lambda j, value: emit("event", x=value),
        lambda j, value: Reporter(heartbeat=value),
        lambda j, value: j.upload(value),
    ],
)
@pytest.mark.parametrize("error", [SystemExit, TimeoutError])
def test_signal_that_comes_while_a_value_is_waited_for_ends_the_training(
    platform: StandIn, call: Any, error: type[BaseException]
) -> None:
    class Slow:
        def item(self) -> float:
            signal.raise_signal(signal.SIGTERM)
            return 0.5

        __str__ = __fspath__ = item  # type: ignore[assignment]

    def end(number: int, frame: object) -> None:
        raise error(3)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(error), quiet() as r, r.job("j") as j:
            call(j, Slow())
            pytest.fail("the signal was swallowed")
    finally:
        signal.signal(signal.SIGTERM, before)

    assert [event["data"]["reason"] for event in platform.events("batch_failed")] == [
        error.__name__
    ]


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
