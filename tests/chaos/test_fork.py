"""Forks at the worst moment, by every door that Python has, and children that outlive their parent."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from argus import Reporter, emit
from argus.delivery import fork
from argus.rundir import lock as run_lock
from tests.chaos import figures, trainings
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    # Python says of itself that this is dangerous; which is why it is tried here.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

_CHILD_LIMIT_S = 30  # then the child is dead by SIGALRM, which no lock holds up


def forked(action: Callable[[], object]) -> int:
    """The exit status of a child that has run `action`: 7, or -14 where it hung."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_CHILD_LIMIT_S)
        try:
            action()
            os._exit(7)
        finally:
            os._exit(1)
    figures.count("forks")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextlib.contextmanager
def held(locks: list[Any]) -> Iterator[None]:
    """Another thread holds all of these locks, inside the block."""
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with contextlib.ExitStack() as stack:
            for lock in locks:
                if not lock.acquire(timeout=5.0):
                    return
                stack.callback(lock.release)
            holding.set()
            let_go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(10.0), locks
    try:
        yield
    finally:
        let_go.set()
        thread.join()


_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_SIGNALS = ("_bell", "_closed")  # a lock that is held until something happens guards nothing


def locks_of(*roots: object) -> dict[str, Any]:
    """Every lock that can be reached from `roots` by attributes, elements, keys and values of what is
    ours, and of the objects of `threading` and `queue` in it: found, so that a new one is, too."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    waiting = [(type(root).__name__, root) for root in roots]
    while waiting:
        name, value = waiting.pop()
        if id(value) in seen or isinstance(value, threading.Thread):  # no child has those
            continue
        seen.add(id(value))
        if isinstance(value, _LOCKS) and not name.endswith(_SIGNALS):
            found[name] = value
        elif isinstance(value, (list, tuple, set)):
            waiting += [(f"{name}[]", item) for item in list(value)]
        elif isinstance(value, dict):
            waiting += [(f"{name}[{key!r:.30}]", item) for key, item in list(value.items())]
        elif type(value).__module__.split(".")[0] in ("argus", "threading", "queue"):
            members = dict(getattr(value, "__dict__", {}))
            for slot in getattr(type(value), "__slots__", ()):
                members[slot] = getattr(value, slot, None)
            waiting += [(f"{name}.{member}", item) for member, item in members.items()]
    return found


def test_locks_are_found() -> None:
    names = locks_of(quiet())

    assert list(names) == ["Reporter._notices._counting"]


@pytest.mark.parametrize("where", ["online", "backup", "disabled", "nowhere"])
def test_child_forked_while_every_lock_is_held_reports(
    platform: StandIn, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "nowhere":
        monkeypatch.delenv("ARGUS_URL")
    else:
        monkeypatch.setenv("ARGUS_MODE", where)
    import argus.delivery.sender  # noqa: F401 - not while the child is made: that holds up the fork

    monkeypatch.setattr(fork, "_LONGEST_IMPORT_S", 0.05)  # a fork waits so long for these two
    monkeypatch.setattr(run_lock, "_LONGEST_CHANGE_S", 0.05)
    handler = logging.StreamHandler(open(os.devnull, "w"))  # noqa: SIM115 - closed below
    logging.getLogger("argus").addHandler(handler)
    with Reporter("b", heartbeat=60, stop_polling=60, resource_snapshot=60) as r, r.job("j") as j:
        locks = locks_of(r, fork._importing, run_lock._changing, handler)

        def report() -> None:
            j.epoch(0)
            j.epoch("no number")
            j.epoch(1)
            r.emit("job_epoch", epoch=2, train_loss=object())
            emit("job_epoch", epoch=3)
            r.emit("batch_start", n_total_jobs=object())  # a mistake, which is counted under a lock
            j.metrics(3)
            r._notices.dropped("rejected")
            r.__exit__(None, None, None)

        with held(list(locks.values())):
            assert forked(report) == 7
        if where == "online":
            assert any("_putting" in name for name in locks)
            assert len([e for e in platform.events("job_epoch") if e["job_id"] == "j"]) == 5
    logging.getLogger("argus").removeHandler(handler)
    handler.stream.close()
    figures.count("locks held at a fork", len(locks))


def test_child_forked_by_a_busy_process_reports_into_its_batch(platform: StandIn) -> None:
    ended = threading.Event()

    def spend(job: str) -> None:
        number = 0
        with r.job(job) as mine:
            while not ended.is_set():
                mine.epoch(number)
                r.emit("job_epoch", epoch=number, job_id=f"of {job}", train_loss="no number")
                number += 1
                ended.wait(0.001)

    with quiet(batch_id="b") as r:
        threads = [threading.Thread(target=spend, args=(f"t{number}",)) for number in range(3)]
        for thread in threads:
            thread.start()
        for number in range(5):
            gc.collect()

            def report(number: int = number) -> None:
                with r.job(f"child {number}") as j:
                    j.epoch(0)
                    emit("job_epoch", epoch=1)
                r.__exit__(None, None, None)

            assert forked(report) == 7
        ended.set()
        for thread in threads:
            thread.join()

    found = trainings.epochs(platform)
    for number in range(5):
        assert found[f"child {number}"] == [0, 1]
    for number in range(3):
        assert found[f"t{number}"] == list(range(len(found[f"t{number}"])))
    assert trainings.types(platform).count("batch_start") == 1
    assert trainings.types(platform).count("batch_done") == 1
    assert trainings.left() == []


_CHILDREN = {
    "os._exit": "os._exit(0)",
    "sys.exit": "sys.exit(0)",
    "an exception": "sys.stderr = open(os.devnull, 'w'); raise ValueError('in the child')",
    "falling out of the block": "pass",
}


@pytest.mark.parametrize("ending", _CHILDREN)
def test_child_that_ends_by(platform: StandIn, ending: str) -> None:
    code = f"""
with quiet() as r, r.job("j") as j:
    j.epoch(0)
    if os.fork() == 0:
        with r.job("child") as child:
            child.epoch(1)
            written(2)
            {_CHILDREN[ending]}
    else:
        os.wait()
        j.epoch(2)
"""
    done = trainings.run(code, platform.url)

    assert done.returncode == 0
    assert done.stderr == ""
    trainings.deliver_what_is_left(platform)
    assert trainings.epochs(platform) == {"j": [0, 2], "child": [1]}
    types = trainings.types(platform)
    assert types.count("batch_start") == types.count("batch_done") == 1
    assert types.count("batch_failed") == 0
    assert [e["job_id"] for e in platform.events("job_done")].count("j") == 1
    assert platform.events("job_failed") == [] or ending == "an exception"
    figures.count("forks")


def test_child_that_outlives_its_crashed_parent_keeps_nobody_from_what_that_left(
    platform: StandIn,
) -> None:
    code = """
r = quiet().__enter__()
job = r.job("j").__enter__()
for number in range(10):
    job.epoch(number)
written(12)
pid = os.fork()
if pid:
    print(pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
job.epoch(10)
sys.stdout.close()
os.close(1)
os.close(2)
while not os.path.exists("end"):
    pause(0.01)
"""
    platform.mode("mute")
    parent = trainings.start(code, platform.url)
    done = trainings.end(parent)
    assert done.returncode == -signal.SIGKILL
    child = int(done.stdout)
    platform.mode("ok")
    try:
        with quiet(batch_id="the next"):
            platform.wait_for(lambda p: trainings.epochs(p).get("j", [])[:10] == list(range(10)))
        os.kill(child, 0)  # it lives
    finally:
        open("end", "w").close()
    platform.wait_for(lambda p: trainings.epochs(p) == {"j": list(range(11))})


_MULTIPROCESSING = """
import multiprocessing

def work(number):
    with argus.current._active[-1].job(f"w{number}") if argus.current._active else Own(number) as j:
        j.epoch(0)

class Own:
    'What a spawned worker does: a Reporter of its own, in the batch of its parent.'
    def __init__(self, number):
        self.number = number
    def __enter__(self):
        self.job = quiet(batch_id=None).__enter__().job(f"w{self.number}").__enter__()
        return self.job
    def __exit__(self, *error):
        self.job.__exit__(None, None, None)   # and the Reporter is never closed

if __name__ == "__main__":
    with quiet() as r:
        os.environ["ARGUS_BATCH_ID"] = "b"
        context = multiprocessing.get_context(METHOD)
        workers = [context.Process(target=work, args=(number,)) for number in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print([worker.exitcode for worker in workers])
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_of_multiprocessing_delivers_before_it_ends(platform: StandIn, method: str) -> None:
    done = trainings.run(_MULTIPROCESSING.replace("METHOD", repr(method)), platform.url)

    assert (done.returncode, done.stdout, done.stderr) == (0, "[0, 0]\n", "")
    assert trainings.left() == []
    assert trainings.epochs(platform) == {"w0": [0], "w1": [0]}
    assert trainings.types(platform).count("batch_start") == 1
    assert trainings.types(platform).count("batch_done") == 1
    figures.count("workers of multiprocessing", 2)


def test_nothing_is_imported_while_a_fork_may_come(platform: StandIn) -> None:
    code = """
import logging
from argus.delivery import fork
loaded = []
def audit(event, details):
    name = threading.current_thread().name
    if event == "import" and name.startswith("argus-") and not fork._importing._is_owned():
        loaded.append((name, details[0]))
sys.addaudithook(audit)
with quiet(heartbeat=0.05, stop_polling=0.05, resource_snapshot=0.05) as r, r.job("j") as j:
    j.epoch(0)
    Path("a.png").write_bytes(b"png")
    assert j.upload("a.png") == 1
    pause(0.5)
print(sorted(set(loaded)))
"""
    done = trainings.run(code, platform.url)

    assert (done.returncode, done.stdout) == (0, "[]\n")
