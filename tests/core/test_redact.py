"""Secrets are hidden wherever they stand; what only looks a little like one is left alone."""

from __future__ import annotations

import time

import pytest

from argus.core.redact import (
    command_line,
    is_secret_name,
    looks_secret,
    may_hold_secret,
    redacted,
)

KEY_BLOCK = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3Bl\n" * 20 + "-----END OPENSSH PRIVATE KEY-----"
)


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
        ("a hf_abcdefghijklmnopqrstuv b", "a *** b"),
        ("ghp_abcdefghijklmnopqrstuv,", "***,"),
        ("github_pat_11ABCDEFG0123456789ab_c", "***"),
        ("glpat-abcdefghij0123456789", "***"),
        ("'sk-proj-abcdefghij0123456789'", "'***'"),
        ("xoxb-1234567890-abc", "***"),
        ("key AKIAIOSFODNN7EXAMPLE.", "key ***."),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "***"),
        (f"wandb login --relogin {'0123456789abcdef' * 2}01234567", "wandb login --relogin ***"),
        ("WANDB_API_KEY=0123456789", "WANDB_API_KEY=***"),
        (f"a\n{KEY_BLOCK}\nb", "a\n***\nb"),
        (KEY_BLOCK[:60], "***"),
        ("https://h/x?access_token=abc&n=1", "https://h/x?access_token=***&n=1"),
        ('"{\\"password\\": \\"abc\\"}"', '"{\\"password\\": ***'),
        (r'{"password": "a\"b c", "lr": 1}', '{"password": ***, "lr": 1}'),
        ("[aws]\naws_secret_access_key = abc\nx = 1", "[aws]\naws_secret_access_key = ***\nx = 1"),
        ("password: |\n  abc\nlr: 1", "password: ***\nlr: 1"),
        ("clientSecret: abc, secretKey: abc", "clientSecret: ***, secretKey: ***"),
        ("password_hash=abc", "password_hash=***"),  # a guess is all that it takes
        ("PGPASSWORD=abc psql", "PGPASSWORD=*** psql"),
        ("Authorization: token abc", "Authorization: token ***"),
        ("{'authorization': 'Basic abc'}", "{'authorization': 'Basic ***'}"),
        ("error 401 for Bearer abc", "error 401 for Bearer ***"),
        ("x" * 5 + "\nSECRET=abc\ny", "x" * 5 + "\nSECRET=***\ny"),
    ],
)
def test_secret_is_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert may_hold_secret(text)


@pytest.mark.parametrize("text", ["lr = 0.1", "pa\u017f\u017fword: abc", "author\u0131zation: a b"])
def test_without_a_hint_there_is_nothing_to_hide(text: str) -> None:
    assert may_hold_secret(text) == (redacted(text) != text)


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
        "token_count=5 token_ids=[1, 2] tokens=3 --token-dim 8",
        "--pad_token '<pad>' --mask-token [MASK] eos_token=</s>",
        "basic training, a basic block, the bearer token",
        f"commit {'0123456789abcdef' * 2}01234567",
        "sort_key=a primary-key=b monkey=c",
        "task-abcdefghijklmnopqrstuvwxyz disk-abcdefghijklmnopqrstuvwxyz",
        "-----BEGIN PUBLIC KEY-----",
        "mysql -p abc",  # or a port, or a path: nobody knows
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
        (["+hub.token=a b"], "+hub.token=***"),
        (["--token"], "--token"),
        (["--note=see em_live_abc"], "'--note=see ***'"),
    ],
)
def test_command_line_is_quoted_and_hides_secrets(argv: list[str], expected: str) -> None:
    assert command_line(argv) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HF_TOKEN", "x", True),
        ("DB", "postgres://ann:x@db", True),
        ("KEY", "AKIAIOSFODNN7EXAMPLE", True),
        ("HOME", "/home/ann", False),
        ("HOST", "node-1", False),
        ("TOKENIZERS_PARALLELISM", "true", False),
    ],
)
def test_variable_is_a_secret_by_its_name_or_its_value(
    name: str, value: str, expected: bool
) -> None:
    assert looks_secret(name, value) is expected


PIECES = [
    *("token-", "token", "a.", "a.b://", "--token ", "token \t", "x@", "://", "://x", "-", "_"),
    *("eyJ-", "eyJaaaaaaaa.", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "basic a", "bearer "),
    *("authorization: x ", "wandb login -a ", "-a ", "hf_a", "sk-", "xoxb-", "em_live_", 'token="'),
    *(
        "token='\\",
        "\\",
        '"',
        "secret=",
        "pad_token",
        "pad_",
        "token_file_",
        "password: |\n ",
        "\n",
    ),
]


@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_with_the_length_of_the_text_and_no_faster(piece: str) -> None:
    text = (piece * 65_536)[:65_536]

    begun = time.process_time()
    redacted(text)
    command_line([text])

    assert time.process_time() - begun < 2.0  # 0.2 s at most; quadratic ones take a minute
