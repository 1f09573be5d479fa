"""The dates of HTTP (RFC 9110, 5.6.7), read without `email`, which takes a megabyte of memory."""

from __future__ import annotations

import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS = (
    # Sun, 06 Nov 1994 08:49:37 GMT, and of old: Sunday, 06-Nov-94 08:49:37 GMT
    re.compile(
        rf"\w+, (?P<day>\d\d?)[ -](?P<month>\w{{3}})[ -](?P<year>\d\d(?:\d\d)?) {_TIME}"
        r"(?: (?:GMT|UTC?|[+-]0000))?",
        re.ASCII,
    ),
    # Sun Nov  6 08:49:37 1994
    re.compile(rf"\w+ (?P<month>\w{{3}}) +(?P<day>\d\d?) {_TIME} (?P<year>\d{{4}})", re.ASCII),
)


def parse_http_date(text: str) -> float | None:
    """Seconds since the epoch; None for what is no HTTP date."""
    for form in _FORMS:
        match = form.fullmatch(text.strip())
        if match and match["month"].lower() in _MONTHS:
            year, month = int(match["year"]), _MONTHS.index(match["month"].lower()) + 1
            if year < 100:  # as RFC 5322 has it
                year += 2000 if year < 69 else 1900
            hours = 24 * _days(year, month, int(match["day"])) + int(match["hour"])
            return float((60 * hours + int(match["minute"])) * 60 + int(match["second"]))
    return None


def _days(year: int, month: int, day: int) -> int:
    """Days since 1 January 1970, in the Gregorian calendar. Years are taken to begin in March, so
    that the day which leap years add is their last."""
    year -= month < 3
    leap_days = year // 4 - year // 100 + year // 400
    before_month = (153 * ((month + 9) % 12) + 2) // 5
    return 365 * year + leap_days + before_month + day - 1 - 719_468
