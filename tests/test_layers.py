"""Imports go strictly downwards: each room of the package may only use those below it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import argus

PACKAGE = Path(argus.__file__).resolve().parent
ROOT = PACKAGE.parent

# The first part of a module's name below `argus`, and its layer.
LAYERS = {
    "core": 0,
    "rundir": 1,
    "transport": 1,
    "resources": 1,
    "launch": 2,
    "delivery": 2,
    "console": 2,
    "arguments": 3,
    "inspection": 3,
    "guard": 3,
    "outcome": 3,
    "bookends": 4,
    "preemption": 4,
    "current": 4,
    "copies": 4,
    "launched": 5,
    "job": 5,
    "reporter": 6,
    "": 7,  # argus/__init__.py: the public names
    "scanner": 7,  # reads run directories
    "sync": 7,  # and hands them in
    "server": 8,
    "integrations": 8,
    "wrap": 8,
    "cli": 9,
    "__main__": 10,
}
# Rooms of one layer that do not know each other: each owns something that the others do not touch.
STRANGERS = (
    {"rundir", "transport", "resources"},
    {"server", ""},
    {"scanner", ""},
    {"server", "integrations"},
    {"server", "wrap"},
    {"integrations", "wrap"},
)

HEAVY = ("http.client", "ssl", "urllib.request", "subprocess", "socket", "email", "ctypes")


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports_of(path: Path) -> list[tuple[int, str]]:
    """The modules of this package that a file imports, anywhere in it, with line numbers."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: import by the full name"
            module = node.module or ""
            # `from argus import current` names a module, `from argus import Reporter` a thing.
            for alias in node.names:
                is_module = (ROOT / (module.replace(".", "/")) / f"{alias.name}.py").exists()
                found.append((node.lineno, f"{module}.{alias.name}" if is_module else module))
    return [(line, name) for line, name in found if name.split(".")[0] == "argus"]


def type_checking_lines(path: Path) -> set[int]:
    """Lines that only a type checker sees."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_module_imports_only_from_layers_below_its_own(path: Path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    own = room(module) if module != "argus.__init__" else ""
    unseen = type_checking_lines(path)
    for line, imported in imports_of(path):
        other = room(imported)
        where = f"{path.relative_to(ROOT)}:{line} imports {imported}"
        assert other in LAYERS, f"{where}: give {other} a layer"
        if other == own or line in unseen:
            continue
        assert LAYERS[other] <= LAYERS[own], f"{where}: that is upwards"
        assert not any({own, other} <= strangers for strangers in STRANGERS), f"{where}: a stranger"


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "integrations").rglob("*.py")), ids=lambda path: path.name
)
def test_a_callback_uses_the_public_api_alone(path: Path):
    # And `core`, which is pure: what a value or an exception is, is told by one rule everywhere.
    used = {room(name) for _, name in imports_of(path)}
    assert used <= {"", "core", "integrations"}


def test_only_the_standard_library_is_imported():
    allowed = set(getattr(sys, "stdlib_module_names", ())) | {"argus", "__future__"}
    if len(allowed) == 2:
        pytest.skip("this Python does not know the names of its standard library")
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] in allowed, f"{path} imports {name}"


def test_importing_argus_loads_nothing_heavy():
    code = f"import sys, argus; print([m for m in {HEAVY!r} if m in sys.modules])"
    # -S: what a site's own start-up files load is not ours.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_to_report_without_tls_loads_no_openssl(tmp_path: Path):
    code = (
        "import sys, argus\n"
        "with argus.Reporter('b', mode='backup') as r, r.job('j') as j: j.epoch(0)\n"
        "print([m for m in ('ssl', '_ssl', '_hashlib') if m in sys.modules])"
    )
    environ = {"PYTHONPATH": str(ROOT), "ARGUS_RUNS_DIR": str(tmp_path)}
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
