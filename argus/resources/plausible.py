"""What no machine can mean: values that a probe must not pass on, whoever told them. Pure."""

from __future__ import annotations

import math
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# The most that a number may be, by the end of its name: the first that fits.
_MOST = (
    ("proc_cpu_pct", 100.0 * 65_536),  # 100 is one core
    ("_pct", 100.0),
    ("temp_c", 250.0),
    ("_w", 1e6),
    ("_mb", 2.0**43),
)
_MOST_OF_ALL = sys.float_info.max
_most_by_name: dict[str, float] = {}  # the names of the fields are few
_PARTS = (
    ("ram_mb", "ram_total_mb"),
    ("mem_mb", "mem_total_mb"),
    ("gpu_mem_mb", "gpu_mem_total_mb"),
    ("disk_free_mb", "disk_total_mb"),
    ("run_disk_free_mb", "run_disk_total_mb"),
)


def without_lies(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values that can be true, and the names of the others.

    Not true: a number that is not finite, negative, or above what its unit allows; a part that is
    more than its whole; what is neither number, text, nor a list of texts or such mappings.
    """
    kept: dict[str, Any] = {}
    lies: list[str] = []
    for name, value in values.items():
        if isinstance(value, list):
            kept[name] = [_entry(name, entry, lies) for entry in value]
        elif isinstance(value, (str, bool)) or _is_possible(name, value):
            kept[name] = value
        else:
            lies.append(name)
    for part, whole in _PARTS:
        if part in kept and kept[part] > kept.get(whole, math.inf):
            del kept[part]
            lies.append(part)
    return kept, lies


def _entry(name: str, entry: Any, lies: list[str]) -> Any:
    if not isinstance(entry, dict):
        return entry
    kept, own_lies = without_lies(entry)
    lies += [f"{name}: {lie}" for lie in own_lies]
    return kept


def _is_possible(name: str, value: Any) -> bool:
    if not isinstance(value, (int, float)):
        return False
    most = _most_by_name.get(name)
    if most is None:
        found = [most for end, most in _MOST if name.endswith(end)]
        most = _most_by_name[name] = found[0] if found else _MOST_OF_ALL
    return 0 <= value <= most  # False for NaN
