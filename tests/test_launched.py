"""One script on many ranks, and a job that is started again: what arrives at the platform.

The ranks are processes with the environment that a launcher gives; tests/launchers has the
launchers themselves.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from argus import Reporter, current
from argus.launch import placing
from tests.chaos import trainings
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="without /proc a launcher cannot be told"
)

TRAIN = """
with Reporter("run", stop_polling=0.1, heartbeat=False, resource_snapshot=0.1, **ARGUMENTS) as r:
    print(r.batch_id, flush=True)
    with r.job("j") as j:
        j.epoch(0, train_loss=0.5)
        j.log("hello")
        r.emit("extra")
        pause(0.2)
        until = time.monotonic() + 60
        while HOLDS and not j.stopped and time.monotonic() < until:
            pause(0.05)
    assert isinstance(r.batch_id, str)
print(r.stopped, flush=True)
"""


class Launch:
    """A script on several ranks of one launcher: this process."""

    def __init__(self, url: str, size: int, holds: bool = False, **arguments: Any) -> None:
        code = TRAIN.replace("**ARGUMENTS", f"**{arguments!r}").replace("HOLDS", str(holds))
        self._script = Path("train.py").absolute()
        self._script.write_text(trainings.PRELUDE + code)
        self._url = url
        self._size = size

    def start(self, rank: int, **environ: str) -> subprocess.Popen[str]:
        given = {name: str(rank) for name in ("RANK", "LOCAL_RANK")}
        given.update(WORLD_SIZE=str(self._size), LOCAL_WORLD_SIZE=str(self._size))
        given.update(TORCHELASTIC_RUN_ID="1", TORCHELASTIC_RESTART_COUNT="0")
        return subprocess.Popen(
            [sys.executable, str(self._script)],
            env={
                **os.environ,
                "PYTHONPATH": str(trainings.ROOT),
                "ARGUS_URL": self._url,
                **given,
                **environ,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_all(self, **environ: str) -> list[subprocess.Popen[str]]:
        return [self.start(rank, **environ) for rank in range(self._size)]


def ended(processes: list[subprocess.Popen[str]]) -> list[list[str]]:
    """The lines of each rank, none of which had anything to complain about."""
    lines = []
    for process in processes:
        done = trainings.end(process)
        assert (done.returncode, done.stderr) == (0, "")
        lines.append(done.stdout.split())
    return lines


def begun(stand_in: StandIn) -> list[dict[str, Any]]:
    """The data of each `batch_start`, with its batch."""
    return [
        {"batch_id": event["batch_id"], **event["data"], "command": None}
        for event in stand_in.events("batch_start")
    ]


@needs_proc
def test_a_script_on_four_ranks_is_one_batch(platform: StandIn) -> None:
    lines = ended(Launch(platform.url, 4).start_all())

    ids = {told[0] for told in lines}
    assert len(ids) == 1, "each rank knows the same"
    types = [event["event_type"] for event in platform.events() if event["batch_id"] in ids]
    lasting = [name for name in types if name not in ("resource_snapshot", "env_snapshot")]
    one = [
        "batch_start",
        "job_start",
        "job_epoch",
        "log_line",
        "log_line",
        "job_done",
        "batch_done",
    ]
    assert lasting == one
    assert {event["batch_id"] for event in platform.events()} == ids
    expected = {"launcher": "torchrun", "world_size": 4, "attempt": 1, "restart_count": 0}
    (start,) = begun(platform)
    assert start == {"batch_id": ids.pop(), "command": None, **expected}


@needs_proc
def test_the_next_launch_of_the_same_script_is_another_batch(platform: StandIn) -> None:
    launch = Launch(platform.url, 2)
    first = ended(launch.start_all())
    second = ended(launch.start_all(TORCHELASTIC_RUN_ID="2"))
    assert first[0][0] != second[0][0]
    assert len(begun(platform)) == 2


@needs_proc
def test_ranks_that_are_started_again_continue_the_batch(platform: StandIn) -> None:
    launch = Launch(platform.url, 2)
    first = ended(launch.start_all())
    second = ended(launch.start_all(TORCHELASTIC_RESTART_COUNT="1"))
    assert first == second
    assert [(s["attempt"], s["restart_count"]) for s in begun(platform)] == [(1, 0), (2, 1)]


@needs_proc
def test_where_all_ranks_speak_each_says_which_it_is(platform: StandIn) -> None:
    lines = ended(Launch(platform.url, 3, ranks="all").start_all())

    assert len({told[0] for told in lines}) == 1
    assert len(begun(platform)) == len(platform.events("batch_done")) == 1
    epochs = platform.events("job_epoch")
    assert sorted(event["data"]["rank"] for event in epochs) == [0, 1, 2]
    assert all(isinstance(event["data"].get("rank"), int) for event in platform.events())


@needs_proc
def test_the_stop_button_reaches_every_rank_and_one_asks(platform: StandIn) -> None:
    processes = Launch(platform.url, 3, holds=True).start_all()
    platform.wait_for(lambda s: s.events("job_start"))
    platform.stop_requested()
    assert [told[1] for told in ended(processes)] == ["True", "True", "True"]
    asked_by = {request["connection"] for request in platform.requests("stop-requested")}
    assert len(asked_by) == 1


def test_ranks_that_only_know_an_address_hear_from_rank_0(platform: StandIn) -> None:
    def environ(rank: int) -> dict[str, str]:
        names = ("LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT")
        return {"MASTER_ADDR": "node-1", "MASTER_PORT": "29500", **dict.fromkeys(names, "")}

    launch = Launch(platform.url, 2)
    code = launch._script.read_text()
    launch._script.write_text(
        code.replace("import argus", 'del os.environ["TORCHELASTIC_RUN_ID"]\nimport argus', 1)
    )
    lines = ended([launch.start(rank, **environ(rank)) for rank in (1, 0)])
    assert len({told[0] for told in lines}) == 1
    assert [(s["launcher"], s["batch_id"]) for s in begun(platform)] == [
        ("environment", lines[0][0])
    ]


def test_a_rank_that_hears_nothing_goes_on_alone(
    platform: StandIn, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from argus.launch import place

    monkeypatch.setattr(place, "ASKED_LIMIT_S", 0.01)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with quiet() as r, r.job("j") as j:
        assert r.batch_id.startswith("batch-")
        j.epoch(0, train_loss=0.5)
        assert current.get_batch_id() in (None, r.batch_id)
    with quiet(ranks="all") as r:
        r.emit("hello")

    assert [start["alone"] for start in begun(platform)] == [True]
    assert {event["batch_id"] for event in platform.events()} == {r.batch_id}
    assert len(said) == 2, "each has said so once"
    assert all(message.startswith("this is rank 1 of 2") for message in said)


def test_a_silent_rank_costs_no_event_and_no_request(
    platform: StandIn, said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    (tmp_path / "a.png").write_bytes(b"png")
    with quiet(batch_id="given") as r, r.job("j") as j:
        assert current.get_batch_id() == "given"
        assert j.upload("a.png") == 0
        copied = pickle.loads(pickle.dumps(r))
        assert copied is r
        r.stop()
        assert j.stopped
    worker = pickle.loads(pickle.dumps(r))
    with worker:
        worker.emit("from a worker")

    assert platform.events() == []
    assert platform.requests() == []
    assert said == []


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_a_number_left_in_the_shell_silences_nobody(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "3")
    with quiet() as r:
        r.emit("hello")

    assert len(begun(platform)) == 1
    assert not list(Path(os.environ["ARGUS_STATE_DIR"]).glob("launch"))


def test_what_fails_in_finding_a_place_costs_no_training(
    platform: StandIn, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(placing, "place_of", fail)
    with quiet() as r:
        r.emit("hello")

    assert len(begun(platform)) == 1
    assert said == ["placed() failed inside and was left out: ZeroDivisionError"]


def test_what_is_neither_all_nor_auto_is_a_mistake(platform: StandIn, said: list[str]) -> None:
    with quiet(ranks="some", resume=True):
        pass

    assert said == [
        'ranks= takes "all"; what it was given is left out',
        'resume= takes "auto"; what it was given is left out',
    ]
    assert len(begun(platform)) == 1


class Job:
    """Starts of one job of SLURM, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("SLURM_JOB_ID", "7")

    def start(self, restart: int) -> None:
        if restart:
            self._monkeypatch.setenv("SLURM_RESTART_COUNT", str(restart))


def test_a_requeued_job_continues_its_batches(
    platform: StandIn, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(monkeypatch)
    ids = []
    for restart in range(3):
        job.start(restart)
        for _ in range(2):
            with quiet(source_project="p") as r:
                ids.append(r.batch_id)

    assert ids[:2] == ids[2:4] == ids[4:]
    assert ids[0] != ids[1]
    told = [(s["batch_id"], s["attempt"], s["restart_count"]) for s in begun(platform)]
    assert told == [(ids[n % 2], n // 2 + 1, n // 2) for n in range(6)]
    assert said == []


def test_each_attempt_of_a_kept_run_has_a_directory_that_says_so(
    said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARGUS_MODE", "backup")
    job = Job(monkeypatch)
    for restart in range(2):
        job.start(restart)
        with quiet() as r:
            r.emit("hello")

    sidecars = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/*/*/run.json")]
    assert sorted((told["batch_id"], told["attempt"]) for told in sidecars) == [
        (r.batch_id, 1),
        (r.batch_id, 2),
    ]
    assert said == []


def test_a_record_that_nobody_can_read_costs_a_warning_and_no_training(
    platform: StandIn, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(monkeypatch)
    with quiet():
        pass
    (record,) = Path(os.environ["ARGUS_STATE_DIR"]).glob("attempts/*.jsonl")
    record.write_bytes(b'{"batch_id": "ba')
    job.start(1)
    with quiet() as r:
        r.emit("hello")

    assert said == ["a new run is begun: the record of it cannot be read"]
    assert begun(platform)[1]["attempt"] == 1
    assert len({start["batch_id"] for start in begun(platform)}) == 2


def test_a_batch_of_somebody_else_is_no_attempt_of_ours(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    Job(monkeypatch).start(1)
    monkeypatch.setenv("ARGUS_BATCH_ID", "theirs")
    with quiet() as r:
        r.emit("hello")

    assert r.batch_id == "theirs"
    assert [event["event_type"] for event in platform.events()] == ["log_line"]
    assert not list(Path(os.environ["ARGUS_STATE_DIR"]).glob("attempts/*.jsonl"))


CRASH = """
r = Reporter("run", source_project="p", resume="auto").__enter__()
print(r.batch_id, flush=True)
r.emit("job_start", job_id="j")
written(2)
if "crash" in os.environ["HOW"]:
    os._exit(1)
if "fail" in os.environ["HOW"]:
    r.__exit__(ValueError, ValueError("x"), None)
r.__exit__(None, None, None)
"""


def test_a_command_that_has_crashed_goes_on_with_its_batch_until_it_is_done(
    platform: StandIn, tmp_path: Path
) -> None:
    script = tmp_path / "crash.py"
    script.write_text(trainings.PRELUDE + CRASH)
    ids = []
    for how in ("crash", "fail", "done", "done"):
        environ = {**os.environ, "PYTHONPATH": str(trainings.ROOT), "HOW": how}
        process = subprocess.Popen(
            [sys.executable, str(script)], env=environ, stdout=subprocess.PIPE, text=True
        )
        ids += trainings.end(process).stdout.split()

    assert ids[0] == ids[1] == ids[2] != ids[3]
    told = {(s["batch_id"], s["attempt"], s["restart_count"]) for s in begun(platform)}
    assert told == {(ids[0], 1, 0), (ids[0], 2, 1), (ids[0], 3, 2), (ids[3], 1, 0)}


def test_without_ranks_and_jobs_nothing_of_this_is_loaded(tmp_path: Path) -> None:
    code = """
import sys
from argus import Reporter
with Reporter() as r:
    pass
rooms = ("placing", "place", "rank", "key", "job", "search", "companion", "memory", "records")
print([name for name in rooms if f"argus.launch.{name}" in sys.modules])
"""
    environ = {**os.environ, "ARGUS_MODE": "backup", "PYTHONPATH": str(trainings.ROOT)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=environ,
        capture_output=True,
        text=True,
        timeout=trainings.LIMIT_S,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert not (tmp_path / "state" / "launch").exists()
    assert not (tmp_path / "state" / "attempts").exists()


def test_a_reporter_that_stands_alone_has_no_place() -> None:
    assert Reporter()._place is None
