"""What a command is called on a dashboard: `python -u train.py --lr 1` is `train`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

# What runs something else, whose name says more.
_LAUNCHERS = re.compile(
    r"(?:python|pypy|bash|dash|zsh|sh|node|julia|perl|ruby|Rscript|accelerate|deepspeed|torchrun|srun"
    r"|mpirun|mpiexec|env|nice|nohup|time|uv|poetry|conda|launch|run|exec)[\d.]*"
)
_MAX_NAME = 80


def name_of(argv: Sequence[str]) -> str:
    """A short name for a command line; never empty."""
    words = iter(argv)
    first = ""
    for word in words:
        name = _plain(word)
        first = first or name
        if word == "-m":
            return _plain(next(words, "")).rpartition(".")[2] or first
        if word == "-c":
            break
        if word.startswith("-") or "=" in word or word.isdigit() or not name:
            continue
        if not _LAUNCHERS.fullmatch(name):
            return name
    return first or "command"


def _plain(word: str) -> str:
    path = PurePath(word)
    name = (
        path.stem if path.suffix in (".py", ".sh", ".jl", ".R", ".js", ".pl", ".rb") else path.name
    )
    return name[:_MAX_NAME]
