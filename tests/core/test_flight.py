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

    assert (flight.request(), flight.unsettled, flight.room, flight.disembark()) == ([], 0, 500, 0)


def test_request_repeats_what_is_not_settled_in_order() -> None:
    flight = _boarded("a", "b", "c")

    assert _names(flight.request()) == ["a", "b", "c"]
    assert flight.settle(_confirm(1)) == []
    assert _names(flight.request()) == ["a", "c"]
    assert (flight.unsettled, flight.room) == (2, 498)


def test_only_what_is_settled_up_to_the_front_leaves() -> None:
    flight = _boarded("a", "bb", "ccc")
    flight.request()

    flight.settle(_confirm(1))
    assert flight.disembark() == 0

    flight.request()
    flight.settle(_confirm(0))
    assert flight.disembark() == len(b"a\nbb\n")
    assert flight.disembark() == 0
    assert _names(flight.request()) == ["ccc"]


def test_refused_event_leaves_as_a_dead_letter_with_its_reason() -> None:
    flight = _boarded("a", "b", "c")
    lines = flight.request()

    dead = flight.settle(Verdict(confirmed=frozenset({0, 2}), refused={1: "bad"}))

    assert dead == [DeadLetter(lines[1], "bad")]
    assert flight.disembark() == len(b"a\nb\nc\n")
    assert flight.request() == []


def test_line_that_is_no_event_is_a_dead_letter_at_once_and_never_sent() -> None:
    flight = Flight()
    lines = _lines("?x", "a", "?y")

    assert flight.board(lines) == [
        DeadLetter(lines[0], UNREADABLE),
        DeadLetter(lines[2], UNREADABLE),
    ]
    assert _names(flight.request()) == ["a"]
    assert flight.disembark() == len(b"?x\n")

    flight.settle(_confirm(0))
    assert flight.disembark() == len(b"a\n?y\n")


def test_lines_that_board_between_request_and_verdict_are_not_touched_by_it() -> None:
    flight = _boarded("a")
    flight.request()
    flight.board(_lines("b"))

    flight.settle(_confirm(0, 1))

    assert _names(flight.request()) == ["b"]


def test_failure_changes_nothing() -> None:
    flight = _many(500)
    first = flight.request()

    assert flight.settle(Verdict(failure="HTTP 500")) == []

    assert flight.request() == first
    assert flight.disembark() == 0


def test_halving_goes_down_to_one_event_which_is_then_set_aside() -> None:
    flight = _many(500)
    sizes = []
    dead: list[DeadLetter] = []
    while not dead:
        sizes.append(len(flight.request()))
        dead = flight.settle(Verdict(halve=True, failure="HTTP 413"))

    assert sizes == [500, 250, 125, 62, 31, 15, 7, 3, 1]
    assert [(letter.line.event_id, letter.reason) for letter in dead] == [("0000", "HTTP 413")]
    assert len(flight.request()) == 499


def test_company_grows_back_after_ten_requests_that_went_through() -> None:
    flight = _many(125)
    flight.request()
    flight.settle(Verdict(halve=True))
    sizes = []
    for _ in range(34):
        flight.board(_lines(*["x"] * flight.room))
        sizes.append(len(flight.request()))
        flight.settle(_confirm(*range(sizes[-1])))
        flight.disembark()

    # The first ones still find the rest of the 125 aboard.
    assert sizes == [62] * 10 + [124] * 10 + [248] * 10 + [496] * 4


def test_there_is_no_room_while_fewer_go_together_than_are_aboard() -> None:
    flight = _many(500)
    flight.request()
    flight.settle(Verdict(halve=True))

    assert flight.room == 0

    flight.request()
    flight.settle(_confirm(*range(250)))
    flight.request()
    flight.settle(_confirm(*range(100)))

    assert flight.room == 100


def test_there_is_no_room_while_what_is_aboard_fills_a_request() -> None:
    flight = Flight()
    flight.board([Line(b"x" * (MAX_REQUEST_BYTES - 1), "big")])
    assert flight.room == 0

    flight.request()
    flight.settle(_confirm(0))
    assert flight.room == 500


def test_internal_error_sets_aside_what_fails_beside_others_that_pass() -> None:
    flight = _boarded("bad")
    dead: list[DeadLetter] = []
    rounds = 0
    while not dead:
        rounds += 1
        flight.board(_lines("good"))
        assert _names(flight.request()) == ["bad", "good"]
        dead = flight.settle(Verdict(confirmed=frozenset({1}), unstored=frozenset({0})))

    assert rounds == MAX_UNSTORED
    assert [letter.line.event_id for letter in dead] == ["bad"]
    assert dead[0].reason == f"not stored {MAX_UNSTORED} times, while others were"
    assert flight.disembark() == len(b"bad\n") + MAX_UNSTORED * len(b"good\n")


def test_internal_error_of_everything_sets_nothing_aside() -> None:
    flight = _boarded("a", "b")
    for _ in range(10 * MAX_UNSTORED):
        flight.request()
        assert flight.settle(Verdict(unstored=frozenset({0, 1}))) == []

    assert _names(flight.request()) == ["a", "b"]


def test_missing_result_sets_nothing_aside() -> None:
    flight = _boarded("a", "b", "c")
    for name in ("b", "c"):
        assert name in _names(flight.request())
        assert flight.settle(_confirm(1)) == []

    assert _names(flight.request()) == ["a"]
