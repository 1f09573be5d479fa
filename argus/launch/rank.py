"""Which rank of which launch a process is, told from its environment alone.

Each launcher says it in variables of its own. Those that stand in a shell, left by an earlier
session or exported by a script, make nobody a rank: a number and a size must be there, and agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional

TORCHRUN = "torchrun"
OPEN_MPI = "mpirun"
PMI = "mpiexec"
SLURM = "srun"
SUBMITIT = "submitit"
LIGHTNING = "lightning"
BY_HAND = "environment"  # RANK and WORLD_SIZE, whoever has set them: Ray Train, a script

# A variable that only the ranks of a launch have, and not what launched them.
MARKS = {
    TORCHRUN: "LOCAL_RANK",
    OPEN_MPI: "OMPI_COMM_WORLD_RANK",
    PMI: "PMI_RANK",
    SLURM: "SLURM_PROCID",
    SUBMITIT: "SUBMITIT_LOCAL_GLOBALID",
    LIGHTNING: "LOCAL_RANK",
    BY_HAND: "RANK",
}


class Rank(NamedTuple):
    """One of several processes that run the same script together."""

    launcher: str
    number: Optional[int]  # None: not the first, and nobody says which
    world_size: int
    local: Optional[int]  # its number on its node
    local_size: Optional[int]  # how many there are on its node
    node: Optional[int] = None

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0."""
        return self.number == 0

    @property
    def is_first_on_node(self) -> bool:
        """Whether this is the one that reports the resources of its node."""
        return self.local == 0 or (self.local is None and self.is_first)

    @property
    def is_local(self) -> bool:
        """Whether all ranks are known to be on this machine."""
        return self.local_size == self.world_size


def rank_of(environ: Mapping[str, str]) -> Rank | None:
    """The rank of a process; None for one that runs on its own."""
    number, size = _number(environ, "RANK"), _number(environ, "WORLD_SIZE")
    beneath = _beneath(environ)
    if number is not None and size is not None and number < size:
        if size == 1:
            return None
        by_hand = _by_hand(environ, number, size)
        # Scripts copy these from what started them, which can be told apart from another launch.
        same = [rank for rank in beneath if (rank.number, rank.world_size) == (number, size)]
        return same[0] if same and by_hand.launcher == BY_HAND else by_hand
    return beneath[0] if beneath else _lightning(environ)


def elastic_restarts(environ: Mapping[str, str]) -> int | None:
    """How often torchrun has started its ranks again; None where it has not started them."""
    return _number(environ, "TORCHELASTIC_RESTART_COUNT")


def _beneath(environ: Mapping[str, str]) -> list[Rank]:
    """What launchers of processes say, the innermost first: mpiexec may be started by srun."""
    slurm, pmi = _slurm(environ), _pmi(environ)
    if slurm and pmi and slurm[1:3] == pmi[1:3]:
        pmi = None  # it is srun that speaks PMI, and says more of the nodes
    found = (_submitit(environ), _open_mpi(environ), pmi, slurm)
    return [rank for rank in found if rank is not None]


def _by_hand(environ: Mapping[str, str], number: int, size: int) -> Rank:
    is_torchrun = "TORCHELASTIC_RUN_ID" in environ
    local_size = _number(environ, "LOCAL_WORLD_SIZE")
    node = _first_number(environ, "GROUP_RANK", "NODE_RANK")
    local = _number(environ, "LOCAL_RANK")
    return Rank(TORCHRUN if is_torchrun else BY_HAND, number, size, local, local_size, node)


def _submitit(environ: Mapping[str, str]) -> Rank | None:
    """A task of submitit's LocalExecutor; on a cluster, SLURM says it."""
    number = _number(environ, "SUBMITIT_LOCAL_GLOBALID")
    size = _number(environ, "SUBMITIT_LOCAL_NTASKS")
    return _rank(SUBMITIT, number, size, _number(environ, "SUBMITIT_LOCAL_LOCALID"), size)


def _open_mpi(environ: Mapping[str, str]) -> Rank | None:
    prefix = "OMPI_COMM_WORLD_"
    return _rank(
        OPEN_MPI,
        _number(environ, prefix + "RANK"),
        _number(environ, prefix + "SIZE"),
        _number(environ, prefix + "LOCAL_RANK"),
        _number(environ, prefix + "LOCAL_SIZE"),
    )


def _pmi(environ: Mapping[str, str]) -> Rank | None:
    """MPICH, Intel MPI, MVAPICH2 and Cray, by the variables of their process manager."""
    return _rank(
        PMI,
        _number(environ, "PMI_RANK"),
        _number(environ, "PMI_SIZE"),
        _first_number(environ, "MPI_LOCALRANKID", "PMI_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK"),
        _first_number(environ, "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE"),
    )


def _slurm(environ: Mapping[str, str]) -> Rank | None:
    number = _number(environ, "SLURM_PROCID")
    if "SLURM_PTY_PORT" in environ:  # a person at a terminal: what runs here, runs alone
        return None
    size = _number(environ, "SLURM_STEP_NUM_TASKS")
    if size is None and number:  # the script of a job is number 0 of as many as it might start
        size = _first_number(environ, "SLURM_NTASKS", "SLURM_NPROCS")
    is_one_node = _first_number(environ, "SLURM_STEP_NUM_NODES", "SLURM_NNODES") == 1
    local, node = _number(environ, "SLURM_LOCALID"), _number(environ, "SLURM_NODEID")
    return _rank(SLURM, number, size, local, size if is_one_node else None, node)


def _lightning(environ: Mapping[str, str]) -> Rank | None:
    """Lightning starts the others from its own rank 0, and gives them no global number."""
    local, size = _number(environ, "LOCAL_RANK"), _number(environ, "WORLD_SIZE")
    if local is None or size is None or "RANK" in environ:
        return None
    node = _number(environ, "NODE_RANK") or 0
    is_one_node = environ.get("MASTER_ADDR") in ("127.0.0.1", "localhost")
    local_size = size if is_one_node else None
    number = local if node == 0 else None
    if size < 2 or local >= size:
        return None
    return Rank(LIGHTNING, number, size, local, local_size, node)


def _rank(
    launcher: str,
    number: int | None,
    size: int | None,
    local: int | None,
    local_size: int | None,
    node: int | None = None,
) -> Rank | None:
    if number is None or size is None or size < 2 or number >= size:
        return None
    return Rank(launcher, number, size, local, local_size, node)


def _first_number(environ: Mapping[str, str], *names: str) -> int | None:
    found = (_number(environ, name) for name in names)
    return next((number for number in found if number is not None), None)


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
