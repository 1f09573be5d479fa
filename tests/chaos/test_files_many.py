"""Leftovers by the thousand, by the gigabyte and damaged at random."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from argus.core import contract
from argus.rundir import layout, sidecar
from tests.chaos.disks import Child, once
from tests.chaos.figures import count
from tests.chaos.leftovers import (
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
)
from tests.environment import clean_environment, platform, quiet
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and FIFOs are those of POSIX")


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
        _rename_events(run, each)
    shutil.rmtree(template)

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


def _rename_events(run: Path, number: int) -> None:
    lines = []
    for index, line in enumerate((run / "events.jsonl").read_bytes().splitlines()):
        event = json.loads(line)
        event["batch_id"] = f"b{number:04d}"
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
    size = 1 << (30 if long else 26)
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
