from __future__ import annotations

import os
from pathlib import Path

from argus.console.elsewhere import FORWARDED_TO, forwards

OURS = {FORWARDED_TO: "b"}


def test_who_started_us_forwards_the_lines_of_its_own_batch():
    reader, writer = os.pipe()
    assert forwards(OURS, "b", writer)
    assert forwards(OURS, "b", None)  # a stream that has no descriptor
    assert not forwards(OURS, "another", writer)
    assert not forwards({}, "b", writer)
    os.close(reader)
    os.close(writer)
    assert forwards(OURS, "b", writer)  # closed


def test_what_is_printed_into_a_file_is_heard_by_nobody(tmp_path: Path):
    with open(tmp_path / "log.txt", "w") as file:
        assert not forwards(OURS, "b", file.fileno())
