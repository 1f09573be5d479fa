"""A machine that gives no thread, clocks that lie, and a life cycle that is spread over threads."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

from argus import Reporter
from tests.chaos import figures, trainings
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


def _no_thread(self: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_without_threads_the_end_delivers_on_the_callers_own(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(threading.Thread, "start", _no_thread)
    with Reporter(batch_id="b") as r, r.job("j") as j:
        for number in range(100):
            j.epoch(number)
        assert j.upload("nothing.png") == 0
    assert trainings.epochs(platform) == {"j": list(range(100))}
    assert trainings.types(platform)[-1] == "batch_done"
    assert trainings.left() == []
    assert len([text for text in said if "events are held in memory until one can" in text]) == 1
    assert len(said) == 2  # of the sender, of the uploads


@pytest.mark.parametrize("mode", ["hang", "drip:0.2", "status:503"])
def test_without_threads_the_exit_is_bounded_and_the_rest_is_kept(
    platform: StandIn, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.5")
    platform.mode(mode)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        with quiet(batch_id="b") as r, r.job("j") as j:
            for number in range(100):
                j.epoch(number)
            left_at = time.monotonic()
        assert time.monotonic() - left_at < 5.0
    platform.mode("ok")
    trainings.deliver_what_is_left(platform)
    assert trainings.epochs(platform) == {"j": list(range(100))}


def test_thread_that_can_be_had_again_takes_over(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argus.delivery.channel._NEXT_TRY_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        r = quiet(batch_id="b").__enter__()
        r.emit("job_start", job_id="j")
    r.emit("job_start", job_id="k")
    platform.wait_for(3)
    r.__exit__(None, None, None)
    assert trainings.types(platform).count("job_start") == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits are those of POSIX")
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives up root")
def test_ordinary_user_at_the_limit_of_threads_loses_nothing(
    platform: StandIn, tmp_path: Any
) -> None:
    code = """
import resource
import argus.delivery.daemons, argus.delivery.sender, argus.delivery.upload_request
import encodings.ascii, hashlib, logging, pwd  # as root, who alone may read some checkouts
os.setgid(61234)
os.setuid(61234)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
os.environ["ARGUS_STATE_DIR"] = "home/state"
with quiet(heartbeat=True) as r, r.job("j") as j:
    print([t.name for t in threading.enumerate()])
    for number in range(100):
        j.epoch(number)
"""
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o777)
    done = trainings.run(code, platform.url)
    assert (done.returncode, done.stdout) == (0, "['MainThread']\n"), done.stderr
    assert trainings.epochs(platform) == {"j": list(range(100))}, done.stderr


@pytest.mark.parametrize(
    ("name", "clock"),
    [
        ("time", lambda: 0.0),
        ("time", lambda: -1e300),
        ("time", None),
        ("monotonic", lambda: 0.0),
        ("monotonic", None),
    ],
    ids=["time stands", "time of long ago", "time jumps", "stands", "jumps"],
)
def test_clock_that_lies_raises_nothing_and_loses_nothing(
    platform: StandIn, name: str, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.3")
    real, turns = getattr(time, name), iter(range(10**9))
    jumps = clock or (lambda: real() + (-1) ** next(turns) * 1e6)
    with monkeypatch.context() as patch:
        patch.setattr(time, name, jumps)
        with quiet(batch_id="b") as r, r.job("j") as j:
            for number in range(10):
                j.epoch(number)
            j.log("line")
    threads = [t for t in threading.enumerate() if t.name == "argus-sender"]
    for thread in threads:
        thread.join(trainings.LIMIT_S)
    trainings.deliver_what_is_left(platform)
    assert trainings.epochs(platform) == {"j": list(range(10))}


def test_life_cycle_may_be_spread_over_threads(platform: StandIn, said: list[str]) -> None:
    r = quiet(batch_id="b")

    def elsewhere(action: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=action, args=arguments)
        thread.start()
        thread.join()

    elsewhere(r.__enter__)
    job = r.job("j")
    elsewhere(job.__enter__)
    job.epoch(0)
    elsewhere(r.stop)
    assert (r.stopped, job.stopped) == (True, True)
    elsewhere(job.__exit__, None, None, None)
    closers = [threading.Thread(target=r.__exit__, args=(None, None, None)) for _ in range(8)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()
    with r, r.job("again") as again:
        again.epoch(1)
    r.__exit__(None, None, None)

    assert trainings.epochs(platform) == {"j": [0], "again": [1]}
    assert trainings.types(platform).count("batch_start") == 2
    assert trainings.types(platform).count("batch_done") == 2
    assert said == []
    figures.count("ways to close")
