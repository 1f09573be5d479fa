"""Every way in which a process may end: what was reported arrives, once, now or with the next run."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time

import pytest

from tests.chaos import figures, trainings
from tests.environment import clean_environment, platform, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

_UNTIL_KILLED = """
with quiet(batch_id=sys.argv[-1]) as r, r.job(sys.argv[-1]) as j:
    number = 0
    while True:
        j.epoch(number, train_loss=0.5)
        print(number, flush=True)
        number += 1
        pause(0.002)
"""
_ON_DISK_WITHIN_S = 2.0  # half a second is meant; a busy machine may not get to it so soon


class Victim:
    """A training that is killed at some moment, and the number of the last epoch by then."""

    def __init__(self, name: str, url: str, kill_after_s: float) -> None:
        code = _UNTIL_KILLED.replace("sys.argv[-1]", repr(name))
        self.name = name
        self._kill_after_s = kill_after_s
        self._process = trainings.start(code, url)
        self._reported: list[tuple[float, int]] = []
        self._first = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def kill(self) -> int:
        """Kill it; returns the number that must not be lost."""
        assert self._first.wait(trainings.LIMIT_S)
        old_enough_at = self._reported[0][0] + _ON_DISK_WITHIN_S + self._kill_after_s
        threading.Event().wait(max(old_enough_at - time.monotonic(), 0.0))
        killed_at = time.monotonic()
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        assert self._process.stderr.read() == ""
        self._process.stderr.close()
        old = [number for at, number in self._reported if at < killed_at - _ON_DISK_WITHIN_S]
        return max(old)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):
                    self._reported.append((time.monotonic(), int(line)))
                    self._first.set()


def test_what_was_reported_a_moment_before_a_kill_is_not_lost(
    platform: StandIn, long: bool
) -> None:
    seed = random.randrange(10_000)
    moments = random.Random(seed)
    kills = 200 if long else 3
    expected: dict[str, int] = {}
    while len(expected) < kills:
        platform.mode("ok")
        victims = [
            Victim(f"{len(expected) + n}", platform.url, moments.uniform(0.01, 0.5))
            for n in range(min(4, kills - len(expected)))
        ]
        last = victims[-1].name
        platform.wait_for(lambda p, last=last: last in {e["job_id"] for e in p.events()})
        platform.mode(moments.choice(["ok", "mute", "hang"]) if long else "mute")
        for victim in victims:
            expected[victim.name] = victim.kill()
    platform.mode("ok")
    trainings.deliver_what_is_left(platform)

    found = trainings.epochs(platform)
    for job, number in expected.items():
        assert found.get(job, []) == list(range(len(found.get(job, [])))), f"seed {seed}"
        assert len(found.get(job, [])) > number, f"seed {seed}: {job} lost what was old"
    figures.count("kills", kills)
    figures.count("epochs delivered that a kill had left", sum(map(len, found.values())))


# Endings: what the training does once it has reported, its exit code, and the batch's end

_REPORTED = """
with quiet() as r, r.job("j") as j:
    for number in range(100):
        j.epoch(number)
"""
_ENDINGS = {
    "an exception": ("    raise ValueError('no data')", 1, "batch_failed"),
    "sys.exit(3)": ("    sys.exit(3)", 3, "batch_failed"),
    "sys.exit(0)": ("    sys.exit(0)", 0, "batch_done"),
    "SIGINT": ("    os.kill(os.getpid(), signal.SIGINT); pause(60)", -2, "batch_failed"),
    "SIGTERM": ("    written(102); os.kill(os.getpid(), signal.SIGTERM); pause(60)", -15, None),
    "os._exit": ("    written(102); os._exit(4)", 4, None),
    "abort": ("    written(102); os.abort()", -6, None),
    "closed twice": ("    r.__exit__(None, None, None)", 0, "batch_done"),
}


@pytest.mark.parametrize(
    ("ending", "mode"),
    [*((ending, "ok") for ending in _ENDINGS), ("an exception", "hang"), ("SIGTERM", "drip:0.2")],
)
def test_everything_is_there_after_an_end_by(platform: StandIn, ending: str, mode: str) -> None:
    action, code, status = _ENDINGS[ending]
    platform.mode(mode)
    done = trainings.run(_REPORTED + action, platform.url, ARGUS_EXIT_TIMEOUT="0.5")

    assert done.returncode == code
    assert "argus/" not in done.stderr, done.stderr
    platform.mode("ok")
    trainings.deliver_what_is_left(platform)
    assert trainings.epochs(platform) == {"j": list(range(100))}
    assert trainings.statuses(platform) == ({"b": status} if status else {})
    figures.count("ends of a process")


_NEVER_CLOSED = {
    "a Reporter": "r = quiet().__enter__(); r.job('j').epoch(0)",
    "a Reporter that is garbage": """
import gc
def train():
    r = quiet().__enter__()
    r.me = r
    r.job("j").epoch(0)
train()
gc.collect()
""",
    "a Reporter and a frozen main thread's exit": """
quiet().__enter__().job("j").epoch(0)
threading.Thread(target=lambda: (pause(0.2), emit("job_epoch", job_id="j", epoch=1))).start()
""",
    "a Reporter with its daemons at work": """
import logging
logging.basicConfig(level=logging.DEBUG)
r = quiet(heartbeat=0.001, stop_polling=0.001, resource_snapshot=0.001).__enter__()
r.job("j").epoch(0)
pause(0.3)
""",
    "a Reporter that an exit handler reports to": """
import atexit
j = quiet().__enter__().job("j")
atexit.register(lambda: j.epoch(0))
""",
    "a Reporter opened at exit": """
import atexit
atexit.register(lambda: quiet().__enter__().job("j").epoch(0))
""",
}


@pytest.mark.parametrize("what", _NEVER_CLOSED)
def test_end_of_the_process_closes(platform: StandIn, what: str) -> None:
    done = trainings.run(_NEVER_CLOSED[what], platform.url)

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Fatal" not in done.stderr
    assert "block was left" not in done.stderr
    trainings.deliver_what_is_left(platform)
    assert trainings.epochs(platform)["j"][0] == 0
    figures.count("ends of a process")


def test_runs_that_were_never_closed_share_one_exit_timeout(platform: StandIn) -> None:
    code = """
for number in range(20):
    quiet(batch_id=f"b{number}").__enter__().job(f"j{number}").epoch(0)
written(40)
print(time.monotonic(), flush=True)
"""
    platform.mode("hang")
    done = trainings.run(code, platform.url, ARGUS_EXIT_TIMEOUT="1")

    assert time.monotonic() - float(done.stdout) < 10  # one by one they take twenty
    assert done.returncode == 0
    platform.mode("ok")
    trainings.deliver_what_is_left(platform)
    assert len(trainings.epochs(platform)) == 20


@pytest.mark.parametrize("mode", ["hang", "drip:0.2"])
def test_ctrl_c_while_the_block_is_left_ends_it_at_once_and_loses_nothing(
    platform: StandIn, mode: str
) -> None:
    code = _REPORTED + "    print('leaving', flush=True)"
    platform.mode(mode)
    process = trainings.start(code, platform.url, ARGUS_EXIT_TIMEOUT="50")
    assert process.stdout is not None
    assert process.stdout.readline() == "leaving\n"
    platform.wait_for(connections=1)
    process.send_signal(signal.SIGINT)
    done = trainings.end(process)

    assert done.seconds < 25
    # 0: it was out of the block before. 1: CPython forgets how it ends where anything evaluates a
    # text before it does, as making a named tuple does.
    assert done.returncode in (-2, 0, 1)
    platform.mode("ok")
    trainings.deliver_what_is_left(platform)
    assert trainings.epochs(platform) == {"j": list(range(100))}
    figures.count("ends of a process")


def test_nested_and_parallel_reporters_keep_apart(platform: StandIn) -> None:
    code = """
def train(name):
    with quiet(batch_id=name) as r, r.job(name) as j:
        for number in range(50):
            j.epoch(number)

with quiet(batch_id="outer") as outer, outer.job("outer") as j:
    threads = [threading.Thread(target=train, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    with quiet(batch_id="inner") as inner, inner.job("inner"):
        for number in range(50):
            inner.emit("job_epoch", epoch=number)
            j.epoch(number)
    for thread in threads:
        thread.join()
"""
    done = trainings.run(code, platform.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert trainings.left() == []
    names = ["inner", "outer", "t0", "t1", "t2", "t3"]
    assert trainings.epochs(platform) == {name: list(range(50)) for name in names}
    assert trainings.statuses(platform) == dict.fromkeys(names, "batch_done")
    for event in platform.events("job_epoch"):
        assert event["batch_id"] == event["job_id"]


def test_many_processes_share_one_home(platform: StandIn, long: bool) -> None:
    code = """
with quiet(batch_id=NAME) as r, r.job(NAME) as j:
    for number in range(50):
        j.epoch(number)
"""
    count = 64 if long else 8
    platform.mode("status:503", times=count)  # some leave their events to others
    running: list[subprocess.Popen[str]] = [
        trainings.start(code.replace("NAME", repr(f"b{number}")), platform.url)
        for number in range(count)
    ]
    for process in running:
        done = trainings.end(process)
        assert done.returncode == 0
        assert "Traceback" not in done.stderr
    platform.mode("ok")
    trainings.deliver_what_is_left(platform)

    names = [f"b{number}" for number in range(count)]
    assert trainings.epochs(platform) == {name: list(range(50)) for name in names}
    assert trainings.statuses(platform) == dict.fromkeys(names, "batch_done")
    figures.count("processes with one home", count)
