"""The events in hand stay in order, leave from the front, and shrink and grow in company."""

from __future__ import annotations

from argus.core.batching import MAX_REQUEST_BYTES
from argus.core.flight import MAX_UNSTORED, DeadLetter, Flight
from argus.core.jsonl import Line
from argus.core.verdicts import Verdict

UNREADABLE = "unreadable: no event with an event_id"


def _lines(*names: str) -> list[Line]:
    return [Line(name.encode(), None if name.startswith("?") else name) for name in names]


def _boarded(*names: str) -> Flight:
    flight = Flight()
    flight.board(_lines(*names))
    return flight


def _many(count: int) -> Flight:
    return _boarded(*(f"{number:04d}" for number in range(count)))


def _names(lines: list[Line]) -> list[str]:
    return [line.data.decode() for line in lines]


def _confirm(*indices: int) -> Verdict:
    return Verdict(confirmed=frozenset(indices))


def test_new_flight_is_empty_and_has_room_for_a_whole_request() -> None:
    flight = Flight()

    assert (flight.request(0), flight.unsettled, flight.room, flight.disembark()) == ([], 0, 500, 0)


def test_request_repeats_what_is_not_settled_in_order() -> None:
    flight = _boarded("a", "b", "c")

    assert _names(flight.request(0)) == ["a", "b", "c"]
    assert flight.settle(_confirm(1), 0) == []
    assert _names(flight.request(0)) == ["a", "c"]
    assert (flight.unsettled, flight.room) == (2, 498)


def test_only_what_is_settled_up_to_the_front_leaves() -> None:
    flight = _boarded("a", "bb", "ccc")
    flight.request(0)

    flight.settle(_confirm(1), 0)
    assert flight.disembark() == 0

    flight.request(0)
    flight.settle(_confirm(0), 0)
    assert flight.disembark() == len(b"a\nbb\n")
    assert flight.disembark() == 0
    assert _names(flight.request(0)) == ["ccc"]


def test_refused_event_leaves_as_a_dead_letter_with_its_reason() -> None:
    flight = _boarded("a", "b", "c")
    lines = flight.request(0)

    dead = flight.settle(Verdict(confirmed=frozenset({0, 2}), refused={1: "bad"}), 0)

    assert dead == [DeadLetter(lines[1], "bad")]
    assert flight.disembark() == len(b"a\nb\nc\n")
    assert flight.request(0) == []


def test_line_that_is_no_event_is_a_dead_letter_at_once_and_never_sent() -> None:
    flight = Flight()
    lines = _lines("?x", "a", "?y")

    assert flight.board(lines) == [
        DeadLetter(lines[0], UNREADABLE),
        DeadLetter(lines[2], UNREADABLE),
    ]
    assert _names(flight.request(0)) == ["a"]
    assert flight.disembark() == len(b"?x\n")

    flight.settle(_confirm(0), 0)
    assert flight.disembark() == len(b"a\n?y\n")


def test_lines_that_board_between_request_and_verdict_are_not_touched_by_it() -> None:
    flight = _boarded("a")
    flight.request(0)
    flight.board(_lines("b"))

    flight.settle(_confirm(0, 1), 0)

    assert _names(flight.request(0)) == ["b"]


def test_failure_changes_nothing() -> None:
    flight = _many(500)
    first = flight.request(0)

    assert flight.settle(Verdict(failure="HTTP 500"), 0) == []

    assert flight.request(0) == first
    assert flight.disembark() == 0


WHOLESALE = Verdict(wholesale=True, failure="HTTP 413")


def test_halving_goes_down_to_one_event_which_is_then_in_doubt() -> None:
    flight = _many(500)
    sizes: list[int] = []
    while not sizes or sizes[-1] > 1:
        sizes.append(len(flight.request(0)))
        assert flight.settle(WHOLESALE, 0) == []

    assert sizes == [500, 250, 125, 62, 31, 15, 7, 3, 1]
    assert _names(flight.request(0))[:1] == ["0001"]
    assert len(flight.request(0)) == 499
    assert not flight.is_stuck(0)


def test_event_in_doubt_is_asked_about_once_more_when_something_else_was_taken() -> None:
    flight = _boarded("bad", "good")
    flight.request(0)
    flight.settle(WHOLESALE, 0)
    flight.request(0)
    flight.settle(WHOLESALE, 0)
    assert _names(flight.request(0)) == ["good"]
    flight.settle(_confirm(0), 0)

    assert _names(flight.request(1)) == ["bad"]
    dead = flight.settle(WHOLESALE, 1)

    assert [(letter.line.event_id, letter.reason) for letter in dead] == [("bad", "HTTP 413")]
    assert flight.disembark() == len(b"bad\ngood\n")
    assert (flight.unsettled, flight.is_stuck(1)) == (0, False)


def test_event_that_is_refused_alone_after_its_neighbours_were_taken_is_set_aside_at_once() -> None:
    flight = _boarded("good", "bad")
    flight.request(0)
    flight.settle(WHOLESALE, 0)
    flight.request(0)
    flight.settle(_confirm(0), 0)

    assert _names(flight.request(1)) == ["bad"]
    assert [letter.line.event_id for letter in flight.settle(WHOLESALE, 1)] == ["bad"]


def test_while_nothing_is_taken_those_in_doubt_are_tried_in_turn() -> None:
    flight = _boarded("a", "b")
    tried = []
    for _ in range(8):
        tried.append("".join(_names(flight.request(0))))
        assert flight.settle(WHOLESALE, 0) == []

    assert tried == ["ab", "a", "b", "a", "b", "a", "b", "a"]
    assert flight.is_stuck(0)
    assert not flight.is_stuck(1)

    flight.request(0)
    assert flight.settle(_confirm(0), 0) == []
    assert (_names(flight.request(1)), flight.unsettled) == (["a"], 1)
    assert flight.settle(_confirm(0), 1) == []
    assert flight.disembark() == len(b"a\nb\n")


def test_company_grows_back_after_ten_requests_that_went_through() -> None:
    flight = _many(125)
    flight.request(0)
    flight.settle(Verdict(wholesale=True), 0)
    sizes = []
    for _ in range(34):
        flight.board(_lines(*["x"] * flight.room))
        sizes.append(len(flight.request(0)))
        flight.settle(_confirm(*range(sizes[-1])), 0)
        flight.disembark()

    # The first ones still find the rest of the 125 aboard.
    assert sizes == [62] * 10 + [124] * 10 + [248] * 10 + [496] * 4


def test_there_is_no_room_while_fewer_go_together_than_are_aboard() -> None:
    flight = _many(500)
    flight.request(0)
    flight.settle(Verdict(wholesale=True), 0)

    assert flight.room == 0

    flight.request(0)
    flight.settle(_confirm(*range(250)), 0)
    flight.request(0)
    flight.settle(_confirm(*range(100)), 0)

    assert flight.room == 100


def test_there_is_no_room_while_what_is_aboard_fills_a_request() -> None:
    flight = Flight()
    flight.board([Line(b"x" * (MAX_REQUEST_BYTES - 1), "big")])
    assert flight.room == 0

    flight.request(0)
    flight.settle(_confirm(0), 0)
    assert flight.room == 500


def test_internal_error_sets_aside_what_fails_beside_others_that_pass() -> None:
    flight = _boarded("bad")
    dead: list[DeadLetter] = []
    rounds = 0
    while not dead:
        rounds += 1
        flight.board(_lines("good"))
        assert _names(flight.request(0)) == ["bad", "good"]
        dead = flight.settle(Verdict(confirmed=frozenset({1}), unstored=frozenset({0})), 0)

    assert rounds == MAX_UNSTORED
    assert [letter.line.event_id for letter in dead] == ["bad"]
    assert dead[0].reason == f"not stored {MAX_UNSTORED} times, while others were"
    assert flight.disembark() == len(b"bad\n") + MAX_UNSTORED * len(b"good\n")


def test_internal_error_of_everything_sets_nothing_aside() -> None:
    flight = _boarded("a", "b")
    for _ in range(10 * MAX_UNSTORED):
        flight.request(0)
        assert flight.settle(Verdict(unstored=frozenset({0, 1})), 0) == []

    assert _names(flight.request(0)) == ["a", "b"]


def test_missing_result_sets_nothing_aside() -> None:
    flight = _boarded("a", "b", "c")
    for name in ("b", "c"):
        assert name in _names(flight.request(0))
        assert flight.settle(_confirm(1), 0) == []

    assert _names(flight.request(0)) == ["a"]
