"""The `data` of an `env_snapshot`, part by part: none of them can harm another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from argus.core.redact import is_secret_name, redacted
from argus.core.secret import HIDDEN
from argus.core.values import bounded_text
from argus.launch import git, machine
from argus.launch.pace import Pace
from argus.launch.packages import frozen
from argus.launch.repository import Repository
from argus.rundir import writer

_PACKAGES_LIMIT_S = 3.0
_MAX_VARIABLES = 128
_MAX_VARIABLE = 1_024  # characters
# What tells one process of a job from another, and what makes one run slower than another.
_PREFIXES = ("SLURM_", "CUDA_", "OMP_", "MKL_", "NCCL_", "TORCHELASTIC_")
_VARIABLES = frozenset(
    [
        *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
        *("PYTHONPATH", "PYTHONHASHSEED", "CONDA_DEFAULT_ENV", "VIRTUAL_ENV"),
    ]
)


def parts(
    directories: Sequence[str],
    import_paths: Sequence[str],
    environ: Mapping[str, str],
    proc: Path,
    pace: Pace,
    complain: Callable[[str], None],
) -> Iterator[dict[str, Any]]:
    """Fields of the snapshot, the quickest first. The repository is that of the first of
    `directories` that lies in one. A part that fails is left out; `complain` gets a line on it."""
    repository: list[Repository] = []

    def checkout() -> dict[str, Any]:
        repository.extend(_repositories(directories, environ))
        return _told_by_files(repository[0]) if repository else {}

    def asked() -> dict[str, Any]:
        return _told_by_git(repository[0], environ, pace) if repository else {}

    def packages() -> dict[str, Any]:
        return {"pip_freeze": frozen(import_paths, pace.shorter(_PACKAGES_LIMIT_S).goes_on)}

    def devices() -> dict[str, Any]:
        names = machine.gpu_names(proc)
        return {"gpus": names} if names else {}

    for name, part in (
        ("command", lambda: {"command": writer.command(None)}),
        ("variables", lambda: {"environment": chosen(environ)}),
        ("system", machine.system),
        ("processors", lambda: machine.processors(proc, environ)),
        ("devices", devices),
        ("repository", checkout),
        ("packages", packages),
        ("git", asked),
    ):
        if not pace.goes_on():
            return
        try:
            fields = part()
        except Exception as error:
            complain(f"{name}: left out of the env_snapshot ({error!r})")
        else:
            yield fields


def uncommitted(directories: Sequence[str], environ: Mapping[str, str], pace: Pace) -> bytes | None:
    """How the checkout differs from its commit, as a patch without secrets. None where it does not,
    or that cannot be told. Where not all is there, the last line says so."""
    from argus.core.patch import redacted_patch  # only runs that are kept have one

    repository = next(iter(_repositories(directories, environ)), None)
    if repository is None:
        return None
    asked = git.Git(repository.work_tree, environ, pace.shorter(git.LIMIT_S))
    diff = asked.diff()
    if not diff:
        return None
    lines = diff[: git.MAX_DIFF].decode("utf-8", "surrogateescape").split("\n")
    end = lines.pop()  # nothing, or half a line
    is_whole = len(diff) <= git.MAX_DIFF and not end
    pieces: list[str] = []
    for piece in redacted_patch(lines):
        pieces.append(piece)
        if not pace.goes_on():
            is_whole = False
            break
    if not is_whole:
        pieces.append(f"# and more: this is the beginning, of up to {git.MAX_DIFF} bytes")
    return "".join(f"{piece}\n" for piece in pieces).encode("utf-8", "surrogateescape")


def chosen(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that say how a process was launched, secrets hidden."""
    names = sorted(n for n in environ if n in _VARIABLES or n.startswith(_PREFIXES))
    return {
        # Hidden first: half a secret no longer looks like one.
        name: HIDDEN
        if is_secret_name(name)
        else bounded_text(redacted(environ[name]), _MAX_VARIABLE)
        for name in names[:_MAX_VARIABLES]
    }


def _repositories(directories: Sequence[str], environ: Mapping[str, str]) -> list[Repository]:
    found = [Repository.of(directory, environ) for directory in directories]
    return [repository for repository in found if repository is not None]


def _told_by_files(repository: Repository) -> dict[str, Any]:
    remote = repository.remote
    facts = {
        "git_sha": repository.sha,
        "git_branch": repository.branch,
        "git_remote": None if remote is None else bounded_text(redacted(remote), _MAX_VARIABLE),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _told_by_git(repository: Repository, environ: Mapping[str, str], pace: Pace) -> dict[str, Any]:
    asked = git.Git(repository.work_tree, environ, pace.shorter(git.LIMIT_S))
    facts: dict[str, Any] = {}
    if repository.sha is None:  # no commit yet, or files that only git can read
        facts = {"git_sha": asked.sha(), "git_branch": repository.branch or asked.branch()}
    facts["git_dirty"] = asked.is_dirty()
    return {name: value for name, value in facts.items() if value is not None}
