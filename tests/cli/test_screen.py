from __future__ import annotations

import re

import pytest

from argus.cli.progress import Progress
from argus.cli.screen import Style, frame
from tests.cli.stories import event, whole_story

PLAIN = Style(unicode=False, colour=False)
RICH = Style(unicode=True, colour=True)


def drawn(events, columns=90, rows=30, style=PLAIN):
    progress = Progress()
    for one in events:
        progress.fold(one)
    return frame(
        progress, url="http://127.0.0.1:1", epochs=3, columns=columns, rows=rows, style=style
    )


def without_colour(line):
    return re.sub(r"\x1b\[\d+m", "", line)


def test_before_the_first_event():
    assert drawn([]) == [
        "argus demo  http://127.0.0.1:1/",
        "waiting for the first event  waiting  0 events",
        "",
        "",
    ]


def test_a_batch_at_its_end():
    lines = drawn(whole_story(), rows=18)
    assert lines[1] == "demo-1  done  15 events"
    assert (
        lines[3] == "a        ################ 3/3 done     train 0.2500 val 0.2500 accuracy 0.5000"
    )
    assert (
        lines[4] == "b        ################ 3/3 done     train 0.1250 val 0.1250 accuracy 0.5000"
    )
    assert lines[6:8] == ["val_loss", "* a   o b   ! not finite"]
    assert lines[-2:] == ["cpu + 50 %   ram 2,048 MB   22 MB", "b: half way"]


def test_resources_say_only_what_the_snapshot_says():
    assert drawn([event("resource_snapshot", ram_mb=2048.0)])[-1] == "ram 2,048 MB"


@pytest.mark.parametrize("columns", [1, 10, 40, 79, 200])
@pytest.mark.parametrize("rows", [1, 5, 12, 24, 60])
@pytest.mark.parametrize("style", [PLAIN, RICH, Style(True, False)])
def test_the_picture_never_exceeds_its_room(columns, rows, style):
    lines = drawn(whole_story(), columns, rows, style)
    assert len(lines) <= rows
    assert max(len(without_colour(line)) for line in lines) <= columns


def test_the_chart_gives_way_first():
    titles = ["val_loss" in drawn(whole_story(), rows=rows) for rows in (10, 24)]
    assert titles == [False, True]


def test_without_colour_there_is_no_escape_and_each_curve_has_its_mark():
    text = "\n".join(drawn(whole_story(), style=Style(unicode=True, colour=False)))
    assert "\x1b" not in text
    assert "* a   o b" in text


def test_colour_changes_no_character():
    rich = drawn(whole_story(), style=Style(unicode=False, colour=True))
    plain = drawn(whole_story(), style=Style(unicode=False, colour=False))
    # with colour, the curves need no marks of their own, but ASCII has nothing finer
    assert [without_colour(line) for line in rich] == plain


def test_a_message_cannot_move_the_cursor():
    lines = drawn([event("log_line", "a", line="one\x1b[2Jtwo\nthree", level="info")])
    assert lines[-1] == "a: one?[2Jtwo?three"
