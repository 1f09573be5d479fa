"""What becomes of printed text: lines of the run's log, each with its job, and lines in its file."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest

from argus.console.transcript import JOINED_S, OWN, STDERR, STDOUT, Piece, Transcript, joined
from argus.core.settings import resolve
from argus.delivery.channel import Channel, RunFacts
from argus.delivery.latch import Latch
from argus.delivery.notices import Notices


class Collecting(Channel):
    """A channel without a sender: what it is given is looked at."""

    def put(self, record: Any, urgent: bool = False) -> None:
        assert (urgent, record[4]) == (False, None)
        self.__dict__.setdefault("records", []).append(record)

    @property
    def told(self) -> list[tuple[str | None, dict[str, Any]]]:
        records = self.__dict__.pop("records", [])
        assert {record[0] for record in records} <= {"log_line"}
        return [(record[2], record[3]) for record in records]


@pytest.fixture
def channel(tmp_path: Path) -> Collecting:
    environ = {"ARGUS_MODE": "backup", "ARGUS_TOKEN": "em_live_a-b_c", "ARGUS_CONSOLE": "forward"}
    settings = resolve("http://127.0.0.1:9", None, environ, None)
    found = Collecting(RunFacts("b", "p", None), settings, Notices())
    found.place(tmp_path)
    return found


def kept(directory: Path) -> str:
    return (directory / "logs" / "output.log").read_text("utf-8")


def out(text: str, at: float = 0.0, job_id: str | None = "j", whose: int = STDOUT) -> Any:
    return (at, job_id, whose, text)


def test_what_one_print_writes_becomes_one_piece():
    first, later = 1.0, 1.0 + 2 * JOINED_S
    pieces: list[Piece] = [
        (first, "j", STDOUT, "a"),
        (first, "j", STDOUT, " b"),
        (first, None, STDOUT, "\n"),
        (first, None, STDERR, "\n"),
        (first, "k", STDERR, "c"),
        (first, "k", STDERR, b"bytes"),
        (first, "k", STDERR, "d"),
        (later, "k", STDERR, "e"),
        (later, None, STDERR, "\n"),
    ]
    assert list(joined(pieces)) == [
        (first, "j", STDOUT, "a b\n"),
        (first, None, STDERR, "\n"),
        (first, "k", STDERR, "c"),
        (first, "k", STDERR, b"bytes"),
        (first, "k", STDERR, "d"),
        (later, "k", STDERR, "e\n"),
    ]
    assert list(joined([])) == []


def test_a_line_is_kept_and_told_with_its_job_and_stream(channel: Collecting, tmp_path: Path):
    transcript = Transcript(channel, {STDOUT, STDERR}, keeps=True)
    # `print` writes the newline by itself, and that has no job of its own.
    pieces = [out("a"), out("\n", job_id=None), out("b\n", job_id="k", whose=STDERR)]
    transcript.add(pieces, 0, 0.0)
    assert channel.told == [
        ("j", {"line": "a", "level": "info", "stream": "stdout"}),
        ("k", {"line": "b", "level": "info", "stream": "stderr"}),
    ]
    assert kept(tmp_path) == "a\nb\n"
    transcript.finish("j", 0.0)
    assert channel.told == []


def test_an_event_has_the_time_at_which_its_line_was_printed(channel: Collecting):
    transcript = Transcript(channel, {STDOUT, STDERR}, keeps=False)
    now = time.monotonic()
    transcript.add([out("a\n", now - 100)], 0, now)
    (record,) = channel.__dict__["records"]
    assert abs(record[1] - (time.time() - 100)) < 10


def test_the_streams_do_not_mix_within_a_line(channel: Collecting, tmp_path: Path):
    transcript = Transcript(channel, {STDOUT, STDERR}, keeps=True)
    transcript.add([out("loss "), out("\r 50%", whose=STDERR), out("0.5\n")], 0, 0.0)
    transcript.finish("j", 0.0)
    assert [data["line"] for _, data in channel.told] == ["loss 0.5", " 50%"]
    assert kept(tmp_path) == "loss 0.5\n 50%\n"


def test_a_long_line_is_cut_where_it_is_told_and_whole_where_it_is_kept(
    channel: Collecting, tmp_path: Path
):
    transcript = Transcript(channel, {STDOUT, STDERR}, keeps=True)
    transcript.add([out("x" * 5_000 + "\n"), out("y" * 300_000 + "\n")], 0, 0.0)
    transcript.finish("j", 0.0)
    assert [(len(data["line"]), data["cut"]) for _, data in channel.told] == [
        (1_024, 3_976),
        (1_024, 298_976),
    ]
    first, second = kept(tmp_path).splitlines()
    assert first == "x" * 5_000
    assert second == "y" * 262_144 + "... (+37856 characters)"


def test_our_own_messages_are_kept_and_not_told(channel: Collecting, tmp_path: Path):
    transcript = Transcript(channel, {STDOUT, STDERR}, keeps=True)
    transcript.add([out("theirs "), out("argus: refused\n", whose=OWN), out("too\n")], 0, 0.0)
    transcript.finish("j", 0.0)
    assert [data["line"] for _, data in channel.told] == ["theirs too"]
    assert kept(tmp_path) == "argus: refused\ntheirs too\n"


def test_of_a_flood_twenty_lines_are_told_and_all_are_kept(channel: Collecting, tmp_path: Path):
    transcript = Transcript(channel, {STDOUT, STDERR}, keeps=True)
    transcript.add([out(f"{number}\n") for number in range(1_000)], 0, 0.5)
    assert len(channel.told) == 10
    assert transcript.due_in(0.5) == 0.5
    transcript.add([], 0, 1.0)
    told = channel.told
    assert [data["line"] for _, data in told] == [str(number) for number in range(990, 1_000)]
    assert [data.get("omitted") for _, data in told] == [980, *[None] * 9]
    assert transcript.due_in(1.0) == math.inf
    assert kept(tmp_path).splitlines() == [str(number) for number in range(1_000)]


def test_what_never_came_here_is_told_with_the_next_line_or_at_the_end(
    channel: Collecting, tmp_path: Path
):
    transcript = Transcript(channel, {STDOUT, STDERR}, keeps=True)
    transcript.add([out("a\n")], 7, 0.0)
    transcript.add([], 5, 0.1)
    transcript.finish("k", 0.0)
    assert channel.told == [
        ("j", {"line": "a", "level": "info", "stream": "stdout", "omitted": 7}),
        ("k", {"line": "(5 lines omitted)", "level": "info", "stream": "stdout", "omitted": 5}),
    ]
    assert kept(tmp_path) == "a\n[argus: 12 lines are not in this file]\n"


def test_the_token_is_neither_kept_nor_told(channel: Collecting, tmp_path: Path):
    channel.settings.token = resolve(
        "http://127.0.0.1:9", "em_live_a-b_c", {}, None
    ).token  # as online
    transcript = Transcript(channel, {STDOUT, STDERR}, keeps=True)
    transcript.add([out("the token is em_live_a-b_c.\n")], 0, 0.0)
    ((_, data),) = channel.told
    assert "em_live" not in kept(tmp_path) + data["line"]


def test_a_text_that_is_no_unicode_is_kept_escaped(channel: Collecting, tmp_path: Path):
    transcript = Transcript(channel, (), keeps=True)
    transcript.add([out("caf\udce9\n")], 0, 0.0)
    assert (kept(tmp_path), channel.told) == ("caf\\udce9\n", [])


def test_lines_wait_for_the_directory_and_a_child_uses_that_of_its_parent(
    channel: Collecting, tmp_path: Path
):
    channel.run_directory = None
    transcript = Transcript(channel, (), keeps=True)
    transcript.add([out("a\n")], 0, 0.0)
    assert transcript.due_in(0.0) == 1.0
    channel.parents_directory = tmp_path
    channel.run_directory = tmp_path / "the child's"
    transcript.finish("j", 0.0)
    assert kept(tmp_path) == "a\n"


def test_a_run_too_short_to_have_a_directory_yet_is_waited_for(channel: Collecting, tmp_path: Path):
    class Late(Latch):
        def wait(self, timeout_s: float) -> bool:
            assert 0 < timeout_s <= 60
            channel.run_directory = tmp_path
            return True

    channel.run_directory, channel.placed = None, Late()
    transcript = Transcript(channel, (), keeps=True)
    transcript.add([out("a\n")], 0, 0.0)
    transcript.finish("j", time.monotonic() + 60)
    assert kept(tmp_path) == "a\n"


def test_a_disk_that_refuses_is_told_once(channel: Collecting, tmp_path: Path, caplog: Any):
    (tmp_path / "logs").write_text("no directory")
    transcript = Transcript(channel, (), keeps=True)
    for _ in range(3):
        transcript.add([out("a\n")], 0, 0.0)
    transcript.finish("j", 0.0)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 2
    assert "cannot be kept in logs/output.log" in said[0]
    assert "the last of what was printed" in said[1]
