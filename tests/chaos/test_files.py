"""What a dead process has left, damaged in every way that files can be: what can be read arrives,
none of it goes to the wrong place, and no file elsewhere is touched."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argus.rundir import sidecar
from argus.rundir.run import RunDirectory
from tests.chaos.disks import ROOT, Child, once
from tests.chaos.figures import count
from tests.chaos.leftovers import (
    ALL,
    EVENTS,
    FILES,
    cut,
    deliver,
    event_lines,
    left_behind,
    precious_files,
    received,
    untouched,
    with_directory,
    with_fifo,
    with_link,
    with_socket,
)
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and FIFOs are those of POSIX")


def _torn(run: Path) -> None:
    cut(run / "events.jsonl", (run / "events.jsonl").stat().st_size - 5)


def _garbage(run: Path) -> None:
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    lines[2] = b"\x00\xffgarbage\n"
    lines[4] = b'{"event_id":"x","a":NaN}\n'
    (run / "events.jsonl").write_bytes(b"".join(lines))


def _other_schema(run: Path) -> None:
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"1.1"', b'"1.0"')
    (run / "events.jsonl").write_bytes(b"".join(lines))


def _put(name: str, data: bytes) -> Callable[[Path], Any]:
    return lambda run: (run / name).write_bytes(data)


def _position(change: int) -> Callable[[Path], Any]:
    def put(run: Path) -> None:
        first = (run / "events.jsonl").read_bytes().index(b"\n") + 1
        (run / "delivered").write_bytes(b"%d\n" % (first + change))

    return put


def _edit(**changes: Any) -> Callable[[Path], Any]:
    def edit(run: Path) -> None:
        (run / "run.json").write_text(json.dumps({**sidecar.read(run), **changes}), "utf-8")

    return edit


def _large(name: str) -> Callable[[Path], Any]:
    return lambda run: os.truncate(run / name, 1 << 30)


# What is done to a directory, and the epochs that arrive; None: it stays, for a person to look.
DAMAGES: dict[str, tuple[Callable[[Path], Any], list[int] | None]] = {
    "nothing": (lambda run: None, ALL),
    "torn last line": (_torn, ALL[:-1]),
    "garbage in the middle": (_garbage, [0, 1, 3, 5]),
    "empty": (lambda run: cut(run / "events.jsonl", 0), []),
    "position": (_position(0), ALL[1:]),
    "position in a line": (_position(3), ALL),
    "position beyond the end": (_put("delivered", b"99999999\n"), ALL),
    "position unreadable": (_put("delivered", b"\xff" * 5_000), ALL),
    "position negative": (_put("delivered", b"-1\n"), ALL),
    "position as directory": (lambda run: with_directory(run / "delivered"), ALL),
    "position as fifo": (lambda run: with_fifo(run / "delivered"), ALL),
    "position as socket": (lambda run: with_socket(run / "delivered"), ALL),
    "sidecar cut short": (lambda run: cut(run / "run.json", 20), None),
    "sidecar empty": (lambda run: cut(run / "run.json", 0), None),
    "sidecar missing": (lambda run: (run / "run.json").unlink(), None),
    "sidecar as fifo": (lambda run: with_fifo(run / "run.json"), None),
    "sidecar as device": (lambda run: with_link(run / "run.json", Path("/dev/zero")), None),
    "sidecar of 1 GB": (_large("run.json"), None),
    "sidecar of a later format": (_edit(format=99), None),
    "another platform": (_edit(url="http://127.0.0.1:9"), None),
    "no platform": (_edit(url=None), None),
    "events as fifo": (lambda run: with_fifo(run / "events.jsonl"), None),
    "events as directory": (lambda run: with_directory(run / "events.jsonl"), None),
    "events missing": (lambda run: (run / "events.jsonl").unlink(), None),
    "lock missing": (lambda run: (run / "lock").unlink(), ALL),
    "lock as fifo": (lambda run: with_fifo(run / "lock"), None),
    "heartbeat as fifo": (lambda run: with_fifo(run / "heartbeat"), ALL),
    "an event of another schema": (_other_schema, [0, 1, 2, 4, 5]),
    "artifacts as fifo": (lambda run: with_fifo(run / "media.jsonl"), ALL),
    "artifacts garbage": (_put("media.jsonl", b"\x00" * 5_000_000 + b"\n{}"), ALL),
    "dead letters as fifo": (lambda run: with_fifo(run / "rejected.jsonl"), ALL),
}
if ROOT:
    DAMAGES["somebody else's"] = (lambda run: os.chown(run, 12_345, -1), None)


def _link(name: str) -> Callable[[Path], Any]:
    return lambda run: with_link(run / name, Path("elsewhere").absolute() / name)


for _name in FILES:
    _stays = _name in ("events.jsonl", "lock", "run.json")
    DAMAGES[f"{_name} as link"] = (_link(_name), None if _stays else ALL)


def _remove_all(run: Path) -> None:
    for path in run.iterdir():
        path.unlink()


def test_each_damage_costs_only_what_it_has_destroyed(platform: StandIn, said: list[str]) -> None:
    place = precious_files()
    expected: dict[str, list[int]] = {}
    staying = set()
    for number, (damage, epochs) in enumerate(DAMAGES.values()):
        run = left_behind(f"b{number}", platform.url)
        damage(run)
        if epochs is None:
            staying.add(run.name)
        elif epochs:
            expected[f"b{number}"] = epochs
    linked = left_behind("linked", platform.url)
    linked.rename("moved")
    linked.symlink_to(Path("moved").absolute(), target_is_directory=True)
    count("directories damaged", len(DAMAGES) + 1)
    last = left_behind("z", platform.url)

    deliver(lambda: not last.exists())

    assert received(platform) == {**expected, "z": ALL}
    names = list(DAMAGES)
    kept = {path.name for path in Path("state/spill").iterdir()}
    assert staying | {linked.name} <= kept, names
    assert len(event_lines(Path("moved"))) == EVENTS
    assert untouched(place)
    assert [message for message in said if "refused" not in message] == []


_RECOVERING = """
import sys
from argus import Reporter
with Reporter(heartbeat=False, stop_polling=False, resource_snapshot=False) as r:
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("locks", [True, False])
def test_processes_that_recover_the_same_at_once_deliver_it_once(
    platform: StandIn, locks: bool, long: bool
) -> None:
    number = 200 if long else 30
    for each in range(number):
        left_behind(f"b{each}", platform.url, **DEAD)
    script = _RECOVERING if locks else _NO_LOCKS + _RECOVERING
    children = [Child(script) for _ in range(6 if long else 3)]
    try:
        assert [child.hear() for child in children] == ["begun"] * len(children)
        everything = number * EVENTS + len(children)
        platform.wait_for(everything, timeout=60.0)
    finally:
        for child in children:
            child.end()

    epochs = received(platform)
    assert epochs == {f"b{each}": ALL for each in range(number)}
    assert not list(Path("state/spill").iterdir())
    if locks:
        assert platform.stats()["duplicates"] == 0
    count("processes that recover", len(children))


_NO_LOCKS = """
import errno, fcntl
def flock(fd, operation):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
"""


def _dead() -> dict[str, Any]:
    """What a sidecar says of a process of this machine that has certainly ended."""
    child = Child(
        "from argus.rundir import writer; import json; print(json.dumps(writer.identity()))"
    )
    identity: dict[str, Any] = json.loads(child.hear())
    child.end()
    return identity


DEAD = _dead() if os.name != "nt" else {}


def test_without_locks_only_what_is_certainly_dead_is_taken_up(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    if None in DEAD.values():
        pytest.skip("this system does not say which processes are dead")

    def flock(fd: int, operation: int) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", flock)
    left_behind("dead", platform.url, **DEAD)
    uncertain = [
        {**DEAD, "pid": os.getpid()},
        {**DEAD, "pid": 1},
        {**DEAD, "host": "another"},
        {**DEAD, "boot_id": "of yesterday"},
        {**DEAD, "pid_namespace": "pid:[1]"},
        {**DEAD, "pid": None},
        {},
    ]
    for number, content in enumerate(uncertain):
        left_behind(f"alive{number}", platform.url, **content)
    last = left_behind("zz", platform.url, **DEAD)

    with quiet() as r, r.job("j") as j:
        j.epoch(0)
        once(lambda: not last.exists(), "all leftovers looked at")
        own = r.batch_id

    assert received(platform) == {"dead": ALL, "zz": ALL, own: [0]}
    assert len(list(Path("state/spill").iterdir())) == len(uncertain)


@pytest.mark.parametrize("code", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def test_without_locks_a_run_is_kept_all_the_same(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str], code: str
) -> None:
    def flock(fd: int, operation: int) -> None:
        raise OSError(getattr(errno, code), code)

    monkeypatch.setattr(fcntl, "flock", flock)
    platform.mode("close")
    with quiet() as r, r.job("j") as j:
        j.epoch(0)

    (run,) = Path("state/spill").iterdir()
    assert len(event_lines(run)) == 5
    assert ["kept" in message for message in said] == [True]


def test_directories_without_events_are_swept_after_an_hour(platform: StandIn) -> None:
    def bare(name: str, age_s: float, *damages: Callable[[Path], Any]) -> Path:
        run = left_behind(name, "http://127.0.0.1:9", events=0)
        for damage in damages:
            damage(run)
        os.utime(run, (time.time() - age_s,) * 2)
        return run

    swept = [
        bare("a", 3_700.0),
        bare("b", 3_700.0, lambda run: (run / "events.jsonl").unlink()),
        bare("c", 3_700.0, lambda run: (run / "run.json").unlink()),
        bare("d", 3_700.0, _remove_all),
    ]
    held = bare("held", 3_700.0)
    holder = RunDirectory.recover(held, kept=False)
    os.utime(held, (time.time() - 3_700.0,) * 2)
    staying = [
        held,
        bare("young", 3_000.0),
        bare("later", 3_700.0, _edit(format=99)),
        bare("dead-letter", 3_700.0, _put("rejected.jsonl", b"{}\n")),
        bare("artifact", 3_700.0, _put("media.jsonl", b"{}\n")),
        bare("torn", 3_700.0, _put("events.jsonl", b'{"event_id"')),
        bare("link", 3_700.0, lambda run: with_link(run / "events.jsonl", Path("/dev/null"))),
    ]
    last = left_behind("z", platform.url)

    deliver(lambda: not last.exists())

    assert [run.exists() for run in swept] == [False] * len(swept)
    assert [run.exists() for run in staying] == [True] * len(staying)
    assert holder is not None
    holder.release()
