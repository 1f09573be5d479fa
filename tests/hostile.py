"""Values that no public call may stumble over."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
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
        *(range(10**9), iter([1]), (x for x in "ab"), memoryview(b"x"), bytearray(b"x"), ...),
        *(object(), object, len, lambda: 1, NotImplemented, _cycle(), _deep()),
        [EndlessList([1]), EndlessMapping()],
        *(LyingScalar(1, "x"), LyingScalar(-1, None), LyingScalar(None, 1), LyingScalar("a", [])),
        LyingScalar(1, LyingScalar(1, _cycle())),
        {"x" * 100_000: 1, "\ud800": "\udfff", "": ""},
        [[[math.nan]] * 50] * 50,
    ]
