"""What a launch is known by: alike on all its ranks, and unlike every other launch."""

from __future__ import annotations

import pytest

from argus.launch.key import command, derived, key_of
from argus.launch.rank import rank_of
from tests.launch.test_rank import BY_HAND, LIGHTNING, MPIRUN, SRUN, TORCHRUN

ARGV = ["/home/ann/train.py", "--lr", "0.1"]
OWN = {"LOCAL_WORLD_SIZE": "8", "MASTER_PORT": "29500", "TORCHELASTIC_RESTART_COUNT": "0"}
MPI_KEY = {"OMPI_MCA_orte_precondition_transports": "f1-33", "PMIX_NAMESPACE": "42"}


def key(environ, argv=ARGV, launcher="boot/1/10/500", generations=1):
    rank = rank_of(environ)
    assert rank is not None
    return key_of(rank, environ, argv, launcher, generations)


@pytest.mark.parametrize(
    ("environ", "others"),
    [
        ({**TORCHRUN, **OWN}, {"RANK": "0", "LOCAL_RANK": "0", "GROUP_RANK": "0"}),
        (SRUN, {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}),
        ({**MPIRUN, **MPI_KEY}, {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}),
        (LIGHTNING, {"LOCAL_RANK": "0"}),
        (BY_HAND, {"RANK": "0"}),
    ],
)
def test_all_ranks_have_the_same(environ, others):
    assert key(environ) == key({**environ, **others})


def test_the_programs_of_one_mpirun_are_one_launch():
    several = {**MPIRUN, **MPI_KEY, "OMPI_NUM_APP_CTX": "2"}
    assert key(several) == key(several, argv=["/home/ann/serve.py"], generations=2)
    alone = {**several, "OMPI_NUM_APP_CTX": "1"}
    assert key(alone) != key(alone, argv=["/home/ann/serve.py"])


@pytest.mark.parametrize(
    "other",
    [
        {"SLURM_JOB_ID": "8"},
        {"SLURM_STEP_ID": "1"},
        {"SLURM_CLUSTER_NAME": "other"},
    ],
)
def test_another_step_is_another_launch(other):
    assert key(SRUN).batch != key({**SRUN, **other}).batch


def test_the_components_of_a_heterogeneous_job_are_one_launch():
    parts = [{**SRUN, "SLURM_HET_JOB_ID": "7", "SLURM_JOB_ID": job} for job in ("7", "8")]
    assert key(parts[0]) == key(parts[1])


def test_another_torchrun_is_another_launch_whatever_its_port():
    one = {**TORCHRUN, **OWN}
    assert key(one).batch != key(one, launcher="boot/1/11/600").batch
    assert key(one).batch is not None


def test_on_several_nodes_a_step_of_slurm_tells_a_torchrun_apart():
    assert key(TORCHRUN).batch is None, "run id, address and port may come again"
    assert key({**SRUN, **TORCHRUN}).batch is not None


def test_where_only_addresses_tell_a_launch_the_ranks_must_ask():
    one = {**BY_HAND, "MASTER_ADDR": "node-1", "MASTER_PORT": "29500"}
    assert key(one).batch is None
    assert key(one).launch != key({**one, "MASTER_PORT": "29501"}).launch


def test_without_the_identity_of_the_launcher_the_ranks_must_ask():
    assert key({**TORCHRUN, **OWN}, launcher=None).batch is None


@pytest.mark.parametrize("name", ["SLURM_RESTART_COUNT", "TORCHELASTIC_RESTART_COUNT"])
def test_a_restart_continues_the_batch_and_hears_no_old_word(name):
    environ = {**SRUN, **TORCHRUN}
    before, after = key(environ), key({**environ, name: "1"})
    assert before.batch == after.batch
    assert before.launch != after.launch


def test_another_script_of_the_same_launch_has_batches_of_its_own():
    assert key(SRUN).batch != key(SRUN, ["/home/ann/eval.py"]).batch


@pytest.mark.parametrize(
    ("argv", "generations", "words"),
    [
        (["train.py", "--lr", "0.1"], 1, ["train.py"]),
        (["train.py", "--lr", "0.1"], 2, ["train.py", "--lr", "0.1"]),
        (["train.py", "--local_rank=3", "--lr", "0.1"], 2, ["train.py", "--lr", "0.1"]),
        (["train.py", "--local-rank", "3", "--lr", "0.1"], 2, ["train.py", "--lr", "0.1"]),
        (["train.py", "-rank", "--lr", "0.1", "--gpu-id"], 2, ["train.py", "--lr", "0.1"]),
        (["train.py", "--ranking", "3"], 2, ["train.py", "--ranking", "3"]),
        ([], 1, []),
        ([None, "x"], 2, ["x"]),
    ],
)
def test_what_tells_the_programs_of_a_launch_apart(argv, generations, words):
    assert command(argv, generations) == words


def test_each_position_of_a_script_has_an_id_of_its_own():
    ids = {derived("run", "key", "1"), derived("run", "key", "2"), derived("run", "other", "1")}
    assert len(ids) == 3
    assert derived("run", "key", "1") == "run-" + derived("other", "key", "1")[-12:]
