"""Secrets are hidden wherever they stand; what only looks a little like one is left alone."""

from __future__ import annotations

import time

import pytest

from argus.core.redact import command_line, is_secret_name, redacted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--token=abc --lr 0.1", "--token=*** --lr 0.1"),
        ("--token abc --lr 0.1", "--token *** --lr 0.1"),
        ("-token abc", "-token ***"),
        ("HF_TOKEN=abc python", "HF_TOKEN=*** python"),
        ("AWS_SECRET_ACCESS_KEY=a/b+c=", "AWS_SECRET_ACCESS_KEY=***"),
        ("--api-key abc", "--api-key ***"),
        ("api.key: abc", "api.key: ***"),
        ("--db.password='a b' x", "--db.password=*** x"),
        ('{"password": "a b", "lr": 1}', '{"password": ***, "lr": 1}'),
        ("{'client_secret':'a'}", "{'client_secret':***}"),
        ("Passwd: abc", "Passwd: ***"),
        ("SLURM_JWT=a.b.c", "SLURM_JWT=***"),
        ("secret_key: abc", "secret_key: ***"),
        ("credentials = abc", "credentials = ***"),
        ("token.file=abc", "token.file=***"),
        ("Authorization: Bearer a.b-c/d=", "Authorization: Bearer ***"),
        ("basic dXNlcjpwYXNz", "basic ***"),
        ("https://ann:secret@node-1/x", "https://***@node-1/x"),
        ("postgresql+psycopg://ann:s@node-1/db", "postgresql+psycopg://***@node-1/db"),
        ("https://ann:p@ss@node-1/x", "https://***@node-1/x"),
        ("url=https://token@node-1", "url=https://***@node-1"),
        ("see em_live_a-b_c, please", "see ***, please"),
        ("x" * 5 + "\nSECRET=abc\ny", "x" * 5 + "\nSECRET=***\ny"),
    ],
)
def test_secret_is_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "python train.py --lr 0.1",
        "--tokenizer bert",
        "tokenizer=bert",
        "num_tokens=5",
        "--max-tokens 5",
        "--keys 1",
        "--token --lr 0.1",
        "https://node-1/a@b",
        "ann@node-1:/data",
        "a: b",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("api_key", True),
        ("db.password", True),
        ("the secret key", True),
        ("secretKey", True),
        ("SLURM_JWT", True),
        ("secrets.wandb", True),
        ("tokenizer", False),
        ("max_tokens", False),
        ("key", False),
        ("", False),
    ],
)
def test_names_of_secrets(name: str, is_secret: bool) -> None:
    assert is_secret_name(name) is is_secret


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], ""),
        (["python", "train.py", "--lr", "0.1"], "python train.py --lr 0.1"),
        (["a b", "it's", ""], "'a b' 'it'\"'\"'s' ''"),
        (["--token", "abc", "x"], "--token *** x"),
        (["--token", "a b"], "--token ***"),
        (["--token", "--lr", "1"], "--token --lr 1"),
        (["--token=a b, c&d;e"], "--token=***"),
        (["db.password=a\nb"], "db.password=***"),
        (["HF_TOKEN=abc"], "HF_TOKEN=***"),
        (["--url", "https://u:p@h/x"], "--url 'https://***@h/x'"),
        (["--token"], "--token"),
        (["--note=see em_live_abc"], "'--note=see ***'"),
    ],
)
def test_command_line_is_quoted_and_hides_secrets(argv: list[str], expected: str) -> None:
    assert command_line(argv) == expected


@pytest.mark.parametrize("piece", ["token-", "token", "a.", "a.b://", "--token ", "token \t", "x@"])
def test_time_grows_with_the_length_of_the_text_and_no_faster(piece: str) -> None:
    text = piece * 10_000

    begun = time.process_time()
    redacted(text)
    command_line([text])

    assert time.process_time() - begun < 1.0  # quadratic ones take a minute
