"""Finds the place of a run from what is around its process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from argus.core.settings import Settings
from argus.delivery.notices import Notices
from argus.launch.ancestry import Launcher, launcher_of, started_value, started_with
from argus.launch.job import Job, same_command, slurm_job, submitit_job
from argus.launch.key import key_of
from argus.launch.place import Place
from argus.launch.rank import LIGHTNING, MARKS, SUBMITIT, Rank, rank_of
from argus.launch.wanted import Wanted, worker_name

_PROC = Path("/proc")

_world_size = ""  # as Lightning has last said it


def place_of(
    environ: Mapping[str, str], wanted: Wanted, settings: Settings, notices: Notices
) -> Place | None:
    """The place of a run that begins in this process; None where there is nothing to tell."""
    rank, launcher = _rank(environ), Launcher(None, 0)
    if rank is not None:
        pid, mark = os.getpid(), MARKS[rank.launcher]
        was_launched = started_with(mark, pid, _PROC)
        if worker_name():
            if was_launched:  # a worker of a rank has the variables of its parent, and is none
                rank = None
        elif was_launched or rank.launcher == LIGHTNING:  # whose rank 0 has started the others
            launcher = launcher_of(mark, pid, _PROC)
    key = rank and key_of(rank, environ, sys.argv, launcher.identity, launcher.generations)
    job = _job(environ, wanted)
    if rank is None and job is None:
        return None
    parent = launcher.pid if rank is not None and rank.launcher == LIGHTNING else 0
    return Place(rank, key, job, wanted, settings, notices, parent)


def _rank(environ: Mapping[str, str]) -> Rank | None:
    """The rank of this process. Lightning takes WORLD_SIZE away when a fit has ended, while its ranks
    go on with the script."""
    global _world_size  # noqa: PLW0603 - it is the process's
    rank = rank_of(environ)
    if rank is not None and rank.launcher == LIGHTNING:
        _world_size = environ["WORLD_SIZE"]
    elif rank is None and "LOCAL_RANK" in environ and "WORLD_SIZE" not in environ:
        size = _world_size or started_value("WORLD_SIZE", os.getpid(), _PROC)
        rank = rank_of({**environ, "WORLD_SIZE": size})
    return rank


def _job(environ: Mapping[str, str], wanted: Wanted) -> Job | None:
    if environ.get("SUBMITIT_EXECUTOR") == "local":
        launcher = launcher_of(MARKS[SUBMITIT], os.getpid(), _PROC)
        if launcher.generations:
            return submitit_job(launcher.identity)
    job = slurm_job(environ)
    if job is None and wanted.resumes:
        try:
            directory = os.getcwd()
        except OSError:  # it has been removed
            directory = ""
        job = same_command(wanted.project, wanted.experiment_type, sys.argv, directory)
    return job
