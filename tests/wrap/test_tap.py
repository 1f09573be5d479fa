"""The copy of a command's output, between real descriptors."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from argus.wrap.tap import Tap

LIMIT_S = 30.0


class Pipes:
    """A tap from one pipe to another."""

    def __init__(self) -> None:
        source, self.command = os.pipe()
        self.reader, self._target = os.pipe()
        self.rung = threading.Semaphore(0)
        self.tap = Tap(source, self._target, self.rung.release)
        self.tap.start()

    def close(self) -> None:
        for descriptor in (self.reader, self._target):
            try:
                os.close(descriptor)
            except OSError:  # the test has done so
                continue


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


def test_what_is_written_comes_out_at_once_and_is_there_to_take(pipes: Pipes) -> None:
    for piece in (b"one\n", b"\xff\r"):
        os.write(pipes.command, piece)
        assert os.read(pipes.reader, 100) == piece
    os.close(pipes.command)
    assert pipes.tap.ended.wait(LIMIT_S)
    assert pipes.tap.take() == (0, [b"one\n", b"\xff\r"])
    assert pipes.tap.take() == (0, [])


def test_it_rings_once_until_somebody_has_looked(pipes: Pipes) -> None:
    for _ in range(2):
        os.write(pipes.command, b"x")
        os.read(pipes.reader, 1)
    assert pipes.rung.acquire(timeout=LIMIT_S)
    os.close(pipes.command)
    assert pipes.tap.ended.wait(LIMIT_S)
    assert pipes.rung.acquire(timeout=LIMIT_S)  # of the end
    assert not pipes.rung.acquire(blocking=False)


def test_of_a_flood_that_nobody_looks_at_the_end_is_kept_and_all_comes_out(pipes: Pipes) -> None:
    line = b"%060d\n"
    read: list[bytes] = []

    def drain() -> None:
        while sum(map(len, read)) < 61 * 20_000:
            read.append(os.read(pipes.reader, 1 << 20))

    reader = threading.Thread(target=drain)
    reader.start()
    for number in range(20_000):
        os.write(pipes.command, line % number)
    os.close(pipes.command)
    reader.join(LIMIT_S)
    assert pipes.tap.ended.wait(LIMIT_S)
    assert b"".join(read) == b"".join(line % number for number in range(20_000))
    lost, pieces = pipes.tap.take()
    kept = b"".join(pieces)
    assert kept.endswith(line % 19_999)
    assert lost + kept.count(b"\n") == 20_000
    assert 60_000 < len(kept) <= 131_072


def test_the_command_notices_that_nobody_reads(pipes: Pipes) -> None:
    os.close(pipes.reader)
    with pytest.raises(BrokenPipeError):
        while True:
            os.write(pipes.command, b"x" * 65_536)
    os.close(pipes.command)
    assert pipes.tap.ended.wait(LIMIT_S)


def test_an_output_that_does_not_block_is_waited_for(pipes: Pipes) -> None:
    os.set_blocking(pipes._target, False)
    sent = b"x" * 1_000_000
    writer = threading.Thread(target=os.write, args=(pipes.command, sent))
    writer.start()
    read = b""
    while len(read) < len(sent):
        read += os.read(pipes.reader, 10_000)
    writer.join(LIMIT_S)
    os.close(pipes.command)
    assert read == sent
