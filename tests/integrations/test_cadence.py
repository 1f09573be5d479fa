"""How often ranks ask each other."""

from __future__ import annotations

from argus.integrations.cadence import Cadence


def asked_at(seconds_of_a_batch: list[list[float]]) -> list[list[int]]:
    """The batches before which each rank asks, where batches take so long on each of them."""
    ranks = [Cadence(0.0) for _ in seconds_of_a_batch]
    now = [0.0 for _ in ranks]
    asked: list[list[int]] = [[] for _ in ranks]
    for batch, times in enumerate(zip(*seconds_of_a_batch)):
        now = [at + time for at, time in zip(now, times)]
        due = [rank.due() for rank in ranks]
        quick = [rank.is_quick(at) for rank, at in zip(ranks, now)]
        for index, rank in enumerate(ranks):
            if due[index]:
                asked[index].append(batch)
                rank.asked(now[index], all(quick))
    return asked


def test_all_ranks_always_ask_together_though_their_clocks_differ():
    first, second = asked_at([[0.01] * 2_000, [0.013, 0.009] * 1_000])
    assert first == second
    assert len(first) < 40


def test_short_batches_are_asked_about_every_second_or_two():
    (asked,) = asked_at([[0.01] * 5_000])
    gaps = [later - earlier for earlier, later in zip(asked, asked[1:])]
    assert max(gaps) * 0.01 <= 2.0
    assert sum(gaps[-8:]) * 0.01 / 8 >= 0.5


def test_each_long_batch_is_asked_about():
    (asked,) = asked_at([[30.0] * 5])
    assert asked == [0, 1, 2, 3, 4]


def test_batches_that_become_long_are_asked_about_more_and_more():
    (asked,) = asked_at([[0.01] * 1_000 + [10.0] * 300])
    assert asked[-10:] == list(range(1_290, 1_300))
