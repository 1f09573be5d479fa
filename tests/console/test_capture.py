"""What is printed while a Reporter is open is in its run, and the streams are as they were."""

from __future__ import annotations

import io
import logging
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from argus import emit
from argus.console import backlog
from argus.console.output_log import OutputLog
from tests.chaos.disks import once
from tests.console.runs import events, output, told
from tests.environment import clean_environment, files_below, quiet, said

__all__ = ["clean_environment", "said"]


@pytest.fixture(autouse=True)
def patience(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time."""
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "60")


def kept(console: str = "forward", **arguments: Any) -> Any:
    return quiet(**{"batch_id": "b", "mode": "backup", "console": console, **arguments})


def own_streams(monkeypatch: pytest.MonkeyPatch) -> list[io.StringIO]:
    """Streams of the test's own. Not by a fixture: pytest sets its own before each step."""
    found = [io.StringIO(), io.StringIO()]
    monkeypatch.setattr(sys, "stdout", found[0])
    monkeypatch.setattr(sys, "stderr", found[1])
    return found


def console_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "argus-console"]


def test_a_line_belongs_to_the_innermost_open_job(monkeypatch: pytest.MonkeyPatch):
    streams = own_streams(monkeypatch)
    with kept() as r:
        print("before")
        with r.job("outer"):
            print("1", "2")
            with r.job("inner"):
                print("bad", file=sys.stderr)
        print("no end", end="")

    assert told() == [
        ("b", "stdout", "before"),
        ("outer", "stdout", "1 2"),
        ("inner", "stderr", "bad"),
        ("b", "stdout", "no end"),
    ]
    assert output() == "before\n1 2\nbad\nno end\n"
    assert [stream.getvalue() for stream in streams] == ["before\n1 2\nno end", "bad\n"]
    assert [vars(stream) for stream in streams] == [{}, {}]
    assert events()[-1]["event_type"] == "batch_done"
    assert console_threads() == []


def test_file_keeps_it_and_forwards_nothing():
    with kept("file"):
        print("x")
    assert (output(), told()) == ("x\n", [])


@pytest.mark.parametrize(
    "arguments",
    [
        {"console": "off"},
        {"console": None},
        {"mode": None},
        {"mode": "disabled"},
    ],
    ids=["off", "unset", "no platform", "disabled"],
)
def test_where_nothing_is_captured_nothing_is_touched(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch, said: list[str]
):
    streams = own_streams(monkeypatch)
    with kept(**arguments):
        print("x")
        assert [vars(stream) for stream in streams] == [{}, {}]
        assert console_threads() == []
    assert said == []
    assert "output.log" not in str(files_below(Path()))


def test_a_file_without_a_kept_run_is_told_to_be_nowhere(
    said: list[str], monkeypatch: pytest.MonkeyPatch
):
    streams = own_streams(monkeypatch)
    with kept("file", mode=None, monitor_url="http://127.0.0.1:9"):
        assert [vars(stream) for stream in streams] == [{}, {}]
    assert "console=file" in said[0]
    assert "ARGUS_RUNS_DIR" in said[0]


def test_a_run_that_prints_nothing_has_no_thread_and_no_file():
    with kept():
        assert console_threads() == []
    assert "logs" not in str(files_below(Path()))


@pytest.mark.parametrize(
    ("missing", "heard"),
    [
        (["stdout"], [("b", "stderr", "y")]),
        # To print to a stderr of None is to print to stdout.
        (["stderr"], [("b", "stdout", "x"), ("b", "stdout", "y")]),
        (["stdout", "stderr"], []),
    ],
    ids=["stdout", "stderr", "both"],
)
def test_streams_that_are_not_there_are_left_alone(
    missing: list[str], heard: list[Any], monkeypatch: pytest.MonkeyPatch
):
    for name in missing:
        monkeypatch.setattr(sys, name, None)
    with kept():
        print("x")
        print("y", file=sys.stderr)
    assert told() == heard


def test_one_stream_under_both_names_is_heard_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    with kept():
        print("x", file=sys.stderr)
    assert told() == [("b", "stdout", "x")]


def test_a_log_handler_that_has_the_stream_for_long_is_heard():
    handler = logging.StreamHandler(sys.stderr)
    with kept():
        handler.emit(logging.makeLogRecord({"msg": "logged"}))
    assert told() == [("b", "stderr", "logged")]


def test_nested_reporters_each_have_what_was_printed_while_they_were_open(
    monkeypatch: pytest.MonkeyPatch,
):
    streams = own_streams(monkeypatch)
    outer, inner = kept("file", batch_id="outer"), kept("file", batch_id="inner")
    outer.__enter__()
    print("1")
    inner.__enter__()
    print("2")
    outer.__exit__(None, None, None)
    print("3")
    inner.__exit__(None, None, None)
    print("4")

    found = {path.parts[-3]: path.read_text() for path in Path("runs").rglob("output.log")}
    assert found == {"outer": "1\n2\n", "inner": "2\n3\n"}
    assert [vars(stream) for stream in streams] == [{}, {}]


def test_what_our_own_messages_print_is_kept_and_not_forwarded():
    logger = logging.getLogger("argus")
    handler = logging.StreamHandler(sys.stderr)
    logger.addHandler(handler)
    try:
        with kept() as r:
            emit("job_epoch", epoch="no number")
            print("x")
            r._notices.warn("a reason", "argus says so")
    finally:
        logger.removeHandler(handler)
    assert told() == [("b", "stdout", "x")]
    assert "argus says so" in output()


def test_a_handler_that_prints_while_it_is_printed_does_not_come_back(
    monkeypatch: pytest.MonkeyPatch,
):
    class Chatty(io.StringIO):
        def write(self, text: str) -> int:
            sys.stderr.write(f"writing {text!r}\n")
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Chatty())
    with kept():
        sys.stdout.write("x\n")
    assert sorted(told()) == [("b", "stderr", "writing 'x\\n'"), ("b", "stdout", "x")]


def test_bytes_and_texts_of_somebodys_own_are_copied(monkeypatch: pytest.MonkeyPatch):
    class Text(str):
        def __len__(self) -> int:
            raise ZeroDivisionError

    class Anything(io.StringIO):
        def write(self, text: Any) -> int:
            return 0

    monkeypatch.setattr(sys, "stdout", Anything())
    others: list[Any] = [3, None, [], ""]
    changing = bytearray("größer\n".encode())
    with kept():
        for given in (changing, Text("a text\n"), *others):
            sys.stdout.write(given)
        changing[:] = b"x" * len(changing)
    assert [line for _, _, line in told()] == ["größer", "a text"]


def test_every_line_of_every_thread_is_there_once():
    def chatter(name: int) -> None:
        for number in range(500):
            sys.stdout.write(f"{name} {number}\n")

    with kept("file"):
        threads = [threading.Thread(target=chatter, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = output().splitlines()
    for name in range(8):
        own = [line for line in lines if line.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(500)]
    assert len(lines) == 4_000


def test_a_disk_that_hangs_delays_nobody_and_the_exit_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
):
    hanging, released = threading.Event(), threading.Event()

    def hang(log: OutputLog, directory: Path) -> None:
        hanging.set()
        released.wait(60)

    monkeypatch.setattr(OutputLog, "write", hang)
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.5")
    streams = own_streams(monkeypatch)
    try:
        with kept("forward"):
            sys.stdout.write("first\n")  # in one piece, that the thread takes whole
            assert hanging.wait(30)
            for number in range(10_000):
                print(number)
            assert streams[0].getvalue().count("\n") == 10_001
        assert not released.is_set()  # and the block is left
    finally:
        released.set()
    once(lambda: told() == [("b", "stdout", "first")], "the line that came before")
    once(lambda: not console_threads(), "the end of the thread")
    assert "what was printed last may not have been put down in time" in said


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is open")
def test_a_run_whose_directory_is_removed_keeps_all_of_it_in_another():
    def outputs() -> list[str]:
        return [path.read_text("utf-8") for path in Path("runs").rglob("output.log")]

    def is_there() -> bool:
        return os.path.exists(r._channel.run_directory / "events.jsonl")

    with kept("file") as r:
        print("before")
        once(lambda: outputs() == ["before\n"], "the line")
        shutil.rmtree("runs")
        # The sender looks now and then while something is reported.
        once(lambda: r.emit("note") or is_there(), "another directory, or it is there again")
        print("after")
    assert output() == "before\nafter\n"


def test_more_than_memory_may_hold_is_counted_and_told(monkeypatch: pytest.MonkeyPatch):
    hanging, released = threading.Event(), threading.Event()
    write = OutputLog.write

    def hang(log: OutputLog, directory: Path) -> None:
        hanging.set()
        released.wait(60)
        write(log, directory)

    monkeypatch.setattr(OutputLog, "write", hang)
    monkeypatch.setattr(backlog, "MAX_PIECES", 4)
    with kept("forward"):
        sys.stdout.write("first\n")
        assert hanging.wait(30)
        for number in range(10):
            sys.stdout.write(f"{number}\n")
        released.set()
    assert output() == "first\n0\n1\n2\n3\n[argus: 6 lines are not in this file]\n"
    lines = [event["data"] for event in events() if event["event_type"] == "log_line"]
    assert [line["line"] for line in lines] == ["first", "0", "1", "2", "3"]
    assert [line.get("omitted") for line in lines] == [None, 6, None, None, None]


def test_where_no_thread_can_be_had_whoever_leaves_puts_it_down(monkeypatch: pytest.MonkeyPatch):
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "argus-console":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with kept():
        print("x")
    assert (output(), told()) == ("x\n", [("b", "stdout", "x")])


def test_a_stream_that_nobody_can_listen_to_is_said_and_works(
    said: list[str], monkeypatch: pytest.MonkeyPatch
):
    class Slotted:
        __slots__ = ("texts",)

        def __init__(self) -> None:
            self.texts: list[str] = []

        def write(self, text: str) -> None:
            self.texts.append(text)

    slotted = Slotted()
    monkeypatch.setattr(sys, "stdout", slotted)
    with kept():
        print("x")
        print("y", file=sys.stderr)
    assert slotted.texts == ["x", "\n"]
    assert told() == [("b", "stderr", "y")]
    assert said == ["what is written to sys.stdout is not captured: nobody can listen to a Slotted"]
