from __future__ import annotations

import gc
import os
import threading
import time

import pytest

from argus.delivery import fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def exit_code_of_child(action) -> int:
    """Forks; the child runs `action` and reports by its exit code whether it was true."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if action() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Watched:
    def __init__(self) -> None:
        self.forked = 0

    def after_fork_in_child(self) -> None:
        self.forked += 1


def test_the_watched_learn_of_a_fork_in_the_child_alone():
    watched = Watched()
    fork.watch(watched)
    gc.collect()
    assert exit_code_of_child(lambda: watched.forked == 1) == 0
    assert watched.forked == 0


def test_nobody_is_kept_alive_by_being_watched():
    fork.watch(Watched())
    gc.collect()
    assert not any(isinstance(one, Watched) for one in fork._alive)


def test_a_fork_waits_for_an_import_under_way():
    importing, finished = threading.Event(), threading.Event()
    ended_at: list[float] = []

    def import_slowly() -> None:
        with fork.importing():
            importing.set()
            finished.wait(0.3)
            ended_at.append(time.monotonic())

    thread = threading.Thread(target=import_slowly)
    thread.start()
    importing.wait()
    assert exit_code_of_child(lambda: len(ended_at) == 1) == 0
    thread.join()


def test_a_child_can_import_whatever_the_parent_was_doing():
    def import_in_child() -> bool:
        with fork.importing():
            return True

    assert exit_code_of_child(import_in_child) == 0
