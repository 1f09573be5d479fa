"""Plain JSON values from anything a caller may hand over: bounded, copied, never an exception.

What comes out is made of dict, list, str, int, float, bool and None only, shares nothing with
what went in, and holds no tensor alive. Non-finite floats stay floats here; the encoder spells them.
"""

from __future__ import annotations

import operator
import sys
from collections import deque
from collections.abc import Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from itertools import islice
from os import PathLike, fspath

from argus.core.interruption import is_interruption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

MAX_TEXT = 16_384  # characters in one string
MAX_KEY = 256  # characters in one key
MAX_DEPTH = 8
MAX_VALUES = 20_000  # values in one event
MAX_TOTAL_TEXT = (
    524_288  # characters in one event: under 3 MB on the wire even when all are escaped
)
MAX_INT_BITS = 1023  # beyond this an integer is beyond float range, and a platform rejects it

# The identities of the types whose values need no care: immutable, small, and numbers to every
# platform. To look a type itself up would ask its metaclass for a hash.
PLAIN_NUMBER_IDS = frozenset({id(int), id(float)})

_SHORT = 4_096  # what built-in data may hold for its text to be made whole
_CONTAINERS = frozenset(
    map(id, (list, tuple, dict, set, frozenset, deque, type({}.keys()), type({}.values())))
)
_TEXTS = frozenset(map(id, (str, bytes, bytearray)))
_ATTEMPTS = 8  # to read a container that another thread is changing


def plain(value: Any) -> Any:
    """`value` as plain JSON data.

    Scalars of numpy, torch, jax and the like become the numbers they hold; Decimal and Fraction
    floats; dates ISO 8601; paths, enums and bytes text; mappings, dataclasses and named tuples
    objects; sequences, sets and small arrays lists. All else is its bounded text.
    """
    return _Plainer().convert(value, 0)


def bounded_text(value: Any, limit: int = MAX_TEXT) -> str:
    """`str(value)`, cut to `limit` characters; a description where the value cannot even do that."""
    return _cut(_text_of(value), limit)


class _Plainer:
    """One conversion: what it may still spend, and the containers it is inside of."""

    def __init__(self) -> None:
        self.values_left = MAX_VALUES
        self.text_left = MAX_TOTAL_TEXT
        self.inside: set[int] = set()

    def convert(self, value: Any, depth: int) -> Any:
        self.values_left -= 1
        kind = type(value)
        if kind is float or kind is bool or value is None:
            return value
        if kind is int:
            return _bounded_int(value)
        if kind is str:
            return self._spend_text(value)
        try:
            return self._convert_object(value, depth)
        except BaseException as error:  # a foreign method may raise anything, SystemExit too
            if is_interruption(error):
                raise
            return _described(value, error)

    def _convert_object(self, value: Any, depth: int) -> Any:
        if _is_instance(value, "enum", "Enum"):
            return self.convert(value.value, depth)
        # Subclasses of the plain types, numpy.float64 among them. The methods of the plain
        # type itself are asked, since the subclass may have overridden them.
        if isinstance(value, str):
            return self._spend_text(str.__str__(value))
        if isinstance(value, int):
            return _bounded_int(int.__int__(value))
        if isinstance(value, float):
            return float.__float__(value)
        entries = _entries(value)
        if entries is not None:
            return self._nest(value, depth, lambda: self._object(entries, depth))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._spend_text(bytes(value[: 4 * MAX_TEXT]).decode("utf-8", "replace"))
        if isinstance(value, (Sequence, AbstractSet, ValuesView)):
            return self._nest(value, depth, lambda: self._list(value, depth))
        return self._convert_by_method(value, depth)

    def _convert_by_method(self, value: Any, depth: int) -> Any:
        """What is known only by what it can do."""
        if issubclass(type(value), BaseException) and not _is_short(value):
            # Its text is made of its arguments, which may be a whole data set, or itself.
            return self._nest(value, depth, lambda: self._list(_arguments(value), depth))
        if isinstance(value, PathLike):
            return self.convert(fspath(value), depth)
        if _is_instance(value, "datetime", "timedelta"):
            return value.total_seconds()
        if hasattr(value, "isoformat"):
            return self._spend_text(str(value.isoformat()))
        if hasattr(value, "item"):
            return self._array(value, depth)
        number = _number_of(value)
        return self._spend_text(_text_of(value)) if number is None else self.convert(number, depth)

    def _nest(self, value: Any, depth: int, build: Callable[[], Any]) -> Any:
        if id(value) in self.inside:
            return "<cycle>"
        if depth >= MAX_DEPTH:
            return f"<{class_name(value)} nested deeper than {MAX_DEPTH}>"
        self.inside.add(id(value))
        try:
            return build()
        finally:
            self.inside.discard(id(value))

    def _object(
        self, entries: Callable[[], Iterable[tuple[Any, Any]]], depth: int
    ) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in _taken(entries, self.values_left + 1):
            if self.values_left <= 0 or self.text_left <= 0:  # keys are text too
                result["..."] = "<more values than one event may hold>"
                break
            text = _cut(key if type(key) is str else _text_of(key), MAX_KEY)
            self.text_left -= len(text)
            result[text] = self.convert(item, depth + 1)
        return result

    def _list(self, items: Iterable[Any], depth: int) -> list[Any]:
        result: list[Any] = []
        for item in _taken(lambda: items, self.values_left + 1):
            if self.values_left <= 0:
                result.append("<more values than one event may hold>")
                break
            result.append(self.convert(item, depth + 1))
        return result

    def _array(self, value: Any, depth: int) -> Any:
        """A scalar or array of numpy, torch, jax or tensorflow, told by its `item` method."""
        size = getattr(value, "size", 1)
        if callable(size):  # torch: a method that gives the shape
            size = value.numel()
        if size == 1:
            return self.convert(value.item(), depth)
        if size <= self.values_left and hasattr(value, "tolist"):
            return self.convert(value.tolist(), depth)
        sizes = tuple(_bounded_int(operator.index(number)) for number in islice(value.shape, 32))
        return f"<{class_name(value)} of shape {sizes}>"

    def _spend_text(self, text: str) -> str:
        text = _cut(text, min(MAX_TEXT, max(self.text_left, 0)))
        self.text_left -= len(text)
        return text


def _taken(items: Callable[[], Iterable[Any]], most: int) -> list[Any]:
    """The first `most` items as they are now. Another thread may be changing what they are in,
    which Python tells with a RuntimeError: then they are taken again."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return list(islice(items(), max(most, 0)))
        except RuntimeError as error:
            if type(error) is not RuntimeError or is_interruption(error):
                raise
    return list(islice(items(), max(most, 0)))


def _entries(value: Any) -> Callable[[], Iterable[tuple[Any, Any]]] | None:
    """What gives key and value pairs of whatever is an object in the sense of JSON, else None."""
    if isinstance(value, Mapping):
        return value.items
    names = getattr(type(value), "__dataclass_fields__", None) or getattr(
        type(value), "_fields", None
    )
    if names is not None and (isinstance(value, tuple) or not isinstance(names, tuple)):
        return lambda: ((name, getattr(value, name)) for name in names)
    return None


def _is_instance(value: Any, module: str, name: str) -> bool:
    """isinstance() against a class whose module nobody may have loaded: then it is none."""
    # It may also be half loaded: our own threads import while the training reports.
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)


def _bounded_int(value: int) -> int | str:
    bits = value.bit_length()
    return value if bits <= MAX_INT_BITS else f"<integer of {bits} bits>"


def _number_of(value: Any) -> int | float | None:
    """The number that an object says it is; None for any other object.

    What a class has, its values need not be able to do: every tensor of tensorflow has `__index__`,
    and complex has `__float__` on Python 3.9.
    """
    for method, number in (("__index__", operator.index), ("__float__", float)):
        if hasattr(value, method):
            try:
                return number(value)
            except TypeError:
                pass
    return None


def _text_of(value: Any) -> str:
    """The text of anything, of exactly the type str: a subclass may have overridden its methods."""
    try:
        if not isinstance(value, str):
            value = str(value if _is_short(value) else plain(value))
        return str.__str__(value)
    except BaseException as error:
        if is_interruption(error):
            raise
        return _described(value, error)


def _is_short(value: Any) -> bool:
    """Whether built-in data has so short a text that it may be made whole.

    The text of ten million numbers takes seconds. What other classes make of themselves is theirs.
    """
    left = _SHORT
    pending = [value]
    while pending and left >= 0:
        item = pending.pop()
        kind = id(type(item))
        if kind in _CONTAINERS:
            left -= len(item)
            if left >= 0:
                pending += item
                pending += item.values() if type(item) is dict else ()
        elif kind in _TEXTS:
            left -= len(item)
        elif type(item) is int:
            left -= item.bit_length() >> 2  # more digits than a Python may be willing to print
        elif issubclass(type(item), BaseException):
            left -= 1  # it may be its own argument
            pending += _arguments(item)
    return left >= 0


def _arguments(error: BaseException) -> tuple[Any, ...]:
    arguments: tuple[Any, ...] = BaseException.__dict__["args"].__get__(error)
    return arguments


def _described(value: Any, error: BaseException) -> str:
    return f"<{class_name(value)}: {class_name(error)}>"


def class_name(value: Any) -> str:
    """The name of a value's class, bounded, whatever its metaclass says."""
    # The name that `type` keeps: a metaclass may have overridden `__name__`.
    name: str = type.__dict__["__name__"].__get__(type(value))
    return _cut(name, MAX_KEY)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}... (+{len(text) - limit} characters)"
