"""What servers write as a date is the second that they mean."""

from __future__ import annotations

import time
from email.utils import formatdate
from random import Random

import pytest

from argus.core.http_date import parse_http_date


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        " sun, 6 nov 1994 08:49:37 UTC ",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37",
    ],
)
def test_each_form_is_the_same_second(text: str) -> None:
    assert parse_http_date(text) == 784_111_777


def test_dates_of_four_centuries_are_what_the_standard_library_wrote() -> None:
    random = Random(1)
    for _ in range(2_000):
        second = random.randrange(0, 12_622_780_800)
        assert parse_http_date(formatdate(second, usegmt=True)) == second
        assert parse_http_date(time.asctime(time.gmtime(second))) == second


@pytest.mark.parametrize(
    "text",
    ["", "soon", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 06 Nov 1994", "1994-11-06T08:49:37Z", "٣"],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_http_date(text) is None
