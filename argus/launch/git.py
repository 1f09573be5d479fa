"""What git says about a working directory, within a time limit and running nothing but itself."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import Popen

    from argus.launch.pace import Pace

LIMIT_S = 1.5

_MOST_OUTPUT = 65_536  # bytes
MAX_DIFF = 1_048_576
_LOOK_S = 0.01  # between two looks at whether git has ended
_KILLED_S = 1.0  # for a process that was killed to be gone; one in the kernel may take for ever
# Programs that a checkout's configuration could name. Filters are looked for before git is let
# near the files, since their names are free.
_NO_PROGRAMS = ("-c", "core.fsmonitor=", "-c", f"core.hooksPath={os.devnull}", "--no-pager")
_ENVIRON = {
    "GIT_OPTIONAL_LOCKS": "0",  # the index is the user's, who may be at it
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # nor fetch what a partial clone lacks
    "GIT_NO_LAZY_FETCH": "1",
}
_OF_THE_CHECKOUT = (b"local", b"worktree")  # scopes of a configuration


def head_sha() -> str:
    """The commit that is checked out, or "" where there is no git, no repository or no answer."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else ""


class Git:
    """Asks git about one work tree. None is the answer of no git, a refusal, or no time left.

    Not for a thread that somebody waits for. `pace` bounds it all.
    """

    def __init__(self, work_tree: str, environ: Mapping[str, str], pace: Pace) -> None:
        self._work_tree = work_tree
        self._environ = {**environ, **_ENVIRON}
        self._program = _program(environ)
        self._pace = pace

    def sha(self) -> str | None:
        """The commit that is checked out."""
        return self._line("rev-parse", "--verify", "--quiet", "HEAD")

    def branch(self) -> str | None:
        """The branch that is checked out."""
        return self._line("symbolic-ref", "--quiet", "--short", "HEAD")

    def is_dirty(self) -> bool | None:
        """Whether a tracked file differs from the commit; untracked ones do not count.

        None too where the checkout configures filters: to compare, git would run them.
        """
        if not self._may_compare():
            return None
        how = ("--untracked-files=no", "--ignore-submodules=dirty", "--no-renames")
        answer = self._answer("status", "--porcelain", "--branch", "--no-ahead-behind", *how)
        if not answer:  # the line about the branch is always there
            return None
        return answer.count(b"\n") > 1

    def diff(self) -> bytes | None:
        """How tracked files differ from the commit, as a patch, or the first MAX_DIFF bytes and one
        of it. None too where `is_dirty` is None.

        What the user's and the checkout's settings would change or run is named and turned off;
        `git diff` would write the index, whatever GIT_OPTIONAL_LOCKS says.
        """
        if not self._may_compare():
            return None
        how = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--full-index")
        prefixes = ("--src-prefix=a/", "--dst-prefix=b/")
        modules = ("--submodule=short", "--ignore-submodules=dirty")  # nothing is run inside them
        command = ("-c", "diff.autoRefreshIndex=false", "diff", *how, *prefixes, *modules)
        return self._answer(*command, "HEAD", "--", most=MAX_DIFF + 1)

    def _may_compare(self) -> bool:
        """Whether nothing but git is run to compare files: no filter of the checkout's."""
        wanted = ("--get-regexp", r"^filter\.")
        filters = self._answer("config", "--null", "--show-scope", "--name-only", *wanted)
        return filters is not None and not any(
            scope in _OF_THE_CHECKOUT for scope in filters.split(b"\0")[::2]
        )

    def _line(self, *arguments: str) -> str | None:
        return (self._answer(*arguments) or b"").decode("utf-8", "replace").strip() or None

    def _answer(self, *arguments: str, most: int = _MOST_OUTPUT) -> bytes | None:
        if self._program is None:
            return None
        try:
            return self._output([self._program, *_NO_PROGRAMS, *arguments], most)
        except OSError:  # no directory, no process, no temporary file
            return None

    def _output(self, command: Sequence[str], most: int) -> bytes | None:
        import subprocess
        import tempfile

        # A file: nobody waits for what a child of git, or a worker that the training forks just
        # now, holds open.
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command,
                cwd=self._work_tree,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                is_enough = False
                while process.poll() is None and not is_enough:
                    if not self._pace.rest(_LOOK_S):
                        return None
                    is_enough = os.fstat(output.fileno()).st_size > most
            finally:
                _end(process)
            output.seek(0)
            return output.read(most) if is_enough or process.returncode in (0, 1) else None


def _program(environ: Mapping[str, str]) -> str | None:
    """Where git is. A relative PATH, or Windows, would look into the checkout for it."""
    name = "git.exe" if os.name == "nt" else "git"
    for directory in environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(directory, name)
        if os.path.isabs(path) and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def _end(process: Popen[bytes]) -> None:
    """End a process that still runs, with its children."""
    import subprocess

    if process.poll() is not None:
        return
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait(_KILLED_S)
    except (ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
        pass  # gone, or never to be
