"""What is missing is said at once, with what to install."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from argus.integrations.frameworks import framework
from tests.integrations.reported import PACKAGES


def test_a_module_that_is_there_is_loaded():
    assert framework("json.decoder", "json") is importlib.import_module("json.decoder")


def test_a_missing_framework_is_an_import_error_that_names_the_extra():
    with pytest.raises(ImportError) as raised:
        framework("no_such_framework.callbacks", "nosuch")
    assert str(raised.value) == (
        "no_such_framework is not installed; pip install argus-reporter[nosuch]"
    )


def test_a_framework_that_cannot_be_imported_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "broken_framework.py").write_text("import no_such_backend", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r"cannot be imported.*no_such_backend.*\[broken\]"):
        framework("broken_framework", "broken")


@pytest.mark.parametrize(
    ("extra", "package"),
    [
        ("lightning", "lightning"),
        ("keras", "keras"),
        ("transformers", "transformers"),
        ("hydra", "omegaconf"),
        ("ray", "ray"),
    ],
)
def test_each_callback_names_its_extra_where_no_framework_is(extra: str, package: str):
    code = f"""
import sys
sys.path.insert(0, {str(PACKAGES)!r})
import argus.integrations.{extra}
"""
    # -S: without site's packages, so without any framework.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    last = done.stderr.splitlines()[-1]
    assert last == f"ImportError: {package} is not installed; pip install argus-reporter[{extra}]"
