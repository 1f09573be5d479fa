"""What a checkout's own files say: commit, branch and remote. Reads, and never runs anything.

gitrepository-layout(5) has the files. What cannot be read is None: reftables, above all, which
only git itself can read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

_MOST = 65_536  # bytes of a small file
_MOST_REFS = 33_554_432  # bytes of packed-refs: half a million refs
_MOST_HOPS = 5  # git's own limit for refs that name refs
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")  # SHA-1 or SHA-256
_BRANCHES = "refs/heads/"


class Repository:
    """One checkout: where git keeps its files, and the top of its work tree."""

    def __init__(self, git_dir: str, work_tree: str) -> None:
        self.work_tree = work_tree
        self._git_dir = git_dir
        # A linked work tree has a directory of its own for HEAD, and shares the rest.
        common = (_text(os.path.join(git_dir, "commondir")) or "").strip()
        self._common_dir = os.path.join(git_dir, common)

    @classmethod
    def of(cls, directory: str, environ: Mapping[str, str]) -> Repository | None:
        """The repository that git would find from `directory`; None where there is none."""
        given = environ.get("GIT_DIR")
        if given:
            work_tree = os.path.join(directory, environ.get("GIT_WORK_TREE") or "")
            return cls(os.path.join(directory, given), work_tree)
        ceilings = environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
        for above in _upwards(os.path.abspath(directory), ceilings):
            git_dir = _git_dir(os.path.join(above, ".git"))
            if git_dir is not None:
                return cls(git_dir, above)
        return None

    @property
    def branch(self) -> str | None:
        """The branch that is checked out; None for a detached HEAD."""
        ref = _named_ref(self._head())
        if ref is None or ref.endswith("/.invalid"):  # what stands there for a reftable
            return None
        return ref[len(_BRANCHES) :] if ref.startswith(_BRANCHES) else ref

    @property
    def sha(self) -> str | None:
        """The commit that is checked out; None where there is none yet."""
        content = self._head()
        for _ in range(_MOST_HOPS):
            sha = _sha(content)
            ref = _named_ref(content)
            if sha is not None or ref is None:
                return sha
            content = (
                _text(os.path.join(self._git_dir, ref))
                or _text(os.path.join(self._common_dir, ref))
                or self._packed(ref)
            )
        return None

    @property
    def remote(self) -> str | None:
        """The address of `origin`, or of the first remote, without user and password."""
        config = _text(os.path.join(self._common_dir, "config")) or ""
        remotes: dict[str, str] = {}
        for name, address in _remotes(config):
            remotes.setdefault(name, address)  # of several addresses, the first is fetched from
        url = remotes.get("origin") or next(iter(remotes.values()), None)
        return None if url is None else re.sub(r"(://)[^/]*@", r"\1", url)

    def _head(self) -> str | None:
        return _text(os.path.join(self._git_dir, "HEAD"))

    def _packed(self, ref: str) -> str | None:
        data = _content(os.path.join(self._common_dir, "packed-refs"), _MOST_REFS)
        if data is None:
            return None
        end = data.find(b" " + os.fsencode(ref) + b"\n")
        return (
            None
            if end < 0
            else data[data.rfind(b"\n", 0, end) + 1 : end].decode("ascii", "replace")
        )


def _upwards(directory: str, ceilings: list[str]) -> Iterator[str]:
    """`directory` and those above it, up to one that git is told not to look into."""
    yield directory
    above = os.path.dirname(directory)
    while above != directory and above not in ceilings:
        yield above
        directory, above = above, os.path.dirname(above)


def _git_dir(path: str) -> str | None:
    """The directory that a `.git` is or, in a linked work tree or a submodule, names."""
    text = _text(path)
    if text is not None and text.startswith("gitdir: "):
        path = os.path.join(os.path.dirname(path), text[len("gitdir: ") :].strip())
    return path if os.path.lexists(os.path.join(path, "HEAD")) else None


def _sha(content: str | None) -> str | None:
    text = (content or "").strip()
    return text if _SHA.fullmatch(text) else None


def _named_ref(content: str | None) -> str | None:
    """The ref that a symbolic ref stands for, as long as it is one and no way out of the place."""
    text = (content or "").strip()
    if not text.startswith("ref:"):
        return None
    ref = text[len("ref:") :].strip()
    return ref if ref.startswith("refs/") and ".." not in ref and "\0" not in ref else None


def _remotes(config: str) -> Iterator[tuple[str, str]]:
    """Name and address of each remote in a git-config(1) file, includes left aside."""
    name = None
    for line in config.splitlines():
        section = re.match(r'\s*\[\s*(\w*)\s*(?:"(.*)")?\s*\]', line)
        if section is not None:
            name = section[2] if section[1].lower() == "remote" else None
            continue
        key, _, value = line.partition("=")
        if name is not None and key.strip().lower() == "url":
            yield name, value.strip().strip('"')


def _text(path: str) -> str | None:
    data = _content(path, _MOST)
    return None if data is None else data.decode("utf-8", "replace")


def _content(path: str, most: int) -> bytes | None:
    """The beginning of a regular file; None for anything else, a pipe that nobody writes to too."""
    try:
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            return file.read(most)
    except (OSError, ValueError):  # a NUL in a path
        return None
