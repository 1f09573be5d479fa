"""The mount that a path is on, as Linux lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from argus.inspection.filesystems import is_remote, kind_of

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
tmpfs /home/ann/tm\\040p tmpfs rw 0 0
server:/x /mnt autofs rw 0 0
server:/x /mnt nfs rw,nolock 0 0
garbage
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/home", "nfs4"),
        ("/home/ann/x", "nfs4"),
        ("/homes/x", "ext4"),
        ("/home/ann/tm p/x", "tmpfs"),
        ("/mnt/x", "nfs"),
    ],
)
def test_the_innermost_mount_counts(tmp_path: Path, path: str, kind: str) -> None:
    (tmp_path / "mounts").write_text(MOUNTS, "utf-8")
    assert kind_of(path, tmp_path / "mounts") == kind


def test_where_nobody_says_it_is_not_known(tmp_path: Path) -> None:
    assert kind_of("/", tmp_path / "missing") is None


def test_what_other_machines_write_to_is_known() -> None:
    assert [is_remote(kind) for kind in ("nfs", "nfs4", "lustre", "ext4", "tmpfs", None)] == [
        *(True, True, True, False, False, False)
    ]
