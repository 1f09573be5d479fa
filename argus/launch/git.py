"""What git says about the working directory, within a time limit."""

from __future__ import annotations

LIMIT_S = 1.5


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
