"""A map from keys of 16 bytes to numbers, in memory while there is room, beyond that in files.

Which events have come must be known for as long as somebody may send them again, so these maps
only grow. All of them share a budget; what goes beyond stands in hash tables on disk, in files
without a name, which are gone with their process: the events can always be read again.
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
_FIRST_CAPACITY = 65_536
_PORTION = 1_024  # how much of the budget is taken at a time
_COPY_SLOTS = 16_384


class Lookup:
    """One map. For one thread at a time; raises OSError where its files fail."""

    def __init__(self, directory: Path, budget: Budget) -> None:
        """`directory` is where the files would be; `budget` counts keys in memory."""
        self._directory = directory
        self._budget = budget
        self._taken = 0
        self._numbers: dict[bytes, int] = {}
        self._tables: list[_Table] = []
        # The number of a key; None for one that has none. Asked for each event: no step between.
        self.get: Callable[[bytes], Optional[int]] = self._numbers.get

    def __len__(self) -> int:
        return len(self._numbers) + sum(table.count for table in self._tables)

    @property
    def is_on_disk(self) -> bool:
        """Whether it has become too large for its share of the memory."""
        return bool(self._tables)

    def __setitem__(self, key: bytes, number: int) -> None:
        self.update({key: number})

    def update(self, numbers: dict[bytes, int]) -> None:
        """Give keys their numbers."""
        if not self._tables and self._has_room(len(numbers)):
            self._numbers.update(numbers)
        else:
            self.get = self._get_anywhere
            for key, number in numbers.items():
                self._set_anywhere(key, number)

    def keys(self) -> Iterator[bytes]:
        """All keys, in no order."""
        yield from self._numbers
        for table in self._tables:
            yield from table.keys()

    def close(self) -> None:
        """Give memory and files back. It is of no use afterwards."""
        self._numbers.clear()
        for _ in range(self._taken // _PORTION):
            self._budget.give_back(_PORTION)
        self._taken = 0
        for table in self._tables:
            table.close()

    def _has_room(self, more: int) -> bool:
        while len(self._numbers) + more > self._taken:
            # At least as much as one map has stays for the others: none of them takes all.
            if self._taken > self._budget.left or not self._budget.take(_PORTION, 0.0):
                return False
            self._taken += _PORTION
        return True

    def _get_anywhere(self, key: bytes) -> int | None:
        number = self._numbers.get(key)
        for table in reversed(self._tables):  # the last one is as large as all others
            if number is not None:
                break
            number = table.get(key)
        return number

    def _set_anywhere(self, key: bytes, number: int) -> None:
        if key in self._numbers:
            self._numbers[key] = number
        elif not any(table.replace(key, number) for table in self._tables):
            # A larger one beside it: to move what is there would keep everybody waiting.
            if not self._tables:
                self._tables.append(_Table(self._directory, _FIRST_CAPACITY))
            elif self._tables[-1].is_full:
                self._tables.append(_Table(self._directory, self._tables[-1].capacity * 4))
            self._tables[-1].add(key, number)


class _Table:
    """A hash table with linear probing in a file, never more than half full."""

    def __init__(self, directory: Path, capacity: int) -> None:
        self.capacity = capacity
        self.count = 0
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 (it is ours)
        os.ftruncate(self._file.fileno(), capacity * _SLOT_BYTES)

    @property
    def is_full(self) -> bool:
        return self.count * 2 >= self.capacity

    def get(self, key: bytes) -> int | None:
        return self._find(key)[1]

    def add(self, key: bytes, number: int) -> None:
        """Put in a key that is not there."""
        self._write(self._find(key)[0], key, number)
        self.count += 1

    def replace(self, key: bytes, number: int) -> bool:
        """Give a key another number. False where it is not there."""
        slot, known = self._find(key)
        if known is not None:
            self._write(slot, key, number)
        return known is not None

    def keys(self) -> Iterator[bytes]:
        fd = self._file.fileno()
        for start in range(0, self.capacity, _COPY_SLOTS):
            slots = read_at(fd, _COPY_SLOTS * _SLOT_BYTES, start * _SLOT_BYTES)
            for at in range(0, len(slots), _SLOT_BYTES):
                if slots[at + KEY_BYTES : at + _SLOT_BYTES] != _EMPTY:
                    yield slots[at : at + KEY_BYTES]

    def close(self) -> None:
        self._file.close()

    def _write(self, slot: int, key: bytes, number: int) -> None:
        os.lseek(self._file.fileno(), slot * _SLOT_BYTES, os.SEEK_SET)
        write_all(self._file.fileno(), key + (number + 1).to_bytes(8, "little"))

    def _find(self, key: bytes) -> tuple[int, int | None]:
        """The slot of a key, or the one that it would get, and its number."""
        # Python's hash is salted: nobody can choose keys that all fall into one place.
        slot = hash(key) % self.capacity
        while True:
            slots = read_at(self._file.fileno(), _READ_SLOTS * _SLOT_BYTES, slot * _SLOT_BYTES)
            for at in range(0, len(slots), _SLOT_BYTES):
                number = slots[at + KEY_BYTES : at + _SLOT_BYTES]
                if number == _EMPTY:
                    return slot, None
                if slots.startswith(key, at):
                    return slot, int.from_bytes(number, "little") - 1
                slot = (slot + 1) % self.capacity
