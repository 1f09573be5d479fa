"""Who may see the files of a run, and what is never in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.disks import ENVIRONMENT, ROOT
from tests.chaos.figures import count
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes and owners are those of POSIX")

TOKEN = "em_live_never-shown_7f3a"
PASSWORD = "correct-horse"


@pytest.fixture(params=[0o000, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes_below(directory: Path, files: bool) -> set[int]:
    paths = [directory, *directory.rglob("*")]
    return {path.lstat().st_mode & 0o777 for path in paths if path.is_file() == files}


def test_what_is_undelivered_is_private_whatever_the_umask(
    platform: StandIn, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.5")
    platform.mode("status:503")
    with quiet() as r, r.job("j") as j:
        j.epoch(0)
        figure = Path("a.png")
        fd = os.open(figure, os.O_CREAT | os.O_WRONLY)
        os.fchmod(fd, 0o600)
        os.close(fd)
        j.upload(figure, wait=False)
        platform.wait_for(lambda platform: platform.requests())

    assert modes_below(Path("state"), files=True) == {0o600}
    assert modes_below(Path("state"), files=False) == {0o700}
    (run,) = Path("state/spill").iterdir()
    names = {path.name for path in run.iterdir()}
    assert {"events.jsonl", "run.json", "lock", "heartbeat", "media.jsonl"} <= names
    count("files looked at", len(names))


@pytest.mark.parametrize(("umask", "mode"), [(0o000, 0o666), (0o022, 0o644), (0o077, 0o600)])
def test_what_is_kept_follows_the_umask(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, umask: int, mode: int
) -> None:
    monkeypatch.setenv("ARGUS_RUNS_DIR", "kept")
    before = os.umask(umask)
    try:
        with quiet() as r, r.job("j") as j:
            j.epoch(0)
    finally:
        os.umask(before)

    assert modes_below(Path("kept"), files=True) == {mode}
    assert modes_below(Path("kept"), files=False) == {0o777 & ~umask}


@pytest.mark.skipif(not ROOT, reason="only root can give a directory away")
@pytest.mark.parametrize("what", ["directory", "link", "spill", "link to a spill of ours"])
def test_state_directory_that_somebody_else_prepared_is_not_used(
    platform: StandIn,
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    monkeypatch.delenv("ARGUS_STATE_DIR")
    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "shared"))
    (tmp_path / "shared").mkdir()
    place = tmp_path / "shared" / f"argus-{os.getuid()}"
    target = place
    if what.startswith("link"):
        target = tmp_path / "precious"
        target.mkdir()
        place.symlink_to(target)
        os.lchown(place, 12_345, -1)
        if what == "link to a spill of ours":
            (target / "spill").mkdir(mode=0o700)
    elif what == "spill":
        (place / "spill").mkdir(parents=True)
        os.chown(place / "spill", 12_345, -1)
    else:
        place.mkdir()
        os.chown(place, 12_345, -1)
    before = sorted(target.rglob("*"))
    modes = [path.stat().st_mode for path in (target, *before)]

    with quiet() as r, r.job("j") as j:
        j.epoch(0)

    assert len(platform.events()) == 5
    assert sorted(target.rglob("*")) == before
    assert [path.stat().st_mode for path in (target, *before)] == modes
    assert len(said) == 1, said


_LEAKING = """
import os, sys
from pathlib import Path
from argus import Reporter
token, url = os.environ["ARGUS_TOKEN"], os.environ["ARGUS_URL"]
Path("a.png").write_bytes(b"x")
try:
    with Reporter(n_total=1, auto_upload_dirs=["."]) as r, r.job("j", model="m") as j:
        j.epoch(0)
        j.upload("a.png", wait=False)
        raise RuntimeError(f"401 for {url}: Authorization: Bearer {token} --token {token}")
except RuntimeError:
    pass
"""


@pytest.mark.parametrize("host", ["127.0.0.1:9", "[abc"])
@pytest.mark.parametrize("mode", ["online", "backup"])
def test_no_byte_that_is_written_shows_a_secret(tmp_path: Path, host: str, mode: str) -> None:
    environment = {
        **ENVIRONMENT,
        "ARGUS_URL": f"http://ann:{PASSWORD}@{host}",
        "ARGUS_TOKEN": TOKEN,
        "ARGUS_STATE_DIR": str(tmp_path / "state"),
        "ARGUS_MODE": mode,
        "ARGUS_EXIT_TIMEOUT": "1",
        "HF_TOKEN": PASSWORD,
    }
    done = subprocess.run(
        [sys.executable, "-c", _LEAKING, "--token", TOKEN, f"--api-key={PASSWORD}"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=60,
    )

    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "events.jsonl" and path.stat().st_size for path in written)
    for secret in (TOKEN, PASSWORD):
        assert secret.encode() not in done.stdout
        for path in written:
            assert secret not in str(path)
            assert secret.encode() not in path.read_bytes(), path
    count("files looked at", len(written))
