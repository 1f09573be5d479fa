"""Which devices a process may use, as CUDA_VISIBLE_DEVICES and its kin say it: pure.

The rules are those of the CUDA driver, which HIP follows, and of the list in PyTorch that imitates
it: https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-environment-variables
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LEADING_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")  # "1gpu" counts as 1: the driver asks strtol


def visible(setting: str | None, names: Sequence[Sequence[str]], numbered: int) -> list[int]:
    """Positions in `names` of the devices that `setting` chooses, in its order.

    `names` holds the identifiers of each device ("GPU-…", "MIG-…"), of which a unique beginning is
    enough. Only the first `numbered` can be chosen by number. None: all of these. What is no device
    ends the list; a device that is named twice empties it.
    """
    if setting is None:
        return list(range(numbered))
    chosen: list[int] = []
    for entry in setting.split(","):
        position = _position(entry.strip(), names, numbered)
        if position is None:
            break
        if position in chosen:
            return []
        chosen.append(position)
    return chosen


def _position(entry: str, names: Sequence[Sequence[str]], numbered: int) -> int | None:
    number = _LEADING_INTEGER.match(entry)
    if number:
        index = int(number.group())
        return index if 0 <= index < numbered else None
    if not entry:
        return None
    found = [
        position
        for position, own in enumerate(names)
        if any(name.lower().startswith(entry.lower()) for name in own)
    ]
    return found[0] if len(found) == 1 else None
