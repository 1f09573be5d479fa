"""What a dead process has left, damaged in every way that files can be: what can be read arrives,
none of it goes to the wrong place, and no file elsewhere is touched."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from argus.core import contract
from argus.core.events import Encoder
from argus.rundir import layout, sidecar
from argus.rundir.run import RunDirectory
from tests.chaos.disks import ROOT, Child, once
from tests.chaos.figures import count
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and FIFOs are those of POSIX")

EVENTS = 6
PRECIOUS = b"precious\n"
FILES = [
    "events.jsonl",
    "lock",
    "delivered",
    "run.json",
    "media.jsonl",
    "rejected.jsonl",
    "heartbeat",
]


def left_behind(name: str, url: str, events: int = EVENTS, **content: Any) -> Path:
    """The directory of a process that was killed, with every file that there can be."""
    path = layout.spill_dir(Path("state"), name, "host", 1, "0a")
    run = RunDirectory.create(path, kept=False)
    run.describe({"batch_id": name, "url": url, **content})
    encoder = Encoder(name, {"project": "p"}, os.urandom(10))
    lines = [
        encoder.encode(cast(Any, ("job_epoch", 1.0 * epoch, "j", {"epoch": epoch}, None)))
        for epoch in range(events)
    ]
    run.journal.append(lines)
    run.beat()
    run.release()
    return path


def received(platform: StandIn) -> dict[str, list[int]]:
    """The epochs that have arrived of each batch."""
    epochs: dict[str, list[int]] = {}
    for event in platform.events("job_epoch"):
        epochs.setdefault(event["batch_id"], []).append(event["data"]["epoch"])
    count("events delivered", sum(map(len, epochs.values())))
    return epochs


def precious_files() -> Path:
    """A directory that nobody may touch."""
    place = Path("elsewhere").absolute()
    place.mkdir()
    for name in FILES:
        (place / name).write_bytes(PRECIOUS)
        (place / name).chmod(0o640)
        os.utime(place / name, (1_000, 1_000))
    return place


def untouched(place: Path) -> bool:
    return sorted(path.name for path in place.iterdir()) == sorted(FILES) and all(
        path.read_bytes() == PRECIOUS
        and (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o640, 1_000)
        for path in place.iterdir()
    )


def deliver(until: Callable[[], bool]) -> None:
    """A run that takes up what is left, until it has."""
    with quiet() as r:
        once(until, "all leftovers looked at")
        marker = r.batch_id
    assert marker


def cut(path: Path, size: int) -> None:
    os.truncate(path, size)


def with_link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def with_fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def with_directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def with_socket(path: Path) -> None:
    path.unlink(missing_ok=True)
    before = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
    os.chdir(before)


ALL = list(range(EVENTS))


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


def event_lines(run: Path) -> list[bytes]:
    return (run / "events.jsonl").read_bytes().splitlines()


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


def test_a_thousand_leftovers_hold_no_block_up_and_arrive_in_order(
    platform: StandIn, long: bool
) -> None:
    number = 1_000 if long else 100
    template = left_behind("b", platform.url, events=2)
    content = sidecar.read(template)
    for each in range(number):
        run = layout.spill_dir(Path("state"), f"b{each:04d}", "host", 1, "0a")
        shutil.copytree(template, run)
        sidecar.write(run, {**content, "batch_id": f"b{each:04d}"}, private=True)
        events = (run / "events.jsonl").read_bytes()
        (run / "events.jsonl").write_bytes(
            events.replace(b'"b"', b'"b%04d"' % each).replace(b'_id":"', b'_id":"%04d' % each, 1)
        )
        _give_ids(run, each)
    shutil.rmtree(template)
    platform.mode("ok")

    started = time.monotonic()
    with quiet() as r, r.job("j") as j:
        j.epoch(0)
        opened_s = time.monotonic() - started
        platform.wait_for(2 * number + 3, timeout=120.0)
    assert opened_s < 2.0
    once(lambda: not list(Path("state/spill").iterdir()), "an empty state directory")
    batches = [event["batch_id"] for event in platform.events()]
    assert batches[:2] == [r.batch_id] * 2
    names = [batch for batch in batches if batch != r.batch_id]
    assert names == sorted(names)
    count("leftovers delivered", number)


def _give_ids(run: Path, number: int) -> None:
    lines = []
    for index, line in enumerate((run / "events.jsonl").read_bytes().splitlines()):
        event = json.loads(line)
        event["event_id"] = f"00000000-0000-0000-0000-{number:08d}{index:04d}"
        lines.append(json.dumps(event).encode() + b"\n")
    (run / "events.jsonl").write_bytes(b"".join(lines))


_MEASURED = """
import sys
from argus import Reporter
with Reporter(heartbeat=False, stop_polling=False, resource_snapshot=False) as r:
    print("begun", flush=True)
    sys.stdin.read()
with open("/proc/self/status") as status:  # rusage would count what its parent had at the fork
    print(*[line.split()[1] for line in status if line.startswith("VmHWM")], flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to measure by")
def test_files_without_a_newline_for_a_gigabyte_take_no_memory(
    platform: StandIn, long: bool
) -> None:
    size = 1 << (30 if long else 27)
    for name in ("events.jsonl", "media.jsonl", "delivered", "rejected.jsonl", "run.json"):
        run = left_behind(f"large-{name}", platform.url)
        (run / name).touch()
        os.truncate(run / name, size)
        with (run / name).open("ab") as file:
            file.write(b"\n" + event_lines(run)[0] + b"\n" if name == "events.jsonl" else b"\n")
    last = left_behind("z", platform.url)

    child = Child(_MEASURED)
    assert child.hear() == "begun"
    once(lambda: not last.exists(), "all leftovers looked at")
    child.let_go()
    peak_kb = int(child.hear())
    assert child.end() == 0

    assert peak_kb < 110_000
    epochs = received(platform)
    assert epochs.pop("large-events.jsonl") == [0, 1, 2, 3, 4, 5]
    assert set(epochs) == {"large-media.jsonl", "large-delivered", "large-rejected.jsonl", "z"}


class Damager:
    """Damages directories at random."""

    def __init__(self, random: Random, place: Path) -> None:
        self.random = random
        self.place = place

    def damage(self, run: Path) -> None:
        for _ in range(self.random.randrange(1, 4)):
            path = run / self.random.choice([*FILES, "events.jsonl", "events.jsonl", "delivered"])
            if path.is_dir() and not path.is_symlink():
                continue
            self.random.choice(
                [
                    self._cut,
                    self._flip,
                    self._flip,
                    self._insert,
                    lambda path: path.unlink(missing_ok=True),
                    lambda path: with_link(path, self.place / path.name),
                    with_fifo,
                    with_directory,
                ]
            )(path)

    def _cut(self, path: Path) -> None:
        if path.is_file() and not path.is_symlink():
            cut(path, self.random.randrange(path.stat().st_size + 1))

    def _flip(self, path: Path) -> None:
        if path.is_file() and not path.is_symlink() and path.stat().st_size:
            data = bytearray(path.read_bytes())
            for _ in range(self.random.choice([1, 1, 5])):
                data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
            path.write_bytes(data)

    def _insert(self, path: Path) -> None:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            return
        data = path.read_bytes() if path.exists() else b""
        at = self.random.randrange(len(data) + 1)
        path.write_bytes(data[:at] + self.random.randbytes(30) + data[at:])


def must_arrive(run: Path, url: str) -> set[str] | None:
    """The ids of whole, undelivered events of a directory, read without the code under test; None
    where it need not be delivered at all."""
    regular = [path.name for path in run.iterdir() if path.is_file() and not path.is_symlink()]
    try:
        content = json.loads((run / "run.json").read_bytes()) if "run.json" in regular else None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("url") != url or content.get("format", 1) != 1:
        return None
    if "events.jsonl" not in regular or ((run / "lock").exists() and "lock" not in regular):
        return None
    if (run / "lock").is_symlink():
        return None
    data = (run / "events.jsonl").read_bytes()
    position = 0
    try:
        if "delivered" in regular:
            position = int((run / "delivered").read_bytes()[:65])
    except ValueError:
        pass
    if not (0 < position <= len(data) and data[position - 1 : position] == b"\n"):
        position = 0
    return {event["event_id"] for event in _valid(data[position:].split(b"\n")[:-1])}


def _valid(lines: list[bytes]) -> list[dict[str, Any]]:
    """The events that no platform would refuse."""
    events = []
    for line in lines:
        try:
            event = json.loads(line.decode("utf-8"))
            errors = (
                contract.envelope_error(event),
                contract.data_error(event["event_type"], event["data"]),
            )
            if errors == (None, None) and event["schema_version"] == "1.1":
                events.append(event)
        except (ValueError, KeyError, TypeError):
            continue
    return events


def test_directories_damaged_at_random_lose_nothing_that_can_be_read(
    platform: StandIn, long: bool
) -> None:
    number = 1_000 if long else 60
    seed = int.from_bytes(os.urandom(4), "big") if long else 2_026
    random = Random(seed)
    place = precious_files()
    damager = Damager(random, place)
    expected: set[str] = set()
    staying: dict[Path, int] = {}
    for each in range(number):
        run = left_behind(f"b{each:04d}", platform.url)
        damager.damage(run)
        ids = must_arrive(run, platform.url)
        if ids is None:
            staying[run] = _readable(run)
        else:
            expected |= ids
    last = left_behind("z", platform.url)
    count("directories damaged", number)

    deliver(lambda: not last.exists())

    arrived = {event["event_id"] for event in platform.events()}
    count("events delivered", len(arrived))
    missing = expected - arrived
    assert not missing, (f"seed {seed}", places_of(missing))
    assert untouched(place), f"seed {seed}"
    for run, events in staying.items():
        assert _readable(run) == events, f"seed {seed}: {run}"


def places_of(ids: set[str]) -> list[tuple[str, bytes]]:
    """Where events are that have not arrived."""
    return [
        (str(path), line)
        for path in Path("state").rglob("*.jsonl")
        if path.is_file()
        for line in path.read_bytes().splitlines()
        if any(event_id.encode() in line for event_id in ids)
    ]


def _readable(run: Path) -> int:
    events = run / "events.jsonl"
    if events.is_symlink() or not events.is_file():
        return 0
    return len(_valid(events.read_bytes().split(b"\n")))
