"""Whatever a caller hands over becomes plain, bounded data of its own, and nothing is raised."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import time
from collections import OrderedDict, deque, namedtuple
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import pytest

from argus.core.values import bounded_text, plain


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Split(str, enum.Enum):
    TRAIN = "train"


Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Config:
    lr: float
    layers: list[int]


class LoudInt(int):
    def __int__(self) -> int:
        raise RuntimeError("asked")

    __index__ = __int__


class LoudFloat(float):
    def __float__(self) -> float:
        raise RuntimeError("asked")


class LoudText(str):
    """All that a conversion could ask is overridden; `str()` of it is no plain str."""

    __slots__ = ()

    def __str__(self) -> str:
        return self

    def __len__(self) -> int:
        raise RuntimeError("asked")

    def __format__(self, spec: str) -> str:
        raise RuntimeError("asked")


class Array:
    """As numpy has it: `size` is a number."""

    def __init__(self, *numbers: Any) -> None:
        self.numbers = numbers
        self.size = len(numbers)
        self.shape = (len(numbers),)

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError("only an array of size 1 can be converted to a Python scalar")
        return self.numbers[0]

    def tolist(self) -> list[Any]:
        return list(self.numbers)


class Tensor:
    """As torch has it: `size` is a method that gives the shape, `numel` the number."""

    requires_grad = True

    def __init__(self, *numbers: float) -> None:
        self._numbers = numbers

    @property
    def shape(self) -> tuple[int, ...]:
        return self.size()

    def size(self) -> tuple[int, ...]:
        return (len(self._numbers),)

    def numel(self) -> int:
        return len(self._numbers)

    def item(self) -> float:
        return self._numbers[0]

    def tolist(self) -> list[float]:
        return list(self._numbers)

    def __float__(self) -> float:
        raise AssertionError("`item` is the way that works on every device")


class EagerTensor:
    """As tensorflow has it: no `item`, and `__index__` whether or not it holds an integer."""

    def __init__(self, number: float) -> None:
        self.number = number

    def __index__(self) -> int:
        if not isinstance(self.number, int):
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return self.number

    def __float__(self) -> float:
        return float(self.number)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (0.25, 0.25),
        ("text", "text"),
        (Decimal("0.5"), 0.5),
        (Decimal("1e999"), math.inf),
        (Fraction(1, 4), 0.25),
        (1j, "1j"),
        (date(2026, 4, 23), "2026-04-23"),
        (datetime(2026, 4, 23, 9, 23, 6, tzinfo=timezone.utc), "2026-04-23T09:23:06+00:00"),
        (timedelta(minutes=1.5), 90.0),
        (PurePosixPath("runs/a"), "runs/a"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Split.TRAIN, "train"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        (bytearray(b"ab"), "ab"),
        (memoryview(b"ab"), "ab"),
        ((1, 2), [1, 2]),
        ({3}, [3]),
        (frozenset({3}), [3]),
        (deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Pair(1, (2,)), {"left": 1, "right": [2]}),
        (Config(0.1, [2, 3]), {"lr": 0.1, "layers": [2, 3]}),
        ({"a": {"b": [Config(0.1, [])]}}, {"a": {"b": [{"lr": 0.1, "layers": []}]}}),
        (Array(0.5), 0.5),
        (Array(1, 2), [1, 2]),
        (Array(), []),
        (Array(Array(0.5), 1), [0.5, 1]),
        (Tensor(0.5), 0.5),
        (Tensor(1.0, 2.0), [1.0, 2.0]),
        (EagerTensor(3), 3),
        (EagerTensor(0.5), 0.5),
    ],
)
def test_values_become_the_plain_data_they_stand_for(value: Any, expected: Any) -> None:
    result = plain(value)

    assert result == expected
    assert type(result) is type(expected)


def test_classes_and_functions_become_their_text() -> None:
    assert plain([Config, len]) == [str(Config), str(len)]


def test_subclasses_of_plain_types_are_taken_by_their_content() -> None:
    result = plain({LoudText("key"): [LoudText("text"), LoudInt(5), LoudFloat(0.5)]})

    assert result == {"key": ["text", 5, 0.5]}
    assert {type(key) for key in result} == {str}
    assert [type(item) for item in result["key"]] == [str, int, float]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_non_finite_numbers_stay_floats(number: float) -> None:
    results = plain([number, Array(number), {"x": LoudFloat(number)}])

    assert [type(results[0]), type(results[1]), type(results[2]["x"])] == [float] * 3
    assert str([results[0], results[1], results[2]["x"]]) == str([number] * 3)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (1, "1"),
        (None, "None"),
        ((1, 2), "(1, 2)"),
        (Split.TRAIN, "train"),
        ("k" * 300, "k" * 256 + "... (+44 characters)"),
    ],
)
def test_keys_become_bounded_text(key: Any, expected: str) -> None:
    result = plain({key: 0})

    assert result == {expected: 0}
    assert type(next(iter(result))) is str


def test_result_shares_nothing_with_the_input() -> None:
    inner = [1]
    given = {"a": inner, "b": inner}

    result = plain(given)
    inner.append(2)

    assert result == {"a": [1], "b": [1]}
    assert result["a"] is not result["b"]


def _raiser(error: BaseException) -> Any:
    def method(*_: Any) -> Any:
        raise error

    return method


_ASKED = [
    "__str__",
    "__repr__",
    "__float__",
    "__index__",
    "__fspath__",
    "__iter__",
    "__len__",
    "isoformat",
    "item",
    "keys",
    "size",
]


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3), MemoryError(), TypeError()])
@pytest.mark.parametrize("name", _ASKED)
def test_object_whose_method_raises_is_described(name: str, error: BaseException) -> None:
    hostile = type("Hostile", (), {name: _raiser(error)})()

    result = plain({"hostile": hostile, "loss": 0.5})

    assert result["loss"] == 0.5
    assert "Hostile" in result["hostile"]


@pytest.mark.parametrize("name", ["__class__", "isoformat", "item", "size", "__float__"])
def test_object_whose_property_raises_is_described(name: str) -> None:
    hostile = type("Hostile", (), {name: property(_raiser(SystemExit()))})()

    result = plain([hostile])

    assert "Hostile" in result[0]


@pytest.mark.parametrize("base", [dict, list, tuple, set, deque])
def test_container_whose_methods_raise_is_described(base: type) -> None:
    methods = dict.fromkeys(("__iter__", "__len__", "items", "keys"), _raiser(SystemExit()))
    hostile = type("Hostile", (base,), methods)()

    assert plain([hostile, 1]) == ["<Hostile: SystemExit>", 1]


def test_object_that_claims_to_be_of_another_class_is_described() -> None:
    class Claim:
        def __init__(self, claimed: type) -> None:
            self.claimed = claimed

        __class__ = property(lambda self: self.claimed)

    claims = [Claim(claimed) for claimed in (str, int, float, dict, list, bytes, enum.Enum)]

    assert all(text.startswith("<Claim") for text in plain(claims))


def test_class_whose_name_raises_or_is_endless_is_described() -> None:
    meta = type("Meta", (type,), {"__name__": property(_raiser(RuntimeError()))})
    nameless = meta("Nameless", (), {"__str__": _raiser(ValueError())})()
    endless = type("E" * 10_000, (), {"__str__": _raiser(ValueError())})()

    first, second = plain([nameless, endless])

    assert first == "<Nameless: ValueError>"
    assert second == f"<{'E' * 256}... (+9744 characters): ValueError>"


def test_keyboard_interrupt_is_not_swallowed() -> None:
    hostile = type("Hostile", (), {"__str__": _raiser(KeyboardInterrupt())})()

    with pytest.raises(KeyboardInterrupt):
        plain([hostile])
    with pytest.raises(KeyboardInterrupt):
        plain({hostile: 1})


def test_hostile_key_is_described() -> None:
    hostile = type("Hostile", (), {"__str__": _raiser(SystemExit())})()

    assert plain({hostile: 1}) == {"<Hostile: SystemExit>": 1}


def test_dataclass_whose_field_raises_is_described() -> None:
    config = Config(0.1, [])
    del config.lr

    assert plain([config, 1]) == ["<Config: AttributeError>", 1]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (2**1023 - 1, 2**1023 - 1),
        (2**1023, "<integer of 1024 bits>"),
        (-(10**400), "<integer of 1329 bits>"),
        (10**5000, "<integer of 16610 bits>"),
        (LoudInt(10**400), "<integer of 1329 bits>"),
    ],
    ids=["largest", "too_large", "negative", "unprintable", "subclass"],
)
def test_integer_beyond_float_range_is_described(number: int, expected: object) -> None:
    assert plain([number]) == [expected]


def test_cycles_are_cut() -> None:
    cyclic: dict[str, Any] = {"a": 1}
    cyclic["self"] = cyclic
    cyclic["list"] = [cyclic]

    assert plain(cyclic) == {"a": 1, "self": "<cycle>", "list": ["<cycle>"]}


def test_depth_is_bounded() -> None:
    nested: Any = []
    for _ in range(1000):
        nested = [nested]

    text = json.dumps(plain(nested))

    assert text == "[" * 8 + '"<list nested deeper than 8>"' + "]" * 8


def test_depth_of_objects_is_bounded() -> None:
    nested: Any = {}
    for _ in range(1000):
        nested = {"a": nested}

    text = json.dumps(plain(nested))

    assert text == '{"a": ' * 8 + '"<dict nested deeper than 8>"' + "}" * 8


def test_object_that_gives_itself_for_ever_is_described() -> None:
    class Ouroboros:
        def item(self) -> Any:
            return self

    class Nest:
        def item(self) -> Any:
            return Nest()

    assert plain([Ouroboros(), Nest(), 1]) == [
        "<Ouroboros: RecursionError>",
        "<Nest: RecursionError>",
        1,
    ]


def test_long_text_is_cut_and_says_so() -> None:
    assert plain("x" * 50_000_000) == "x" * 16_384 + "... (+49983616 characters)"
    assert plain("x" * 16_384) == "x" * 16_384
    assert plain(b"x" * 50_000_000).startswith("x" * 16_384 + "... (+")


def test_ten_million_items_cost_no_more_than_the_first_of_them() -> None:
    items = [0.5] * 10_000_000

    begun = time.process_time()
    result = plain({"weights": items, "loss": 0.5})
    took_s = time.process_time() - begun

    kept = result["weights"]
    assert kept == [0.5] * (20_000 - 2) + ["<more values than one event may hold>"]
    assert took_s < 0.5


def test_endless_mapping_ends() -> None:
    class Endless(Mapping[Any, Any]):
        def __getitem__(self, key: Any) -> Any:
            return key

        def __iter__(self) -> Any:
            number = 0
            while True:
                yield number
                number += 1

        def __len__(self) -> int:
            return 1

    result = plain(Endless())

    assert len(result) == 20_000
    assert result["..."] == "<more values than one event may hold>"


def test_endless_list_ends() -> None:
    class Endless(list[Any]):
        def __iter__(self) -> Any:
            while True:
                yield 1

    assert len(plain(Endless())) == 20_000


def test_array_with_more_values_than_an_event_holds_is_described() -> None:
    assert plain(Array(*range(30_000))) == "<Array of shape (30000,)>"
    assert plain(Array(*range(19_998))) == list(range(19_998))


@pytest.mark.parametrize(
    "given",
    [
        ["\x01" * 20_000] * 30_000,
        {"\x01" * 250 + str(number): "\x01" for number in range(30_000)},
        [{"\x01" * 2_000: "\x01" * 2_000}] * 30_000,
        [[[[[[[[[[]]]]]]]]]] * 30_000,
        [0.1 + 0.2] * 30_000,
    ],
    ids=["texts", "keys", "objects", "nested", "numbers"],
)
def test_whole_value_is_bounded_on_the_wire(given: Any) -> None:
    # 3 MiB, where each character of the text is escaped, and what the notes on cuts take.
    assert len(json.dumps(plain(given))) < 3_145_728 + 20_000 * 48


def test_bounded_text_never_raises_and_is_plain() -> None:
    hostile = type("Hostile", (), {"__str__": _raiser(SystemExit())})()

    assert bounded_text(hostile) == "<Hostile: SystemExit>"
    assert bounded_text("x" * 10, 4) == "xxxx... (+6 characters)"
    assert type(bounded_text(LoudText("text"))) is str
    assert bounded_text(LoudText("text")) == "text"
