from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import argus
from argus.cli import demo, demonstration


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def parsed(*argv):
    parser = argparse.ArgumentParser()
    demo.add_parser(parser.add_subparsers())
    return parser.parse_args(["demo", *argv])


def answering(monkeypatch, answer):
    """Put `answer` in place of the demonstration; the calls that it gets."""
    calls = []

    def demonstrate(place, port, training, keep):
        assert place.is_dir()
        calls.append((port, training.epochs, keep))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(demonstration, "demonstrate", demonstrate)
    return calls


@pytest.mark.parametrize(
    ("answer", "exit_code"), [(True, 0), (False, 1), (KeyboardInterrupt(), 130)]
)
def test_exit_code_says_how_it_went_and_nothing_stays(monkeypatch, temporary, answer, exit_code):
    calls = answering(monkeypatch, answer)
    assert demo.run(parsed()) == exit_code
    assert calls == [(0, demo.EPOCHS, False)]
    assert list(temporary.iterdir()) == []


def test_keep_keeps_the_directory_and_says_where_when_interrupted(monkeypatch, temporary, capsys):
    calls = answering(monkeypatch, KeyboardInterrupt())
    assert demo.run(parsed("--keep", "--port", "8123", "--epochs", "1")) == 130
    (kept,) = temporary.iterdir()
    assert capsys.readouterr().err == f"argus demo: interrupted; {kept} is kept\n"
    assert calls == [(8123, 1, True)]


@pytest.mark.parametrize(
    ("argument", "value"), [("--port", "99999"), ("--epochs", "0"), ("--epochs", "x")]
)
def test_what_makes_no_demo_is_an_argument_error(capsys, argument, value):
    with pytest.raises(SystemExit) as ended:
        parsed(argument, value)
    assert ended.value.code == 2
    assert argument in capsys.readouterr().err


def test_declaring_the_command_loads_nothing_of_it():
    code = (
        "import sys, argus.cli; before = set(sys.modules);"
        "import argus.cli.demo; print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=Path(argus.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['argus.cli.arguments', 'argus.cli.demo']"


def test_the_whole_demo_with_the_real_training(temporary, capfd):
    assert demo.run(parsed("--epochs", "2")) == 0
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert [line[:6] for line in lines if "  epoch " in line] == ["lr=0.1"] * 2 + ["lr=0.5"] * 2
    assert lines[-2].endswith("events arrived, 0 of them twice")
    assert list(temporary.iterdir()) == []
