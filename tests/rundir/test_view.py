"""What a reader makes of run directories, written by real processes and ended in every way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import argus
from argus import Reporter
from argus.rundir import edits, layout, sidecar
from argus.rundir.edits import Edits
from argus.rundir.lock import RunLock, is_held
from argus.rundir.runs import runs
from argus.rundir.view import NoRunError, look

SCRIPT = """
import os, sys
from argus import Reporter
with Reporter("b", source_project="p", batch_id=sys.argv[1], mode="backup") as r:
    with r.job("j") as j:
        j.epoch(3, loss=0.5)
        if sys.argv[2] == "crash":
            print("up", flush=True)
            sys.stdin.read()
        j.metrics({"MSE": 0.1})
        if sys.argv[2] == "fail":
            sys.exit(3)
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("ARGUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARGUS_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def train(batch_id, how):
    environ = {**os.environ, "PYTHONPATH": str(Path(argus.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, batch_id, how],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def seen(root, wall_now=None):
    found = runs([root], wall_now or time.time(), lambda path, error: pytest.fail(f"{error}"))
    return {run.main.batch_id: run.main for run in found}


def test_runs_are_what_became_of_their_processes(root):
    processes = [train("well", "end"), train("ill", "fail"), train("gone", "crash")]
    assert processes[2].stdout is not None
    processes[2].stdout.readline()
    deadline = time.monotonic() + 20
    while seen(root).get("gone") is None or seen(root)["gone"].summary["n_events"] < 3:
        assert time.monotonic() < deadline, "nothing was written down"
        time.sleep(0.05)
    assert seen(root)["gone"].state == "running"
    processes[2].send_signal(signal.SIGKILL)
    for process in processes:
        process.communicate()
    views = seen(root)
    states = {batch_id: view.state for batch_id, view in views.items()}
    assert states == {"well": "done", "ill": "failed", "gone": "crashed"}
    assert views["well"].summary["metrics"] == {"MSE": 0.1}
    assert views["gone"].summary["last"] == {"loss": 0.5}
    assert not any(view.delivered for view in views.values())


def test_sidecar_of_an_ended_run_sums_up_every_byte(root):
    with Reporter("b", batch_id="b", mode="backup") as r, r.job("j") as j:
        for number in range(1_000):
            j.epoch(number, loss=number)
    [view] = seen(root).values()
    assert view.sidecar["events_bytes"] == view.events_bytes
    described = {k: v for k, v in view.sidecar.items() if k != "events_bytes"}
    sidecar.write(view.path, described, private=False)
    assert seen(root)["b"].summary["n_events"] == view.summary["n_events"] > 1_000
    assert seen(root)["b"].summary["jobs"] == view.summary["jobs"]


@pytest.fixture
def run(root):
    """A run that nobody writes, of a machine that is not this one."""
    path = root / "20260101" / "000000" / "far"
    path.mkdir(parents=True)
    (path / layout.EVENTS).write_bytes(b"")
    sidecar.write(
        path, {"batch_id": "far", "status": "running", "host": "elsewhere", "pid": 1}, False
    )
    return path


def test_silent_run_of_another_machine_is_stalled_until_it_speaks_again(root, run):
    os.utime(run / layout.EVENTS, (0, 0))
    assert seen(root)["far"].state == "stalled"
    (run / layout.HEARTBEAT).touch()
    assert seen(root)["far"].state == "running"
    assert seen(root, time.time() + 91)["far"].state == "stalled"
    lock = RunLock.acquire(run / layout.LOCK, private=False)
    assert lock is not None
    assert seen(root, time.time() + 91)["far"].state == "running"
    lock.release()


def test_process_of_an_earlier_boot_is_dead(root, run):
    here = {**sidecar.read(run), "host": os.uname().nodename, "boot_id": "another"}
    sidecar.write(run, here, private=False)
    assert seen(root)["far"].state == "crashed"


def test_late_events_revive_a_run(root):
    with Reporter("b", batch_id="b", mode="backup"):
        pass
    [view] = seen(root).values()
    first = json.loads((view.path / layout.EVENTS).read_bytes().splitlines()[0])
    with open(view.path / layout.EVENTS, "ab") as file:
        late = {**first, "event_type": "job_epoch", "job_id": "late", "data": {"epoch": 1}}
        late["timestamp"] = "2999-01-01T00:00:00Z"
        file.write(json.dumps(late).encode() + b"\n" + b'{"torn')
    view = seen(root)["b"]
    assert (view.state, view.summary["n_jobs"]) == ("running", 1)


def test_directory_of_another_process_is_a_part_of_its_batch(root):
    with Reporter("b", batch_id="b", mode="backup"):
        environ = {**os.environ, "ARGUS_BATCH_ID": "b", "ARGUS_MODE": "backup"}
        code = "import argus\nwith argus.Reporter() as r:\n argus.emit('log_line', line='here')"
        environ["PYTHONPATH"] = str(Path(argus.__file__).parents[1])
        subprocess.run([sys.executable, "-c", code], env=environ, check=True, timeout=60)
    [run] = runs([root, root], time.time(), lambda path, error: pytest.fail(f"{error}"))
    assert (run.main.is_part, [part.is_part for part in run.parts]) == (False, [True])
    assert run.main.batch_id == "b"


def test_what_is_no_run_is_said_so_and_a_damaged_one_is_read_as_far_as_it_goes(root, run, tmp_path):
    with pytest.raises(NoRunError, match="no run"):
        look(tmp_path, 0.0)
    (run / layout.SIDECAR).write_bytes(b"\0" * 50)
    (run / layout.EVENTS).write_bytes(b'{"a":1}\n\xff\xfe\n[]\n')
    view = look(run, time.time())
    assert (view.batch_id, view.summary["n_events"]) == ("far", 0)


def test_links_are_not_followed(root, run, tmp_path):
    (tmp_path / "linked").symlink_to(root)
    (root / "loop").symlink_to(root)
    (root / ".hidden").mkdir()
    (root / ".hidden" / layout.EVENTS).touch()
    assert list(seen(root)) == ["far"]
    assert list(seen(tmp_path)) == ["far"]


def test_edits_are_kept_apart_and_what_does_not_fit_is_left_out(run):
    assert edits.read(run) == Edits()
    edits.change(
        run, lambda _: {"name": "Best", "notes": "n", "tags": ["good", "a b"], "archived": True}
    )
    assert edits.read(run) == look(run, 0.0).edits == Edits("Best", "n", ("good", "a b"), True)
    odd = {"name": " ", "notes": 3, "tags": ["x", "x", None, ""], "archived": "yes"}
    (run / layout.EDITS).write_text(json.dumps(odd))
    assert edits.read(run) == Edits(tags=("x",))


def test_whoever_looks_at_a_lock_does_not_keep_it(tmp_path):
    path = tmp_path / "lock"
    assert is_held(path) is False
    lock = RunLock.acquire(path, private=False)
    assert lock is not None
    assert is_held(path) is True
    lock.release()
    assert is_held(path) is False
    assert RunLock.acquire(path, private=False) is not None
