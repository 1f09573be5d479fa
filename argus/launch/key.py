"""What a launch is known by, on all its ranks alike.

A launch that can be told from every other needs no word between its ranks: each derives the same
batch id. Only where addresses and ports are all there is, which the next launch may have again, a
rank must ask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional

from argus.core.identity import short_hash
from argus.launch.rank import BY_HAND, OPEN_MPI, SLURM, Rank

# What differs between the ranks of one launch, in their command lines.
_OF_A_RANK = re.compile(r"--?(?:local|node|global|machine)?[-_]?(?:rank|gpu|device)(?:[-_]?id)?")
# Restarts continue a batch: they are no part of what it is, and part of what a message belongs to.
_RESTARTS = ("SLURM_RESTART_COUNT", "TORCHELASTIC_RESTART_COUNT", "SLURM_STEP_LAUNCHER_PORT")


class Key(NamedTuple):
    """A launch. `batch`: what its batches are derived from, None where that is not unique."""

    batch: Optional[str]
    launch: str


def key_of(
    rank: Rank,
    environ: Mapping[str, str],
    argv: Sequence[str],
    launcher: str | None,
    generations: int,
) -> Key:
    """The key of the launch that `rank` belongs to. `launcher` is the identity of the process that
    started the ranks, `generations` how far above this one that is."""
    words = [rank.launcher, environ.get("TORCHELASTIC_RUN_ID", "")]
    # Several programs of one mpirun ("a : b") are one launch, and its ranks one batch.
    if rank.launcher != OPEN_MPI or environ.get("OMPI_NUM_APP_CTX", "1") == "1":
        words.extend(command(argv, generations))
    unique = _unique(rank, environ, launcher)
    if unique is None:
        named = _values(environ, "MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID", *_RESTARTS)
        return Key(None, "\n".join([*words, str(rank.world_size), *named]))
    batch = "\n".join([*words, *unique])
    return Key(batch, "\n".join([batch, *_values(environ, *_RESTARTS)]))


def command(argv: Sequence[str], generations: int) -> list[str]:
    """What tells the programs of one launch apart: the script; behind a wrapper, which may run one
    after the other, its arguments too, without those that each rank has its own of."""
    words = [word for word in argv if isinstance(word, str)]
    if generations <= 1:
        return words[:1]
    kept: list[str] = []
    skips = False
    for word in words:
        name, equals, _ = word.partition("=")
        is_of_a_rank = _OF_A_RANK.fullmatch(name) is not None
        if not is_of_a_rank and not (skips and not word.startswith("-")):
            kept.append(word)
        skips = is_of_a_rank and not equals
    return kept


def derived(prefix: str, key: str, position: str) -> str:
    """The id of the batch at that position of the script."""
    digits = short_hash(f"{key}{chr(10)}{position}")[:12]
    return f"{prefix}-{digits}"


def _unique(rank: Rank, environ: Mapping[str, str], launcher: str | None) -> list[str] | None:
    if rank.launcher == BY_HAND:
        return None  # a shell that starts one launch after the other is no launcher
    if rank.launcher == OPEN_MPI:
        # 128 random bits of each mpirun; what comes later has pid and host in its namespace.
        found = _values(environ, "OMPI_MCA_orte_precondition_transports", "PMIX_NAMESPACE")
        if any(found):
            return found
    if rank.is_local and rank.launcher != SLURM and launcher is not None:
        return [launcher]
    if environ.get("SLURM_JOB_ID") and environ.get("SLURM_STEP_ID"):
        job = environ.get("SLURM_HET_JOB_ID") or environ["SLURM_JOB_ID"]
        whose = _values(environ, "SLURM_CLUSTER_NAME", "SLURM_JOB_UID", "SLURM_SUBMIT_DIR")
        return [job, environ["SLURM_STEP_ID"], *whose]
    return None


def _values(environ: Mapping[str, str], *names: str) -> list[str]:
    return [environ.get(name, "") for name in names]
