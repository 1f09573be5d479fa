"""A configuration as the hyperparameters of a run: one flat object, `{"model": {"lr": 0.1}}` as
`model.lr`. It takes configurations of any make, imports none of their libraries, and hides secrets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from types import SimpleNamespace

from argus.core.values import MAX_DEPTH, MAX_KEY, bounded_text, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# With the packages beside it, an env_snapshot stays within what one event may hold.
MAX_ENTRIES = 4_096
MAX_WEIGHT = 131_072  # characters of names and values, and VALUES_WEIGHT for each value
VALUES_WEIGHT = 16


class NoConfigError(Exception):
    """What was given has no entries by name."""


def flattened(config: Any) -> dict[str, Any]:
    """The entries of `config` as plain values, by names joined with dots. Raises NoConfigError.

    Mappings, dataclasses, named tuples, namespaces and what has `keys` and `items` are opened, and
    so are lists that hold some of these or lists: their items go by number. Lists of scalars stay
    lists. Of two entries that come to the same name, the second gets `~2`.
    """
    flattener = _Flattener()
    try:
        entries = _entries_of_names(config)
    except KeyboardInterrupt:
        raise
    except BaseException:  # foreign code may raise anything, SystemExit too
        entries = None
    if entries is None:
        raise NoConfigError
    flattener.open("", config, entries, 0)
    return flattener.flat


def without_secrets(flat: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which nothing is left that looks like a secret, by its name or by its content."""
    return {name: _without_secrets(name, value) for name, value in flat.items()}


class _Flattener:
    """One configuration: what there is of it so far, and the containers that it is inside of."""

    def __init__(self) -> None:
        self.flat: dict[str, Any] = {}
        self._takers: dict[str, int] = {}  # how many entries came to a name
        self._weight_left = MAX_WEIGHT
        self._inside: set[int] = set()

    def open(self, path: str, owner: Any, entries: Iterable[tuple[Any, Any]], depth: int) -> None:
        self._inside.add(id(owner))
        for key, item in entries:
            if len(self.flat) >= MAX_ENTRIES or self._weight_left <= 0:
                self.flat["..."] = "<more values than a config may hold>"
                break
            name = bounded_text(key, MAX_KEY)
            self._visit(f"{path}.{name}" if path else name, item, depth + 1)
        self._inside.discard(id(owner))

    def _visit(self, path: str, value: Any, depth: int) -> None:
        try:
            entries = _entries(value)
        except KeyboardInterrupt:
            raise
        except BaseException:  # foreign code may raise anything; `plain` says what it was
            entries = None
        if entries is None:
            self._keep(path, plain(value))
        elif not entries:
            self._keep(path, {})
        elif id(value) in self._inside:
            self._keep(path, "<cycle>")
        elif depth >= MAX_DEPTH:
            self._keep(path, f"<nested deeper than {MAX_DEPTH}>")
        else:
            self.open(path, value, entries, depth)

    def _keep(self, path: str, value: Any) -> None:
        taker = self._takers[path] = self._takers.get(path, 0) + 1
        name = path if taker == 1 else f"{path}~{taker}"
        while name in self.flat:  # somebody is really called so
            name = f"{name}~"
        weight = len(name) + _weight(value)
        if weight > self._weight_left:
            value, weight = "<too large for what is left of a config>", len(name)
        self._weight_left -= weight
        self.flat[name] = value


def _entries(value: Any) -> list[tuple[Any, Any]] | None:
    """What is to be opened, with its names or numbers; None for a value."""
    if isinstance(value, (str, bytes, int, float)) or value is None:
        return None
    by_name = _entries_of_names(value)
    if by_name is None and isinstance(value, (list, tuple)):
        items = list(islice(value, MAX_ENTRIES + 1))
        if any(isinstance(item, (list, tuple)) or _has_names(item) for item in items):
            return list(enumerate(items))
    return by_name


def _entries_of_names(value: Any) -> list[tuple[Any, Any]] | None:
    if not _has_names(value):
        return None
    value = _resolved(value)
    kind = type(value)
    names = _field_names(kind)
    if names is not None:
        return [(name, getattr(value, name)) for name in islice(names, MAX_ENTRIES + 1)]
    entries = vars(value).items() if _is_namespace(kind) else value.items()
    return [(key, item) for key, item in islice(entries, MAX_ENTRIES + 1)]


def _has_names(value: Any) -> bool:
    # The type is asked: a value may claim to have any attribute.
    kind = type(value)
    return (
        issubclass(kind, Mapping)
        or _field_names(kind) is not None
        or _is_namespace(kind)
        or (callable(getattr(kind, "items", None)) and callable(getattr(kind, "keys", None)))
    )


def _field_names(kind: type) -> Iterable[str] | None:
    """Of a dataclass or a named tuple."""
    names = getattr(kind, "__dataclass_fields__", None)
    if isinstance(names, dict):
        return names
    names = getattr(kind, "_fields", None)
    return names if isinstance(names, tuple) and issubclass(kind, tuple) else None


def _is_namespace(kind: type) -> bool:
    argparse = getattr(sys.modules.get("argparse"), "Namespace", SimpleNamespace)
    return issubclass(kind, (SimpleNamespace, argparse))


def _resolved(value: Any) -> Any:
    """A config of OmegaConf as plain containers, its `${...}` filled in where that can be done."""
    home = sys.modules.get(type(value).__module__.partition(".")[0])
    to_container = getattr(getattr(home, "OmegaConf", home), "to_container", None)
    if to_container is None:
        return value
    try:
        return to_container(value, resolve=True)
    except Exception:  # one that cannot be: then as they are written
        return to_container(value, resolve=False)


def _weight(value: Any) -> int:
    if isinstance(value, str):
        return VALUES_WEIGHT + len(value)
    if isinstance(value, list):
        return sum(map(_weight, value))
    if isinstance(value, dict):
        return sum(len(key) + _weight(item) for key, item in value.items())
    return VALUES_WEIGHT


def _without_secrets(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value  # tells nothing
    # Its patterns take 2 ms to compile: on the daemon's side, not where a config is taken.
    from argus.core.redact import is_secret_name, redacted
    from argus.core.secret import HIDDEN

    is_number = isinstance(value, (int, float))
    # `pad_token_id: 0`: a token of a vocabulary has a number, one that opens a door is none.
    if is_secret_name(name.lower().replace("token", "") if is_number else name):
        return HIDDEN
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        return [
            _without_secrets(_option(before), item) for before, item in zip(["", *value], value)
        ]
    return without_secrets(value) if isinstance(value, dict) else value


def _option(word: Any) -> str:
    """The name of the option that a word of a command line is, whose value comes next."""
    return word.lstrip("-") if isinstance(word, str) and word.startswith("-") else ""
