from __future__ import annotations

import logging

import pytest

from argus.delivery.notices import Notices


def test_each_reason_is_told_once_and_counted_always(caplog: pytest.LogCaptureFixture):
    notices = Notices()
    notices.dropped("buffer_full")
    notices.dropped("buffer_full", 4)
    notices.dropped("rejected")
    assert notices.counts == {"buffer_full": 5, "rejected": 1}
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert {record.name for record in caplog.records} == {"argus"}


def test_mistakes_are_counted_and_each_kind_is_told_once(caplog: pytest.LogCaptureFixture):
    notices = Notices()
    for number in range(3):
        notices.mistake("a job id should be a text; %s is used", number)
    assert notices.mistakes == 3
    assert [record.getMessage() for record in caplog.records] == [
        "a job id should be a text; 0 is used"
    ]


def test_trouble_with_the_network_is_no_warning(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    Notices().debug("connection %s", "refused")
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_a_child_begins_to_count_anew():
    notices = Notices()
    notices.dropped("buffer_full")
    notices._counting.acquire()  # as another thread of the parent held it at the fork
    notices.after_fork_in_child()
    assert notices.counts == {}
    notices.dropped("rejected")
    assert notices.counts == {"rejected": 1}
