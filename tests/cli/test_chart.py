from __future__ import annotations

import math

import pytest

from argus.cli.chart import Series, can_draw, line_chart, progress_bar, sparkline

NAN, INF = math.nan, math.inf


def chart(*series, width=24, height=7, x_last=0.0, braille=False, paint=lambda owner, text: text):
    return line_chart(
        series,
        width=width,
        height=height,
        x_label="epoch",
        x_last=x_last,
        braille=braille,
        paint=paint,
    )


def curve(*ys, name="loss"):
    return Series(name, [(float(x), y) for x, y in enumerate(ys)])


def test_ascii_chart_has_legend_axes_labels_and_the_curve():
    assert chart(curve(0.0, 1.0, 2.0, 3.0)) == [
        "* loss",
        "3 |                 ****",
        "  |           ******",
        "1 |    *******",
        "0 |****",
        "  +---------------------",
        "   0       epoch       3",
    ]


def test_braille_chart_is_finer_than_its_characters():
    assert chart(curve(0.0, 7.0, 7.0, 0.0), width=10, height=5, braille=True) == [
        "─ loss",
        "7 ┤ ⡰⠉⠉⠉⢆",
        "0 ┤⡰⠁   ⠈⢆",
        "  └───────",
        "   0     3",
    ]


def test_every_series_has_its_mark_and_its_place_in_the_legend():
    lines = chart(curve(1.0, 1.0, name="a"), curve(0.0, 0.0, name="b"))
    assert lines[0] == "* a   o b"
    assert set(lines[1]) >= {"*"}
    assert set(lines[4]) >= {"o"}


def test_a_nan_is_a_gap_with_a_mark_and_a_word_in_the_legend():
    assert chart(curve(2.0, 2.0, NAN, 1.0, 1.0), width=23, height=6) == [
        "* loss   ! not finite",
        "  2 |*****",
        "1.5 |",
        "  1 |        !    *****",
        "    +------------------",
        "     0     epoch      4",
    ]


@pytest.mark.parametrize("width", [0, 1, 7, 8, 20, 79])
@pytest.mark.parametrize("height", [0, 1, 3, 4, 5, 12])
@pytest.mark.parametrize("braille", [True, False])
def test_a_chart_never_exceeds_its_room(width, height, braille):
    lines = chart(curve(0.1, NAN, -3e8), curve(5.0), width=width, height=height, braille=braille)
    assert len(lines) == height if height >= 4 else len(lines) <= max(height, 0)
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize(
    "ys",
    [
        (),
        (1.0,),
        (0.0, 0.0),
        (NAN, INF, -INF),
        (1.7e308, -1.7e308),
        (1.7976931348623157e308,) * 2,
        (5e-324, 0.0),
        (1.0, INF, 2.0),
    ],
)
def test_any_values_can_be_drawn(ys):
    assert len(chart(curve(*ys), braille=True)) == 7
    assert len(chart(curve(*ys), braille=False)) == 7


def test_x_reaches_to_where_the_training_will_end():
    lines = chart(curve(1.0, 2.0), x_last=10.0)
    assert lines[-1].endswith("10")
    assert all("*" not in line[10:] for line in lines[1:5])


def test_painting_touches_only_what_belongs_to_a_series():
    painted = chart(curve(1.0, 1.0), paint=lambda owner, text: f"<{owner}:{text}>")
    plain = chart(curve(1.0, 1.0))
    assert painted[0] == "<0:* loss>"
    assert [line.replace("<0:", "").replace(">", "") for line in painted] == plain
    assert painted[-2:] == plain[-2:]


def test_ascii_chart_is_ascii():
    assert all(line.isascii() for line in chart(curve(1.0, NAN, 2.0)))


def test_sparkline_shows_the_last_values_between_given_bounds():
    assert sparkline([0.0, 50.0, 100.0], 8, 0.0, 100.0, unicode=True) == "▁▅█"
    assert sparkline([0.0, 50.0, 100.0], 2, 0.0, 100.0, unicode=True) == "▅█"
    assert sparkline([-5.0, NAN, 500.0], 8, 0.0, 100.0, unicode=False) == "_!#"
    assert sparkline([], 8, 0.0, 100.0, unicode=True) == ""
    assert sparkline([1.0, 1.0], 0, 0.0, 100.0, unicode=True) == ""


def test_progress_bar_is_full_only_at_the_end():
    assert progress_bar(0, 25, 10, unicode=False) == ".........."
    assert progress_bar(24, 25, 10, unicode=False) == "#########."
    assert progress_bar(25, 25, 10, unicode=True) == "██████████"
    assert progress_bar(99, 25, 4, unicode=False) == "####"
    assert progress_bar(1, 0, 4, unicode=False) == "...."


@pytest.mark.parametrize(
    ("encoding", "can"),
    [("utf-8", True), ("ascii", False), ("latin-1", False), (None, False), ("no-such", False)],
)
def test_a_stream_that_cannot_carry_the_characters_is_known(encoding, can):
    assert can_draw(encoding) is can
