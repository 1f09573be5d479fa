"""A map from keys of 16 bytes to numbers, in memory while there is room, else in a file.

Which events have come must be known for as long as somebody may send them again, so these maps
only grow. All of them share a budget; what goes beyond stands in a hash table on disk, in a file
without a name, which is gone with its process: the events can always be read again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Optional

from argus.rundir.files import read_at, write_all
from argus.server.budget import Budget

KEY_BYTES = 16
_SLOT_BYTES = KEY_BYTES + 8
_EMPTY = bytes(8)  # a number is kept as one more, so that a hole of the file is an empty slot
_READ_SLOTS = 8  # nearly always the key, or an empty slot, is among them
_FIRST_CAPACITY = 4_096
_PORTION = 1_024  # how much of the budget is taken at a time
_COPY_SLOTS = 16_384


class Lookup:
    """One map. For one thread at a time; raises OSError where its file fails."""

    def __init__(self, directory: Path, budget: Budget) -> None:
        """`directory` is where the file would be; `budget` counts keys in memory."""
        self._directory = directory
        self._budget = budget
        self._taken = 0
        self._numbers: dict[bytes, int] = {}
        self._table: _Table | None = None
        # The number of a key; None for one that has none. Asked for each event: no step between.
        self.get: Callable[[bytes], Optional[int]] = self._numbers.get

    def __len__(self) -> int:
        return len(self._numbers) if self._table is None else self._table.count

    @property
    def is_on_disk(self) -> bool:
        """Whether it has become too large for its share of the memory."""
        return self._table is not None

    def __setitem__(self, key: bytes, number: int) -> None:
        self.update({key: number})

    def update(self, numbers: dict[bytes, int]) -> None:
        """Give keys their numbers."""
        if self._table is None:
            self._numbers.update(numbers)
            if len(self._numbers) > self._taken:
                self._grow()
        else:
            for key, number in numbers.items():
                self._table.set(key, number)

    def keys(self) -> Iterator[bytes]:
        """All keys, in no order."""
        return iter(self._numbers) if self._table is None else self._table.keys()

    def close(self) -> None:
        """Give memory and file back. It is of no use afterwards."""
        self._forget_memory()
        if self._table is not None:
            self._table.close()

    def _grow(self) -> None:
        while len(self._numbers) > self._taken and self._budget.take(_PORTION, 0.0):
            self._taken += _PORTION
        if len(self._numbers) <= self._taken:
            return
        table = _Table(self._directory, _FIRST_CAPACITY)
        try:
            for key, number in self._numbers.items():
                table.set(key, number)
        except BaseException:
            table.close()
            raise
        self._table = table
        self.get = table.get
        self._forget_memory()

    def _forget_memory(self) -> None:
        self._numbers = {}
        for _ in range(self._taken // _PORTION):
            self._budget.give_back(_PORTION)
        self._taken = 0


class _Table:
    """A hash table with linear probing in a file, never more than half full."""

    def __init__(self, directory: Path, capacity: int) -> None:
        self.count = 0
        self._directory = directory
        self._capacity = capacity
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 (it is ours)
        os.ftruncate(self._file.fileno(), capacity * _SLOT_BYTES)

    def get(self, key: bytes) -> int | None:
        _, number = self._find(key)
        return number

    def set(self, key: bytes, number: int) -> None:
        if self.count * 2 >= self._capacity:
            self._enlarge()
        slot, known = self._find(key)
        os.lseek(self._file.fileno(), slot * _SLOT_BYTES, os.SEEK_SET)
        write_all(self._file.fileno(), key + (number + 1).to_bytes(8, "little"))
        if known is None:
            self.count += 1

    def keys(self) -> Iterator[bytes]:
        for key, _ in self._items():
            yield key

    def close(self) -> None:
        self._file.close()

    def _find(self, key: bytes) -> tuple[int, int | None]:
        """The slot of a key, or the one that it would get, and its number."""
        # Python's hash is salted: nobody can choose keys that all fall into one place.
        slot = hash(key) % self._capacity
        while True:
            slots = read_at(self._file.fileno(), _READ_SLOTS * _SLOT_BYTES, slot * _SLOT_BYTES)
            for at in range(0, len(slots), _SLOT_BYTES):
                number = slots[at + KEY_BYTES : at + _SLOT_BYTES]
                if number == _EMPTY:
                    return slot, None
                if slots.startswith(key, at):
                    return slot, int.from_bytes(number, "little") - 1
                slot = (slot + 1) % self._capacity

    def _items(self) -> Iterator[tuple[bytes, int]]:
        for start in range(0, self._capacity, _COPY_SLOTS):
            slots = read_at(self._file.fileno(), _COPY_SLOTS * _SLOT_BYTES, start * _SLOT_BYTES)
            for at in range(0, len(slots), _SLOT_BYTES):
                number = slots[at + KEY_BYTES : at + _SLOT_BYTES]
                if number != _EMPTY:
                    yield slots[at : at + KEY_BYTES], int.from_bytes(number, "little") - 1

    def _enlarge(self) -> None:
        larger = _Table(self._directory, self._capacity * 4)
        try:
            for key, number in self._items():
                larger.set(key, number)
        except BaseException:
            larger.close()
            raise
        self._file.close()
        self._file, self._capacity = larger._file, larger._capacity
