from __future__ import annotations

import pytest

from argus.resources.procfs import Growth, count_of_list, labelled, read, read_or_none


def test_no_more_than_asked_for_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read(str(tmp_path / "file"), 3) == b"123"


def test_a_missing_file_is_an_error_or_none(tmp_path):
    with pytest.raises(OSError):
        read(str(tmp_path / "file"), 3)
    assert read_or_none(str(tmp_path / "file"), 3) is None


@pytest.mark.parametrize(
    ("label", "expected"),
    [(b"first ", 1), (b"second ", 22), (b"cond ", None), (b"third", None), (b"last ", 4)],
)
def test_a_label_counts_at_the_beginning_of_a_line(label, expected):
    assert labelled(b"first 1\nsecond   22 kB\nthird\nlast 4", label) == expected


@pytest.mark.parametrize(
    ("text", "count"), [(b"0\n", 1), (b"0-3", 4), (b"0-3,8,10-11\n", 7), (b"\n", 0)]
)
def test_a_list_of_the_kernel_is_counted(text, count):
    assert count_of_list(text) == count


def test_growth_is_by_the_second_over_all_names():
    growth = Growth()
    assert growth.per_s({"a": (0, 10), "b": (0, 0)}, 10.0) is None
    assert growth.per_s({"a": (20, 30), "b": (4, 2)}, 12.0) == (12.0, 11.0)


def test_a_counter_that_is_new_or_went_back_says_nothing():
    growth = Growth()
    growth.per_s({"a": (100, 100), "b": (0, 0)}, 0.0)
    assert growth.per_s({"a": (5, 5), "b": (1, 1), "new": (9, 9)}, 1.0) == (1.0, 1.0)
    assert growth.per_s({"a": (7, 5), "b": (1, 1), "new": (9, 9)}, 2.0) == (2.0, 0.0)


def test_growth_is_unknown_when_no_time_has_passed_or_nothing_is_there():
    growth = Growth()
    growth.per_s({"a": (1,)}, 1.0)
    assert growth.per_s({"a": (2,)}, 1.0) is None
    assert growth.per_s({}, 2.0) is None
