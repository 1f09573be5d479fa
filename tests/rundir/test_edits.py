"""What people say about a run, several at once."""

import os
import threading
import time

import pytest

from argus.rundir import edits
from argus.rundir.lock import alone_in


def test_many_at_once_lose_nothing_of_what_the_others_say(tmp_path):
    def add(tag):
        edits.change(tmp_path, lambda said: {**said, "tags": [*said["tags"], tag]})

    tags = [f"t{number}" for number in range(40)]
    threads = [threading.Thread(target=add, args=(tag,)) for tag in tags]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(edits.read(tmp_path).tags) == sorted(tags)
    assert os.listdir(tmp_path) == ["edits.json"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="two processes by a fork")
def test_another_process_waits_for_its_turn_and_gives_up_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(edits, "_PATIENCE_S", 0.05)
    with alone_in(tmp_path, time.monotonic()), pytest.raises(OSError, match="somebody else"):
        edits.change(tmp_path, lambda said: {**said, "name": "x"})
    assert edits.change(tmp_path, lambda said: {**said, "name": "x"}).name == "x"


def test_directory_that_is_gone_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        edits.change(tmp_path / "gone", dict)
