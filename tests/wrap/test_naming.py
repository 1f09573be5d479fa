import pytest

from argus.wrap.naming import name_of


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python -u train.py --lr 1", "train"),
        ("/usr/bin/python3.11 scripts/train.py", "train"),
        ("./train.sh", "train"),
        ("python -m paper.train --epochs 3", "train"),
        ("torchrun --nproc-per-node 4 train.py", "train"),
        ("env LR=1 CUDA_VISIBLE_DEVICES=0 julia fit.jl", "fit"),
        ("bash -c 'exit 3'", "bash"),
        ("python", "python"),
        ("python -m", "python"),
        ("train-v1.2", "train-v1.2"),
        ("/", "command"),
    ],
)
def test_a_command_is_called_by_what_it_runs(command: str, name: str) -> None:
    assert name_of(command.split()) == name


def test_a_name_is_bounded() -> None:
    assert len(name_of(["x" * 500])) == 80
