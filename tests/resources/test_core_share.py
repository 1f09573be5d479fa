from __future__ import annotations

from argus.resources.core_share import CoreShare


def test_the_share_is_that_of_one_core_since_the_reading_before():
    share = CoreShare()
    assert share.percent(100.0, 10.0) is None
    assert share.percent(103.0, 12.0) == 150.0


def test_a_count_that_goes_back_says_nothing_and_the_next_one_does():
    share = CoreShare()
    share.percent(100.0, 10.0)
    assert share.percent(1.0, 11.0) is None
    assert share.percent(1.5, 12.0) == 50.0


def test_no_share_when_no_time_has_passed():
    share = CoreShare()
    share.percent(1.0, 1.0)
    assert share.percent(2.0, 1.0) is None
