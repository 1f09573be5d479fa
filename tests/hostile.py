"""Values that no public call may stumble over."""

from __future__ import annotations

import enum
import itertools
import math
from collections import OrderedDict, UserDict, UserString, defaultdict, deque
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any

_METHODS = (
    *("__repr__", "__str__", "__bytes__", "__format__", "__bool__", "__hash__", "__len__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "__iter__"),
    *("__next__", "__getitem__", "__reversed__", "__call__", "__enter__", "__exit__", "__abs__"),
    *("__int__", "__float__", "__index__", "__complex__", "__round__", "__trunc__", "__neg__"),
    *("__add__", "__radd__", "__mod__", "__rmod__", "__fspath__", "__sizeof__", "__reduce__"),
    *("__copy__", "__deepcopy__", "__dir__", "__getattr__", "keys", "items", "item", "tolist"),
    *("lower", "strip", "encode", "isascii", "split", "isoformat", "bit_length", "numel"),
    *("replace", "partition", "is_integer", "total_seconds", "as_posix", "startswith"),
)


class OddError(BaseException):
    """No Exception."""

    def __str__(self) -> str:
        raise SystemExit(9)


def _raising(error: type[BaseException]) -> Any:
    def method(*args: Any, **kwargs: Any) -> Any:
        raise error

    return method


def _hostile(name: str, base: type, error: type[BaseException], *more: str) -> type:
    return type(name, (base,), {method: _raising(error) for method in (*_METHODS, *more)})


_ERRORS = (ValueError, SystemExit, RecursionError, StopIteration, GeneratorExit, OddError)
_RAISING = [_hostile("Raising", object, error) for error in _ERRORS]
_RAISING += [_hostile("Barred", object, error, "__getattribute__") for error in _ERRORS]
_TEXTS = [_hostile("Text", str, error, "__getattribute__") for error in _ERRORS]
_INTS = [_hostile("Int", int, error) for error in _ERRORS]
_FLOATS = [_hostile("Float", float, error) for error in _ERRORS]
_DICTS = [_hostile("Dict", dict, error) for error in _ERRORS]
_LISTS = [_hostile("List", list, error) for error in _ERRORS]
EXCEPTIONS: list[Any] = [_hostile("Failure", ValueError, error) for error in _ERRORS]
EXCEPTIONS += [_hostile("Barred", kind, SystemExit, "__getattribute__") for kind in _ERRORS[:5]]
# A class that cannot be looked up, compared or named; what asks for its hash asks in vain.
_METAS = [_hostile("Meta", type, error, "__name__", "__module__") for error in _ERRORS]
_UNNAMED: list[Any] = [type.__call__(meta, "Unnamed", (), {}) for meta in _METAS]


class EndlessList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        while True:
            yield 1


class EndlessMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return key

    def __iter__(self) -> Iterator[str]:
        at = 0
        while True:
            at += 1
            yield f"key-{at}"

    def __len__(self) -> int:
        return 2**62


class LyingScalar:
    """Says that it is a scalar, and holds no number."""

    shape = "none"

    def __init__(self, size: Any, value: Any) -> None:
        self.size = size
        self.value = value

    def item(self) -> Any:
        return self.value


class ScalarOfItself:
    """Every attribute is itself, which can be called."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self


class Deeper:
    """A text within a text within a text."""

    def __str__(self) -> str:
        return f"({Deeper()})"

    __repr__ = __str__


class Raising:
    """Whose attributes are descriptors that raise."""

    item = size = shape = tolist = isoformat = property(lambda self: 1 / 0)


class Claim:
    """Says that it is of another class."""

    def __init__(self, claimed: Any) -> None:
        self.claimed = claimed

    __class__ = property(lambda self: self.claimed)


class Meddler:
    """Changes what it is in, while that is looked at."""

    def __init__(self, inside: dict[Any, Any]) -> None:
        self.inside = inside

    def __str__(self) -> str:
        self.inside[len(self.inside)] = len(self.inside)
        return "meddler"


class Array:
    """As numpy has them, or nearly."""

    def __init__(self, size: Any, shape: Any, numbers: Any) -> None:
        self.size = size
        self.shape = shape
        self.numbers = numbers

    def item(self) -> Any:
        return self.numbers

    def tolist(self) -> Any:
        return self.numbers


class Bool:
    """As numpy has it: a truth that is none of Python's."""

    size = 1

    def __init__(self, value: bool) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return self.value

    def item(self) -> bool:
        return self.value


class Flag(enum.Flag):
    A = 1
    B = 2


class EndlessFields:
    __dataclass_fields__ = EndlessList(["name"])


def _changing() -> dict[Any, Any]:
    inside: dict[Any, Any] = {}
    inside["meddler"] = Meddler(inside)
    inside["other"] = 1
    return inside


def _cycle() -> list[Any]:
    inside: dict[str, Any] = {}
    cycle = [inside, inside]
    inside["again"] = cycle
    return cycle


def _deep() -> Any:
    value: Any = 1
    for _ in range(5_000):
        value = [value]
    return value


HUGE_TEXT = "x" * 2**26
HUGE_BYTES = b"\xff" * 2**26
MANY_FIELDS = {str(number): number for number in range(200_000)}


def values() -> list[Any]:
    """One of each."""
    return [
        *(kind() for kind in _RAISING),
        *(kind("text") for kind in _TEXTS),
        *(kind(7) for kind in _INTS + _FLOATS),
        *(kind({"a": 1}) for kind in _DICTS),
        *(kind([1]) for kind in _LISTS),
        *(kind("failed") for kind in EXCEPTIONS),
        *_RAISING[:2],
        *(None, True, False, 0, -1, 2**63, 10**400, -(10**400), 10**5_000),
        *(math.nan, math.inf, -math.inf, 1e308, -0.0, 5e-324, 1j),
        *("", " ", "\0", "\n", "\ud800", "a\udfffb", "\u2028", "%s %d", "{}", "$X${Y}", "../x"),
        *(
            "x" * 1_000_000,
            "\ud800" * 100_000,
            "\x01" * 1_000_000,
            b"",
            b"\xff\xfe",
            b"x" * 100_000,
        ),
        *([], {}, (), set(), [1, [2, (3, {4})]], {"a": {"b": {1: 2}}}, {None: 1, (1,): 2, 1.5: 3}),
        *(iter([1]), (x for x in "ab"), memoryview(b"x"), bytearray(b"x"), ...),
        *(object(), object, len, lambda: 1, NotImplemented, _cycle(), _deep()),
        *(LyingScalar(1, "x"), LyingScalar(-1, None), LyingScalar(None, 1), LyingScalar("a", [])),
        LyingScalar(1, LyingScalar(1, _cycle())),
        *(object.__new__(kind) for kind in _UNNAMED),
        *_UNNAMED,
        *(ScalarOfItself(), Deeper(), [Deeper()], Raising(), _changing()),
        *(Claim(kind) for kind in (str, int, float, dict, list, bytes, enum.Enum, type, None)),
        *(itertools.count(), itertools.repeat("x"), map(str, range(10)), [itertools.count()]),
        *(Bool(True), Bool(False), Flag.A | Flag.B, Decimal("sNaN"), Decimal("1e999999")),
        *(Fraction(10**5_000, 3), Fraction(1, 10**5_000), 1 << 1_000_000, UserDict(a=1)),
        *(UserString("u"), PurePosixPath("a"), MappingProxyType({"a": 1}), SimpleNamespace(a=1)),
        *(OrderedDict(a=1), defaultdict(list, a=[1]), deque([1]), {"a": 1}.values()),
        *(
            Array(3, (3,), [1, 2, 3]),
            Array(10**12, range(10**12), 1),
            Array(3, [[]], range(10**12)),
        ),
        *(
            Array(1, (), Array(1, (), math.nan)),
            Array(-3, "x", {}),
            Array(2, (2,), ScalarOfItself()),
        ),
        {"x" * 100_000: 1, "\ud800": "\udfff", "": ""},
        [[[math.nan]] * 50] * 50,
    ]


def huge_values() -> list[Any]:
    """Those of which only the beginning may be looked at; each takes some milliseconds."""
    return [
        *(HUGE_TEXT, [HUGE_TEXT] * 30_000, {HUGE_TEXT: HUGE_TEXT}, HUGE_BYTES, [0.5] * 1_000_000),
        *(MANY_FIELDS, MANY_FIELDS.values(), (MANY_FIELDS,), {(0.5,) * 1_000_000: 1}),
        *([object()] * 2_000, [[[[[[[[[[]]]]]]]]]] * 2_000, [{"a": [{"b": 1}]}] * 2_000),
        *([EndlessList([1]), EndlessMapping()], EndlessFields(), range(10**9), itertools.count()),
    ]
