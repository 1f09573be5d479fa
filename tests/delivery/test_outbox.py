from __future__ import annotations

from pathlib import Path

import pytest

from argus.core.events import Encoder
from argus.core.jsonl import Line
from argus.delivery import outbox as outbox_module
from argus.delivery.outbox import Outbox
from argus.rundir import files
from argus.rundir.journal import Journal
from tests.delivery.conftest import epoch

_encoder = Encoder("b", {"project": "p"}, bytes(10))


def lines(first: int, count: int) -> list[bytes]:
    return [_encoder.encode(epoch(number)) for number in range(first, first + count)]


class Disk(Journal):
    """A journal whose disk can be told to refuse."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, private=True)
        self.refuses = False

    def append(self, lines: list[bytes]) -> None:
        if self.refuses:
            raise OSError(28, "No space left on device")
        super().append(lines)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def outbox_on(disk: Disk | None, kept: bool = False, sends: bool = True) -> Outbox:
    return Outbox(disk, 1_000_000_000, kept, sends, trouble=lambda error: None)


def data_of(taken: list[Line]) -> list[bytes]:
    return [line.data for line in taken]


def size_of(taken: list[Line]) -> int:
    return sum(line.size for line in taken)


def test_what_is_put_is_in_the_file_and_comes_out_in_order(disk: Disk, tmp_path: Path):
    outbox = outbox_on(disk)
    put = lines(0, 10)
    outbox.put(put, now=1.0, urgent=False)
    assert (tmp_path / "events.jsonl").read_bytes().splitlines() == put
    assert data_of(outbox.take(4)) + data_of(outbox.take(100)) == put
    assert outbox.backlog() is None


def test_it_is_delivered_only_when_all_that_was_taken_is_confirmed(disk: Disk):
    outbox = outbox_on(disk)
    outbox.put(lines(0, 3), now=1.0, urgent=False)
    taken = outbox.take(3)
    assert not outbox.is_delivered
    outbox.confirm(size_of(taken[:2]))
    assert not outbox.is_delivered
    outbox.confirm(size_of(taken[2:]))
    assert outbox.is_delivered
    assert disk.position == disk.size


def test_urgency_and_age_are_those_of_what_still_waits(disk: Disk):
    outbox = outbox_on(disk)
    outbox.put(lines(0, 1), now=1.0, urgent=False)
    outbox.put(lines(1, 1), now=2.0, urgent=True)
    backlog = outbox.backlog()
    assert backlog is not None
    assert (backlog.events, backlog.since, backlog.urgent) == (2, 1.0, True)
    outbox.take(10)
    outbox.put(lines(2, 1), now=3.0, urgent=False)
    backlog = outbox.backlog()
    assert backlog is not None
    assert (backlog.events, backlog.since, backlog.urgent) == (1, 3.0, False)


def test_what_memory_does_not_hold_is_read_back_from_the_file(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outbox_module, "_MAX_READY_BYTES", 1_000)
    outbox = outbox_on(disk)
    put = lines(0, 100)
    for line in put:
        outbox.put([line], now=1.0, urgent=False)
    assert len(outbox._ready) < 10
    taken: list[bytes] = []

    def take_and_confirm() -> None:
        part = outbox.take(7)
        taken.extend(data_of(part))
        outbox.confirm(size_of(part))

    for _ in range(8):
        take_and_confirm()
    more = lines(100, 5)
    outbox.put(more, now=2.0, urgent=False)
    while outbox.backlog() is not None:
        take_and_confirm()
    assert taken == put + more
    assert outbox.is_delivered


def test_where_the_disk_refuses_events_go_from_memory(disk: Disk):
    outbox = outbox_on(disk)
    put = lines(0, 30)
    outbox.put(put[:10], now=1.0, urgent=False)
    disk.refuses = True
    outbox.put(put[10:20], now=2.0, urgent=False)
    taken = [outbox.take(15), outbox.take(100)]
    assert data_of(taken[0]) + data_of(taken[1]) == put[:20]
    assert not outbox.is_written
    outbox.confirm(size_of(taken[0]) + size_of(taken[1]))
    assert outbox.is_delivered
    assert outbox.is_written
    assert disk.position == disk.size == size_of(taken[0])

    disk.refuses = False  # and on in the file, as if nothing had been
    outbox.put(put[20:], now=3.0, urgent=False)
    last = outbox.take(100)
    assert data_of(last) == put[20:]
    outbox.confirm(size_of(last))
    assert disk.position == disk.size == size_of(taken[0]) + size_of(last)


def test_a_disk_that_takes_again_gets_what_it_refused_before(disk: Disk, tmp_path: Path):
    outbox = outbox_on(disk)
    put = lines(0, 6)
    disk.refuses = True
    outbox.put(put[:2], now=1.0, urgent=False)
    in_flight = outbox.take(1)
    disk.refuses = False
    outbox.put(put[2:], now=2.0, urgent=False)
    assert (tmp_path / "events.jsonl").read_bytes().splitlines() == put
    assert outbox.is_written
    rest = outbox.take(100)
    assert data_of(in_flight) + data_of(rest) == put
    outbox.confirm(size_of(in_flight) + size_of(rest[:1]))
    assert disk.position == in_flight[0].size + rest[0].size
    outbox.confirm(size_of(rest[1:]))
    assert outbox.is_delivered
    assert disk.position == disk.size


def test_what_is_confirmed_while_the_disk_refuses_is_not_written_any_more(
    disk: Disk, tmp_path: Path
):
    outbox = outbox_on(disk)
    put = lines(0, 4)
    disk.refuses = True
    outbox.put(put, now=1.0, urgent=False)
    in_flight = outbox.take(3)
    outbox.confirm(in_flight[0].size)
    disk.refuses = False
    assert outbox.write_down()
    assert (tmp_path / "events.jsonl").read_bytes().splitlines() == put[1:]
    assert data_of(outbox.take(10)) == put[3:]
    outbox.confirm(size_of(in_flight[1:]))
    assert disk.position == size_of(in_flight[1:])
    assert not outbox.is_delivered


def test_memory_for_what_the_disk_refuses_is_bounded(disk: Disk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outbox_module, "_MAX_UNWRITTEN_BYTES", 2_000)
    outbox = outbox_on(disk)
    disk.refuses = True
    while outbox.has_room:
        outbox.put(lines(0, 1), now=1.0, urgent=False)
    assert 2_000 <= outbox._unwritten_bytes < 2_500
    disk.refuses = False
    assert outbox.write_down()
    assert outbox.has_room


def test_without_a_directory_everything_goes_from_memory():
    outbox = outbox_on(None)
    put = lines(0, 5)
    outbox.put(put, now=1.0, urgent=False)
    taken = outbox.take(10)
    assert data_of(taken) == put
    outbox.confirm(size_of(taken))
    assert outbox.is_delivered


def test_a_delivered_file_begins_anew_unless_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outbox_module, "_DROP_BYTES", 1_000)
    for name, kept in (("spilled", False), ("kept", True)):
        (tmp_path / name).mkdir()
        disk = Disk(tmp_path / name)
        outbox = outbox_on(disk, kept=kept)
        outbox.put(lines(0, 20), now=1.0, urgent=False)
        taken = outbox.take(100)
        outbox.confirm(size_of(taken))
        assert disk.file_bytes == (size_of(taken) if kept else 0)
        assert disk.position == size_of(taken)
        more = lines(20, 2)
        outbox.put(more, now=2.0, urgent=False)
        assert data_of(outbox.take(100)) == more


def test_a_busy_file_loses_what_is_delivered_though_there_is_always_more(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outbox_module, "_DROP_BYTES", 5_000)
    outbox = outbox_on(disk)
    put, taken = lines(0, 50), []
    outbox.put(put, now=1.0, urgent=False)
    while len(put) < 2_000:
        taken += outbox.take(40)
        more = lines(len(put), 40)
        put += more
        outbox.put(more, now=1.0, urgent=False)
        outbox.confirm(size_of(taken[-40:]))
        assert disk.file_bytes < 20_000
    taken += outbox.take(100)
    assert data_of(taken) == put


def test_a_file_behind_loses_what_is_delivered_too(disk: Disk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outbox_module, "_DROP_BYTES", 5_000)
    monkeypatch.setattr(outbox_module, "_MAX_READY_BYTES", 2_000)
    outbox = outbox_on(disk)
    put, taken = lines(0, 200), []
    outbox.put(put[:100], now=1.0, urgent=False)
    outbox.put(put[100:], now=1.0, urgent=False)
    while more := outbox.take(7):
        taken += more
        outbox.confirm(size_of(more))
    assert data_of(taken) == put
    assert disk.file_bytes < 10_000


def test_nothing_is_skipped_where_nothing_may_be_taken(disk: Disk):
    outbox = outbox_on(disk)
    disk.append(put := lines(0, 10))
    assert outbox.take(0) == []
    assert data_of(outbox.take(5)) == put[:5]
    assert outbox.take(0) == []
    assert data_of(outbox.take(100)) == put[5:]


def test_what_cannot_be_read_now_is_read_later(disk: Disk, monkeypatch: pytest.MonkeyPatch):
    outbox = outbox_on(disk)
    disk.append(put := lines(0, 10))
    assert data_of(outbox.take(3)) == put[:3]
    outbox._stop_reading()

    def refuse(fd: int, size: int, offset: int) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(files, "read_at", refuse)
        for _ in range(3):
            with pytest.raises(OSError):
                outbox.take(100)
    assert data_of(outbox.take(100)) == put[3:]


def test_a_kept_run_that_is_not_sent_waits_for_nobody(disk: Disk):
    outbox = outbox_on(disk, kept=True, sends=False)
    outbox.put(lines(0, 5), now=1.0, urgent=True)
    assert outbox.backlog() is None
    assert len(outbox._ready) == 0


def test_a_journal_at_its_greatest_size_is_full(disk: Disk):
    outbox = Outbox(disk, 1_000, kept=False, sends=True, trouble=lambda error: None)
    assert not outbox.is_full
    outbox.put(lines(0, 10), now=1.0, urgent=False)
    assert outbox.is_full
