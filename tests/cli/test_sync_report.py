from __future__ import annotations

import json
from pathlib import Path

import pytest

from argus.cli.sync_report import Report, bar, duration, sentence
from argus.sync import task as words
from argus.sync.finding import Item
from argus.sync.task import Tidings


def tidings(name: str = "run", outcome: str = words.DELIVERED, **counts: object) -> Tidings:
    path = Path("/runs") / name
    told = Tidings(Item(path, path / "events.jsonl", {}, "b", "p", is_run=True))
    told.outcome = outcome
    for key, value in counts.items():
        assert hasattr(told, key)
        setattr(told, key, value)
    return told


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (tidings(events=1), "delivered    /runs/run  1 event"),
        (tidings(events=2_000, files=1), "delivered    /runs/run  2,000 events and 1 file"),
        (
            tidings(outcome=words.LEFT, events=1, left_events=2, left_files=3, reason="why"),
            "left         /runs/run  1 event; 2 events and 3 files left; why",
        ),
        (
            tidings(events=1, refused_events=1, unreadable_lines=1, refusal="HTTP 422"),
            "delivered    /runs/run  1 event; 1 event refused for good; 1 line not an event; "
            "first: HTTP 422",
        ),
        (
            tidings(events=3, closed=True, pruned=True),
            "delivered    /runs/run  3 events; it had crashed, and its end is told; removed",
        ),
        (
            tidings(outcome=words.LEFT, left_files=1),
            "left         /runs/run  0 events; 1 file left",
        ),
        (tidings(outcome=words.PASSED, reason="why"), "passed over  /runs/run  why"),
        (tidings(outcome=words.NOTHING), None),
        (tidings(outcome=words.NOTHING, pruned=True), "removed      /runs/run"),
    ],
)
def test_each_item_is_told_in_a_line(told: Tidings, line: str | None):
    assert sentence(told, is_dry=False) == line


def test_what_would_be_sent_is_told_so():
    told = tidings(outcome=words.LEFT, left_events=2)
    assert sentence(told, is_dry=True) == "would send   /runs/run  2 events"


def test_the_bar_tells_how_far_how_fast_and_how_long():
    under_way = [
        tidings(sent_bytes=30_000_000, total_bytes=40_000_000, events=5_000),
        tidings(sent_bytes=0, total_bytes=80_000_000),
    ]
    assert bar(under_way, 10.0, None, unicode=False) == (
        "######..................  25 %  5,000 events  3.0 MB/s  0:30 left"
    )
    assert bar(under_way, 0.5, None, unicode=True) == "██████░░░░░░░░░░░░░░░░░░  25 %  5,000 events"
    assert bar(under_way, 9.0, "reset", unicode=False) == (
        "25 %  5,000 events  trying again: reset"
    )
    assert bar([], 9.0, None, unicode=False).endswith("  0 %  0 events")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (727, "12:07"), (10_800, "3:00:00")]
)
def test_a_time_is_told_as_a_clock_does(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (tidings(events=1), 0),
        (tidings(outcome=words.PASSED, reason="its own reporter delivers it"), 0),
        (tidings(outcome=words.BUSY, reason="another sync has it"), 1),
        (tidings(outcome=words.LEFT, left_events=1), 1),
        (tidings(refused_events=1), 1),
        (tidings(refused_files=1), 1),
        (tidings(unreadable_lines=1), 2),
        (tidings(torn_bytes=1), 2),
        (tidings(outcome=words.UNREADABLE, reason="Permission denied"), 2),
    ],
)
def test_the_exit_code_says_whether_all_is_delivered(
    told: Tidings, code: int, capsys: pytest.CaptureFixture[str]
):
    report = Report("http://x", as_json=False, is_dry=False)
    report.tell(told)
    assert report.finish() == code
    complaint = capsys.readouterr().err
    assert (complaint != "") == (code == 2 and not told.unreadable_lines)


def test_an_end_before_the_end_has_a_code_of_its_own(capsys: pytest.CaptureFixture[str]):
    report = Report("http://x", as_json=False, is_dry=False)
    report.tell(tidings(outcome=words.LEFT, events=1, left_events=4))
    report.interrupted = 130
    assert report.finish() == 130
    out, err = capsys.readouterr()
    assert out.splitlines()[1].startswith("1 event delivered to http://x in 0.0 s; 4 events left")
    assert err == "argus sync: interrupted; the same command goes on where this ended\n"


def test_for_a_machine_there_is_an_object_a_line_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
):
    report = Report("http://x", as_json=True, is_dry=False)
    report.tell(tidings(events=2, files=1))
    report.tell(tidings("b", words.NOTHING))
    report.given_up = "it refused the token"
    assert report.finish() == 1
    out, err = capsys.readouterr()
    first, second, last = map(json.loads, out.splitlines())
    assert (first["type"], first["path"], first["outcome"]) == ("run", "/runs/run", "delivered")
    assert (second["outcome"], second["events"]) == ("nothing", 0)
    assert {key: last[key] for key in ("type", "runs", "events", "files", "given_up")} == {
        "type": "summary",
        "runs": 2,
        "events": 2,
        "files": 1,
        "given_up": "it refused the token",
    }
    assert err == "argus sync: given up on http://x: it refused the token\n"


def test_where_there_is_no_terminal_trouble_is_told_once(capsys: pytest.CaptureFixture[str]):
    report = Report("http://x", as_json=False, is_dry=False)
    for trouble in (None, "reset", "reset", None):
        report.draw([tidings(total_bytes=9)], trouble)
    assert capsys.readouterr().err == "argus sync: 0 %  0 events  trying again: reset\n"
