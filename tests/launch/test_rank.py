"""Which rank a process is, by what each launcher puts into its environment."""

from __future__ import annotations

import pytest

from argus.launch.rank import MARKS, Rank, elastic_restarts, rank_of

TORCHRUN = {
    "RANK": "5",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "8",
    "LOCAL_WORLD_SIZE": "4",
    "GROUP_RANK": "1",
    "TORCHELASTIC_RUN_ID": "none",
}
SRUN = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_ID": "0",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NUM_NODES": "2",
}
MPIRUN = {
    "OMPI_COMM_WORLD_RANK": "2",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_RANK": "2",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
}
MPIEXEC = {"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}
LIGHTNING = {"LOCAL_RANK": "1", "WORLD_SIZE": "2", "NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1"}
SUBMITIT = {
    "SUBMITIT_LOCAL_GLOBALID": "1",
    "SUBMITIT_LOCAL_LOCALID": "1",
    "SUBMITIT_LOCAL_NTASKS": "2",
}
BY_HAND = {"RANK": "1", "WORLD_SIZE": "2"}
# The script of a job, or a shell in it: it has the variables of a first task, and is none.
BATCH_SCRIPT = {"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "4"}


@pytest.mark.parametrize(
    ("environ", "rank"),
    [
        (TORCHRUN, Rank("torchrun", 5, 8, 1, 4, 1)),
        (SRUN, Rank("srun", 3, 4, 1, None, 1)),
        ({**SRUN, "SLURM_STEP_NUM_NODES": "1"}, Rank("srun", 3, 4, 1, 4, 1)),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, Rank("srun", 1, 2, None, None)),
        (MPIRUN, Rank("mpirun", 2, 4, 2, 4)),
        (MPIEXEC, Rank("mpiexec", 1, 2, 1, 2)),
        (LIGHTNING, Rank("lightning", 1, 2, 1, 2, 0)),
        ({**LIGHTNING, "LOCAL_RANK": "0", "NODE_RANK": "1"}, Rank("lightning", None, 2, 0, 2, 1)),
        (SUBMITIT, Rank("submitit", 1, 2, 1, 2)),
        (BY_HAND, Rank("environment", 1, 2, None, None)),
    ],
)
def test_each_launcher_says_it_in_its_own_words(environ, rank):
    assert rank_of(environ) == rank
    assert MARKS[rank.launcher] in environ


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"RANK": "3"},
        {"RANK": "3", "LOCAL_RANK": "3"},
        {"LOCAL_RANK": "3"},
        {"WORLD_SIZE": "8"},
        {"RANK": "0", "WORLD_SIZE": "1"},
        {"RANK": "8", "WORLD_SIZE": "8"},
        {"RANK": "-1", "WORLD_SIZE": "8"},
        {"RANK": "two", "WORLD_SIZE": "8"},
        {"RANK": "", "WORLD_SIZE": ""},
        {"RANK": "³", "WORLD_SIZE": "8"},
        {"RANK": "9" * 5000, "WORLD_SIZE": "9" * 5001},
        {**TORCHRUN, "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"},
        {**SRUN, "RANK": "0", "WORLD_SIZE": "1"},  # each task of the step for itself
        {**SRUN, "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"},
        {**SRUN, "SLURM_PROCID": "0", "SLURM_PTY_PORT": "40000"},  # srun --pty bash
        BATCH_SCRIPT,
        {"PMI_RANK": "0", "PMI_SIZE": "1"},
        {"LOCAL_RANK": "2", "WORLD_SIZE": "2"},
    ],
)
def test_what_is_left_in_a_shell_makes_nobody_a_rank(environ):
    assert rank_of(environ) is None


def test_the_launcher_within_the_other_counts():
    assert rank_of({**BATCH_SCRIPT, **MPIRUN}) == rank_of(MPIRUN)
    assert rank_of({**SRUN, **TORCHRUN}) == rank_of(TORCHRUN)
    assert rank_of({**SRUN, **MPIEXEC}) == rank_of(MPIEXEC), "srun starts one proxy a node"
    assert rank_of({**SRUN, "WORLD_SIZE": "4"}) == rank_of(SRUN)


def test_variables_that_a_script_copies_do_not_hide_who_launched_it():
    assert rank_of({**SRUN, "RANK": "3", "WORLD_SIZE": "4"}) == rank_of(SRUN)
    assert rank_of({**SRUN, "PMI_RANK": "3", "PMI_SIZE": "4"}) == rank_of(SRUN)
    assert rank_of({**MPIRUN, "RANK": "2", "WORLD_SIZE": "4"}) == rank_of(MPIRUN)


@pytest.mark.parametrize(
    ("rank", "is_first", "is_first_on_node", "is_local"),
    [
        (Rank("torchrun", 0, 8, 0, 4, 0), True, True, False),
        (Rank("torchrun", 4, 8, 0, 4, 1), False, True, False),
        (Rank("torchrun", 5, 8, 1, 4, 1), False, False, False),
        (Rank("mpirun", 1, 2, 1, 2), False, False, True),
        (Rank("environment", 0, 2, None, None), True, True, False),
        (Rank("environment", 1, 2, None, None), False, False, False),
        (Rank("lightning", None, 4, 0, None, 1), False, True, False),
    ],
)
def test_who_speaks_for_whom(rank, is_first, is_first_on_node, is_local):
    told = (rank.is_first, rank.is_first_on_node, rank.is_local)
    assert told == (is_first, is_first_on_node, is_local)


def test_how_often_torchrun_has_started_again():
    assert elastic_restarts({"TORCHELASTIC_RESTART_COUNT": "2"}) == 2
    assert elastic_restarts({}) is None
