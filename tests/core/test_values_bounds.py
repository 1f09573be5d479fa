"""What is being changed, endless or huge is taken as it is at the call, at a bounded cost."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any

import pytest

from argus.core.values import bounded_text, plain


def raising(error: BaseException) -> Any:
    def method(*_: Any) -> Any:
        raise error

    return method


class Array:
    def __init__(self, shape: Any) -> None:
        self.size = 30_000
        self.shape = shape

    def item(self) -> None:
        raise ValueError


class Meddler:
    """Changes what it is in, while that is being converted."""

    def __init__(self, change: Any) -> None:
        self.change = change

    def __str__(self) -> str:
        self.change()
        return "meddler"


@pytest.mark.parametrize(
    ("container", "change", "expected"),
    [
        ({}, lambda c: c.setdefault("b", 2), {"0": "meddler", "1": 1}),
        (OrderedDict(), lambda c: c.setdefault("b", 2), {"0": "meddler", "1": 1}),
        ({}, dict.clear, {"0": "meddler", "1": 1}),
    ],
)
def test_mapping_that_is_changed_meanwhile_is_taken_as_it_was(
    container: dict[Any, Any], change: Any, expected: object
) -> None:
    container.update({"0": Meddler(lambda: change(container)), "1": 1})

    assert plain([container]) == [expected]


@pytest.mark.parametrize("kind", [set, deque, list])
def test_collection_that_is_changed_meanwhile_is_taken_as_it_was(kind: Any) -> None:
    given = kind()
    add = given.add if kind is set else given.append
    members = [Meddler(lambda: add(len(given))), Meddler(lambda: add(-len(given)))]
    for member in members:
        add(member)

    assert plain([given]) == [["meddler", "meddler"]]


def test_mapping_that_changes_under_each_look_is_described() -> None:
    class Restless(Mapping[str, int]):
        looks = 0

        def __getitem__(self, key: str) -> int:
            return 1

        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Any:
            Restless.looks += 1
            yield "a"
            raise RuntimeError("dictionary changed size during iteration")

    assert plain([Restless()]) == ["<Restless: RuntimeError>"]
    assert Restless.looks == 8


def test_views_of_a_mapping_are_the_lists_that_they_are() -> None:
    given = {"a": 1}

    assert plain([given.keys(), given.values(), given.items()]) == [["a"], [1], [["a", 1]]]


def test_shape_without_end_is_not_followed() -> None:
    assert plain([Array(range(10**12))]) == [f"<Array of shape {tuple(range(32))}>"]


def test_dataclass_without_end_ends() -> None:
    class Endless:
        def __iter__(self) -> Any:
            return iter(lambda: "name", None)

    kind = type("Kind", (), {"__dataclass_fields__": Endless(), "name": 1})

    assert plain([kind()]) == [{"name": 1, "...": "<more values than one event may hold>"}]


@pytest.mark.parametrize(
    "make",
    [
        lambda: [0.5] * 10_000_000,
        lambda: (0.5,) * 10_000_000,
        lambda: {(0.5,) * 10_000_000: 1},
        lambda: bytearray(100_000_000),
    ],
    ids=["list", "tuple", "key", "bytes"],
)
def test_text_of_much_data_costs_no_more_than_its_beginning(make: Any) -> None:
    value = make()

    begun = time.process_time()
    text = bounded_text(value)
    plain(value)
    took_s = time.process_time() - begun

    assert len(text) < 17_000
    assert took_s < 0.5  # the whole takes seconds


@pytest.mark.parametrize("value", [[1, (2, {"a": {3}})], {"a": object}, b"ab", (1,), 10**300, {}])
def test_text_of_little_data_is_its_own(value: object) -> None:
    assert bounded_text(value) == str(value)


def test_class_that_has_no_hash_is_converted_like_any_other() -> None:
    meta = type("Meta", (type,), {"__hash__": raising(SystemExit()), "__eq__": raising(OSError())})
    value = meta("Odd", (), {"__str__": lambda self: "odd"})()

    assert plain({"a": value, "b": 1})["b"] == 1
    assert "dd" in bounded_text(value)
    assert type(plain([value])[0]) is str


def test_exception_that_carries_a_data_set_is_told_at_a_bounded_cost() -> None:
    data = [0.5] * 2_000_000
    itself = ValueError()
    itself.args = (itself, data)

    begun = time.thread_time()
    texts = [bounded_text(SystemExit(data)), bounded_text(KeyError(data)), bounded_text(itself)]
    converted = plain([ValueError(data)])
    took_s = time.thread_time() - begun

    assert [text[:7] for text in texts] == ["[[0.5, ", "[[0.5, ", "['<cycl"]
    assert len(converted[0][0]) < 30_000
    assert took_s < 1.0  # to make all of one text takes that long
    assert bounded_text(ValueError("lr", [0.1])) == "('lr', [0.1])"
