"""A settings file that somebody else wrote gets no secret of the caller's out of the machine."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from argus.core.settings import resolve
from argus.transport.address import Address

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
    "OPENAI_API_KEY": "s3cret",
    "DB_PASSWORD": "s3cret",
    "ARGUS_TOKEN": "em_live_x",
    "HF": "hf_abcdefghijklmnopqrstuvwxyz",
    "DATABASE_URL": "postgres://ann:secret@db/x",
    "AUTH": "Bearer abcdef",
}
ENVIRON = {**SECRETS, "WHO": "ann", "RANK": "0"}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("form", ["${%s}", "$%s"])
@pytest.mark.parametrize(
    "line", ["url: http://node-1/{}/$WHO", "url: http://{}.node-1", "runs_dir: /runs/{}"]
)
def test_variable_that_looks_like_a_secret_stays_as_written(
    name: str, form: str, line: str
) -> None:
    answer = resolve(None, None, ENVIRON, line.format(form % name))

    key = line.partition(":")[0]
    assert [text for text in answer.complaints if f"`{key}` names a variable" in text]
    assert SECRETS[name] not in f"{answer.url} {answer.runs_dir} {answer.complaints}"


def test_variable_of_no_secret_is_filled_in_beside_one() -> None:
    answer = resolve(None, None, ENVIRON, "url: http://node-1/$WHO/${OPENAI_API_KEY}/$RANK")

    assert answer.url == "http://node-1/ann/${OPENAI_API_KEY}/0"


@pytest.mark.parametrize(
    ("given_url", "filed_url", "variable", "gets_it"),
    [
        (None, "https://node-1", "ARGUS_TEAM_TOKEN", True),
        (None, "http://127.0.0.1", "ARGUS_TEAM_TOKEN", True),
        (None, "http://node-1", "ARGUS_TEAM_TOKEN", False),  # everybody on the way may listen
        (None, "https://node-1", "TEAM_TOKEN", False),
        (None, "https://node-1", "AWS_SECRET_ACCESS_KEY", False),
        ("https://mine", "https://node-1", "TEAM_TOKEN", True),
        ("http://mine", "https://node-1", "TEAM_TOKEN", True),
    ],
)
def test_token_of_the_file_may_be_a_variable_where_the_name_or_the_url_is_the_callers(
    given_url: str | None, filed_url: str, variable: str, gets_it: bool
) -> None:
    environ = {variable: "em_live_x"}

    answer = resolve(given_url, None, environ, f"url: {filed_url}\ntoken: ${{{variable}}}")

    revealed = answer.token.reveal() if answer.token else ""
    assert (revealed == "em_live_x") is gets_it
    assert len(answer.complaints) == (0 if gets_it else 1)


OF_THIS_MACHINE = [
    "http://127.0.0.1:8000",
    "http://127.255.255.254",
    "http://LOCALHOST/x",
    "http://[::1]",
    "http://node-1@localhost",
    "http://node-1\\@localhost",
]
ELSEWHERE = [
    *("http://localhost.evil.com", "http://127.0.0.1.evil.com", "http://127.evil", "http://127.1"),
    *("http://2130706433", "http://0177.0.0.1", "http://0x7f.0.0.1", "http://127.0.0.1.2"),
    *("http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]", "http://0.0.0.0", "http://[::]"),
    *("http://localhost@evil.com", "http://127.0.0.1:80@evil.com", "http://a@localhost@evil.com"),
    *("http://evil.com#@localhost", "http://evil.com?@localhost", "http://evil.com/@localhost"),
    *("http://evil.com\\@127.0.0.1:80@evil.com", "http://localhost\\.evil.com", "http:/localhost"),
    *("http://localhost\t.evil.com", "http://127.0.0.1\n.evil.com", "http://127.0.0.1\t9.evil"),
    *(
        "http://127\u30020\u30020\u30021",
        "http://127\uff0e0\uff0e0\uff0e1",
        "http://localhost\u3002evil.com",
        "http://\u24dbocalhost",
    ),
    *(
        "http://127.0.0.\uff11",
        "http://127.\u0660.\u0660.\u0661",
        "http://127.0.0.\u00b2",
        "http://evil.com\uff0f@localhost",
    ),
    *("http://[::1]evil.com", "http://[::1].evil.com", "http://[::1", "http://::1"),
    *("http://localhost%2eevil.com", "http://localhost%00.evil.com", "http://localhost."),
    *("http://127.0.0.256", "http://127.0.0.", "http://127...1", "http://127.0.0.-1"),
]


@pytest.mark.parametrize("url", OF_THIS_MACHINE)
def test_own_token_goes_to_this_machine(url: str) -> None:
    assert resolve(None, "mine", {}, f"url: {url}").token is not None
    assert is_here(Address.parse(url).host)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_own_token_goes_to_no_url_that_only_looks_like_this_machine(url: str) -> None:
    answer = resolve(None, "mine", {"U": url}, "url: $U")

    assert answer.token is None
    assert answer.complaints


@pytest.mark.parametrize("url", [*OF_THIS_MACHINE, *ELSEWHERE])
@pytest.mark.parametrize("end", ["", "/", ":80", "\t", "@evil.com", "\\@evil.com", "/@evil.com"])
def test_whoever_gets_the_token_is_whom_the_client_speaks_to(url: str, end: str) -> None:
    answer: Any = resolve(None, "mine", {"U": url + end}, "url: $U")

    if answer.token is not None:
        assert is_here(Address.parse(answer.url).host)


def is_here(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback
