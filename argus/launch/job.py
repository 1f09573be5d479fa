"""The job that a process belongs to: what its batches are remembered by from one start to the next."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional

from argus.core.identity import short_hash


class Job(NamedTuple):
    """A job of SLURM, or a command that is started again and again.

    `restart_count` is None where nobody counts: then what has crashed is continued.
    """

    name: str
    restart_count: Optional[int]


def slurm_job(environ: Mapping[str, str]) -> Job | None:
    """The job of SLURM that a process is part of, one of an array or of a heterogeneous job too."""
    job_id = environ.get("SLURM_JOB_ID", "").strip()
    if not job_id:
        return None
    task, offset = environ.get("SLURM_ARRAY_TASK_ID"), environ.get("SLURM_HET_JOB_OFFSET")
    name = "-".join(["slurm", job_id + (f"_{task}" if task else "")] + ([offset] if offset else []))
    # Ids begin anew with a cluster that is set up again.
    names = ("SLURM_CLUSTER_NAME", "SLURM_JOB_UID", "SLURM_SUBMIT_DIR")
    whose = short_hash("\n".join(environ.get(name, "") for name in names))
    count = environ.get("SLURM_RESTART_COUNT", "").strip()
    return Job(f"{name}-{whose}", int(count) if count.isascii() and count.isdigit() else 0)


def submitit_job(launcher: str | None) -> Job | None:
    """A job of submitit's LocalExecutor, which starts it again from one process."""
    return None if launcher is None else Job(f"submitit-{short_hash(launcher)}", None)


def same_command(
    project: str, experiment_type: str | None, argv: Sequence[str], directory: str
) -> Job:
    """What `resume="auto"` takes for the same run, started again."""
    facts = [project, experiment_type or "", directory, *_texts(argv)]
    return Job(f"auto-{short_hash(chr(0).join(facts))}", None)


def script(argv: Sequence[str]) -> str:
    """The program of a process, wherever its working directory is."""
    words = _texts(argv)[:1]
    return (
        os.path.abspath(words[0]) if words and words[0] not in ("", "-c", "-m") else "".join(words)
    )


def _texts(words: Sequence[str]) -> list[str]:
    return [word for word in words if isinstance(word, str)]
