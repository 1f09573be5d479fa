"""What a platform refuses is found among the rest, and a refusal of everything is no verdict on anything."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from argus.core.jsonl import Line
from argus.core.verdicts import Answer, Reply
from tests.core.voyage import AWAY, HTML, Platform, Voyage, names_of, size_of


@pytest.mark.parametrize("poison", [*range(0, 500, 23), 1, 249, 250, 498, 499])
def test_one_bad_event_among_500_is_found_by_halving(poison: int) -> None:
    names, platform = names_of(500), Platform()
    bad = names[poison]
    voyage = Voyage(names)

    assert voyage.send_all(0.0, platform.chokes_on(bad)) == 0.0  # and without a pause

    assert voyage.dead == {bad: "HTTP 422"}
    assert platform.stored == [name for name in names if name != bad]
    assert voyage.settled_bytes == size_of(names)
    assert len(voyage.requests) <= 2 * math.log2(500) + 3


def test_bad_events_of_every_batch_do_not_hold_up_the_others() -> None:
    names, platform = names_of(2000), Platform()
    bad = names[250::500]
    voyage = Voyage(names)

    assert voyage.send_all(0.0, platform.chokes_on(*bad)) == 0.0

    assert list(voyage.dead) == bad
    assert platform.stored == [name for name in names if name not in bad]
    assert len(voyage.requests) <= 4 * (2 * math.log2(500) + 3)


def test_named_bad_events_are_set_aside_and_the_rest_goes_at_once() -> None:
    names, platform = names_of(500), Platform()
    voyage = Voyage(names)

    assert voyage.send_all(0.0, platform.names(names[3], names[499])) == 0.0

    assert voyage.dead == {names[3]: "event_type: bad", names[499]: "event_type: bad"}
    assert len(platform.stored) == 498
    assert [len(ids) for ids in voyage.requests] == [500, 498]
    assert voyage.settled_bytes == size_of(names)


def test_413_halves_what_goes_together_until_it_fits_and_grows_back() -> None:
    names, platform = names_of(3000), Platform()
    voyage = Voyage(names)

    assert voyage.send_all(0.0, platform.takes_at_most(130)) == 0.0

    sizes = [len(ids) for ids in voyage.requests]
    assert sizes[:3] == [500, 250, 125]
    assert sizes[3:14] == [125] * 9 + [250, 125]  # ten have passed: twice as many are tried
    assert platform.stored == names
    assert (voyage.settled_bytes, voyage.dead) == (size_of(names), {})


@pytest.mark.parametrize("refusal", [Reply(400), Reply(413), Reply(422), "named"])
def test_proxy_that_refuses_everything_for_an_hour_costs_no_event(refusal: Any) -> None:
    names, platform = names_of(700), Platform()
    voyage = Voyage(names)
    voyage.send(0.0, platform.takes)
    now, script = 0.0, platform.names(*names) if refusal == "named" else refusal
    while now < 3600:
        now = max(now, voyage.gate.not_before)
        voyage.send(now, script)
    refused = len(voyage.requests)

    voyage.send_all(now, platform.takes)

    assert voyage.dead == {}
    assert sorted(platform.stored) == names
    assert voyage.settled_bytes == size_of(names)
    assert refused < 12 + 3600 / 15 * 1.1
    assert len(voyage.requests) - refused < 40


def test_lone_event_that_is_refused_is_asked_about_again_with_growing_pauses() -> None:
    platform = Platform()
    voyage = Voyage(["bad"])
    pauses = []
    for _ in range(4):
        voyage.send(100.0, Reply(422))
        pauses.append(voyage.gate.not_before - 100.0)
    assert (pauses, voyage.dead) == ([0.5, 1.0, 2.0, 4.0], {})

    voyage.waiting += [Line(b"good", "good")]
    voyage.send_all(200.0, platform.chokes_on("bad"))

    assert (platform.stored, voyage.dead) == (["good"], {"bad": "HTTP 422"})


def test_last_event_that_is_refused_is_told_from_a_refusal_of_everything() -> None:
    names, platform = names_of(3), Platform()
    voyage = Voyage(names[:2])
    voyage.send_all(0.0, platform.takes)

    voyage.waiting += [Line(b"bad", "bad")]
    assert voyage.send_all(10.0, platform.chokes_on("bad")) == 10.0  # without a pause

    assert voyage.requests == [names[:2], ["bad"], names[:1], ["bad"]]
    assert (voyage.dead, voyage.confirmed) == ({"bad": "HTTP 422"}, 2)
    assert voyage.settled_bytes == size_of([*names[:2], "bad"])


def test_while_everything_is_refused_what_is_stored_already_is_asked_about() -> None:
    names, platform = names_of(4), Platform()
    voyage = Voyage(names[:2])
    voyage.send_all(0.0, platform.takes)

    voyage.waiting += [Line(b"good", "good")]
    voyage.send_all(10.0, Reply(422), most=5)
    assert voyage.requests[1:] == [["good"], *[names[:1]] * 4]

    voyage.send_all(100.0, platform.takes)
    assert (voyage.dead, platform.stored) == ({}, [*names[:2], "good"])


def test_platform_that_refuses_every_event_is_not_stormed() -> None:
    voyage = Voyage(names_of(500))

    voyage.send_all(0.0, Reply(400), most=12)  # enough to find one bad event
    assert voyage.gate.not_before == 0.0

    now = 0.0
    while now < 600:
        now = max(now, voyage.gate.not_before)
        voyage.send(now, Reply(400))
        assert voyage.gate.not_before > now
    assert len(voyage.requests) == 12 + 45


# Whatever the platform answers, in whatever order: each line is settled exactly once.


def _moody(random: Random, platform: Platform, bad: set[str]) -> Callable[[list[str]], Answer]:
    """A platform in trouble: any answer, true or not; only what is bad is refused for good."""

    def answer(ids: list[str]) -> Answer:
        some = random.sample(ids, random.randrange(len(ids) + 1))
        refused = bad & set(ids)
        answers: list[Callable[[], Answer]] = [
            lambda: AWAY,
            lambda: Reply(random.choice([401, 404, 408, 418, 429, 500, 503]), b"", "3"),
            lambda: HTML,
            lambda: Reply(200, b'{"results": [{"event_id": "nobody", "status": "accepted"}]}'),
            lambda: platform.takes(some) and AWAY,
            lambda: platform.forgets(*some, *refused)(ids),
            lambda: platform.stumbles_over(*some, *refused)(ids) if some else AWAY,
            lambda: platform.refuses(*refused)(ids),
            lambda: platform.names(*refused)(ids),
            lambda: platform.chokes_on(*refused)(ids),
            lambda: platform.takes_at_most(40)(ids) if not refused and len(ids) > 1 else AWAY,
        ]
        return random.choice(answers)()

    return answer


def _told(answer: Any) -> set[str]:
    """The events that an answer says are stored."""
    if not isinstance(answer, Reply) or answer.status != 200 or answer.body[:1] != b"{":
        return set()
    results = json.loads(answer.body)["results"]
    return {r["event_id"] for r in results if r["status"] in ("accepted", "deduplicated")}


@pytest.mark.parametrize("seed", range(30))
def test_every_line_is_settled_exactly_once_whatever_is_answered(seed: int) -> None:
    random = Random(seed)
    names, platform = names_of(random.choice([1, 7, 300, 700])), Platform()
    bad = {name for name in names if random.random() < 0.01}
    voyage = Voyage(list(names), random.random)
    moody = _moody(random, platform, bad)
    confirmed: set[str] = set()
    ends = {0: 0}  # where the position may stand, and how many lines are before it
    for count in range(1, len(names) + 1):
        ends[size_of(names[:count])] = count
    for step in range(5000):
        if not voyage.is_going:
            break
        script = moody if step < 200 else platform.refuses(*bad)
        answers: list[Answer] = []

        def noted(ids: list[str], script: Any = script, answers: Any = answers) -> Answer:
            assert not confirmed & set(ids), "sent again though confirmed"
            assert not voyage.dead.keys() & set(ids), "sent again though set aside"
            assert ids == sorted(ids)
            answers.append(script(ids))
            return answers[-1]  # type: ignore[no-any-return]

        outcome = voyage.send(float(step), noted)
        told = _told(answers[0]) & set(names)
        assert outcome.confirmed == len(told)
        assert not confirmed & told
        confirmed.update(told)
        settled = names[: ends[voyage.settled_bytes]]
        assert all(name in confirmed or name in voyage.dead for name in settled)

    assert not voyage.is_going
    assert voyage.settled_bytes == size_of(names)
    assert confirmed | voyage.dead.keys() == set(names)
    assert not confirmed & voyage.dead.keys()
    assert confirmed <= set(platform.stored)
