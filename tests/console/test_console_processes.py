"""The console of real processes: terminals, pipes that nobody reads, forks, kills and exits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import trainings
from tests.console import runs
from tests.environment import clean_environment

__all__ = ["clean_environment"]

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def everything_read(terminal: int) -> str:
    data = b""
    try:
        while piece := os.read(terminal, 65_536):
            data += piece
    except OSError:  # how Linux tells the end
        pass
    return data.decode()


@pytest.mark.skipif(os.name == "nt", reason="no pseudo terminals here")
def test_a_terminal_stays_one_and_a_progress_bar_is_folded():
    import pty

    code = """
def look():
    out = sys.stdout
    return out.isatty(), out.encoding, out.fileno(), out.name, os.get_terminal_size(out.fileno())
before = look(), sys.stdout
with quiet() as r:
    assert (look(), sys.stdout) == before and look()[0], look()
    for percent in range(0, 101, 10):
        sys.stdout.write(f"\\r\\x1b[32m{percent:3d}%\\x1b[0m|{'#' * (percent // 10):10}|")
        sys.stdout.flush()
    print()
assert (look(), sys.stdout) == before
"""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", trainings.PRELUDE + code],
            env={
                **os.environ,
                "PYTHONPATH": str(trainings.ROOT),
                **runs.SETTINGS,
            },
            stdout=slave,
            stderr=subprocess.PIPE,
        )
        os.close(slave)
        assert (process.communicate(timeout=trainings.LIMIT_S)[1], process.returncode) == (b"", 0)
        seen = everything_read(master)
    finally:
        process.kill()
        os.close(master)

    assert seen.count("\r\x1b[32m") == 11  # the terminal has each state, in its colours
    assert runs.told() == [("b", "stdout", "100%|##########|")]
    assert runs.output() == "100%|##########|\n"


@pytest.mark.skipif(os.name == "nt", reason="pipes are those of POSIX")
def test_a_pipe_that_nobody_reads_holds_up_who_prints_and_nothing_else():
    code = """
stdin = sys.stdin
with quiet() as r, r.job("j") as j:
    def flood():
        sys.stdout.write("x" * 1_000_000 + "\\n")
        sys.stdout.flush()
    thread = threading.Thread(target=flood)
    thread.start()
    for number in range(100):
        j.epoch(number)
    print("reported", file=sys.stderr, flush=True)
    thread.join()
"""
    process = trainings.start(code, "", **runs.SETTINGS)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert process.stderr.readline() == "reported\n"  # though nothing was read
        out, err = process.communicate(timeout=trainings.LIMIT_S)
    finally:
        process.kill()
    assert (out, err, process.returncode) == ("x" * 1_000_000 + "\n", "", 0)
    assert sorted((stream, line[:9]) for _, stream, line in runs.told()) == [
        ("stderr", "reported"),
        ("stdout", "xxxxxxxxx"),
    ]


@forks
def test_a_forked_child_goes_on_printing_and_each_line_is_there_once():
    code = """
with quiet() as r, r.job("j"):
    print("parent before", flush=True)
    sys.stdout.write("no end yet ")
    sys.stdout.flush()
    assert r._channel.placed.wait(30)   # else there is no file to share yet
    pid = os.fork()
    if pid == 0:
        print("child", flush=True)
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    print("parent after", flush=True)
"""
    done = runs.train(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(runs.output().splitlines()) == [
        "child",
        "no end yet parent after",
        "parent before",
    ]
    lines = sorted(line for _, _, line in runs.told())
    assert lines == ["child", "no end yet parent after", "parent before"]
    assert done.stdout == "parent before\nno end yet child\nparent after\n"


@forks
def test_workers_of_multiprocessing_print_into_the_file_of_their_parent():
    code = """
import multiprocessing
def work(number):
    for line in range(100):
        print(number, line, flush=True)
if __name__ == "__main__":
    with quiet() as r:
        assert r._channel.placed.wait(30)
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=work, args=(number,)) for number in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print([worker.exitcode for worker in workers])
"""
    done = runs.train(code, ARGUS_CONSOLE="file")
    assert (done.returncode, done.stderr) == (0, "")
    lines = runs.output().splitlines()
    assert lines[-1] == "[0, 0, 0, 0]"
    assert sorted(lines[:-1]) == sorted(f"{n} {line}" for n in range(4) for line in range(100))


def test_what_exit_handlers_print_reaches_the_terminal_and_a_run_left_open_has_the_rest():
    code = """
import atexit
atexit.register(print, "at exit")
with quiet():
    print("inside")
print("outside")
r = quiet(batch_id="open").__enter__()
print("left open")
"""
    done = runs.train(code, ARGUS_CONSOLE="file")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "inside\noutside\nleft open\nat exit\n"
    found = {path.parts[-3]: path.read_text() for path in Path("runs").rglob("output.log")}
    assert found == {"b": "inside\n", "open": "left open\nat exit\n"}


@pytest.mark.skipif(os.name == "nt", reason="kills are those of POSIX")
def test_what_was_printed_a_while_before_a_kill_is_there():
    code = """
with quiet() as r:
    print("epoch 1")
    deadline = time.monotonic() + 30
    def there():
        return any(path.read_text() for path in Path("runs").rglob("output.log"))
    while not there() and time.monotonic() < deadline:
        pause(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert runs.train(code).returncode == -9
    assert runs.output() == "epoch 1\n"


def test_a_stream_put_in_place_of_ours_stays_and_ours_is_passed_through():
    code = """
class Upper:
    def __init__(self, target):
        self.target = target
    def write(self, text):
        return self.target.write(text.upper())
    def flush(self):
        self.target.flush()
first = sys.stdout
with quiet():
    sys.stdout = upper = Upper(sys.stdout)
    print("inside")
assert sys.stdout is upper and "write" not in vars(first)
print("outside")
"""
    done = runs.train(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "INSIDE\nOUTSIDE\n", "")
    assert runs.told() == [("b", "stdout", "INSIDE")]


def test_our_debug_messages_on_stderr_do_not_feed_on_themselves():
    code = """
import logging
tried = threading.Event()
class Handler(logging.StreamHandler):
    def emit(self, record):
        super().emit(record)
        if "not delivered to" in record.getMessage():
            tried.set()
logging.basicConfig(level=logging.DEBUG, handlers=[Handler(sys.stderr)])
with quiet(monitor_url="http://127.0.0.1:9"):
    print("x")
    assert tried.wait(30)
"""
    done = runs.train(code)
    assert done.returncode == 0
    assert "not delivered to" in done.stderr
    assert runs.told() == [("b", "stdout", "x")]
    assert "not delivered to" in runs.output()
