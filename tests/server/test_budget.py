import threading

from argus.server.budget import Budget


def test_what_is_taken_is_missing_until_it_is_given_back():
    budget = Budget(10)
    assert budget.take(7, 0.0)
    assert not budget.take(4, 0.0)
    assert budget.take(3, 0.0)
    budget.give_back(7)
    assert budget.left == 7


def test_more_than_there_is_at_all_is_all_there_is():
    budget = Budget(10)
    assert budget.take(1_000, 0.0)
    assert budget.left == 0
    budget.give_back(1_000)
    assert budget.left == 10


def test_who_waits_gets_what_is_given_back():
    budget = Budget(10)
    assert budget.take(10, 0.0)
    got = []
    waiting = threading.Thread(target=lambda: got.append(budget.take(5, 30.0)))
    waiting.start()
    budget.give_back(10)
    waiting.join(30.0)
    assert (got, budget.left) == ([True], 5)
