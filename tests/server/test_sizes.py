import json

import pytest

from argus.server.plain import LedElsewhereError
from argus.server.sizes import read_sizes


def test_files_are_counted_for_each_job_and_for_the_batch(tmp_path):
    lines = [{"job_id": "a", "size": 1}, {"job_id": "a", "size": 2}, {"job_id": None, "size": 4}]
    damage = b'[]\n{"job_id": 7, "size": 9}\n{"job_id": "a", "size": "x"}\n\xff\n{"job_id": "a"'
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    (tmp_path / "media.jsonl").write_bytes(text + damage)
    sizes = read_sizes(tmp_path)
    sizes.add("b", 8)
    assert (sizes.count, sizes.of("a"), sizes.of(None), sizes.of("b")) == (4, 3, 4, 8)


def test_no_list_is_no_files(tmp_path):
    assert read_sizes(tmp_path).count == 0


def test_a_list_that_leads_elsewhere_is_not_read(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    (tmp_path / "media.jsonl").symlink_to(tmp_path / "other")
    with pytest.raises(LedElsewhereError):
        read_sizes(tmp_path)
