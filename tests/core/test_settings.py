"""Arguments, environment and file come to one answer; what is wrong is said and costs nothing."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from argus.core import settings
from argus.core.secret import Secret
from argus.core.settings import Settings, resolve

URL = "http://node-1:8000"


def _shown(answer: Settings) -> dict[str, Any]:
    shown = {name: getattr(answer, name) for name in Settings.__slots__}
    if answer.token is not None:
        shown["token"] = answer.token.reveal()
    return shown


NOTHING: dict[str, Any] = {
    "mode": "disabled",
    "url": None,
    "token": None,
    "batch_id": None,
    "runs_dir": None,
    "state_dir": None,
    "ca_bundles": (),
    "exit_timeout_s": 5.0,
    "console": "off",
    "complaints": [],
}


def test_with_nothing_said_everything_is_off() -> None:
    assert _shown(resolve(None, None, {}, None)) == NOTHING


def test_environment_says_it_all() -> None:
    environ = {
        "ARGUS_URL": " http://node-1:8000/argus// ",
        "ARGUS_TOKEN": "em_live_a-b_c\n",
        "ARGUS_BATCH_ID": "b1",
        "ARGUS_RUNS_DIR": "runs",
        "ARGUS_STATE_DIR": "/state",
        "ARGUS_CA_BUNDLE": "a.pem",
        "REQUESTS_CA_BUNDLE": "b.pem",
        "ARGUS_EXIT_TIMEOUT": "2.5",
        "ARGUS_MODE": "Online",
        "ARGUS_CONSOLE": "Forward",
    }

    assert _shown(resolve(None, None, environ, None)) == {
        "mode": "online",
        "url": "http://node-1:8000/argus",
        "token": "em_live_a-b_c",
        "batch_id": "b1",
        "runs_dir": "runs",
        "state_dir": "/state",
        "ca_bundles": ("a.pem", "b.pem"),
        "exit_timeout_s": 2.5,
        "console": "forward",
        "complaints": [],
    }


def test_file_says_it_all_and_may_name_variables() -> None:
    text = """\
# where to report
monitor:
  url: https://${HOST}:8000  # the cluster's
  token: "em_live_$USER"
  runs_dir: '/runs/#1'
  state_dir: $NOWHERE/state
  ca_bundle: a.pem
  exit_timeout: 1
  console: file
  mode: online
"""
    assert _shown(resolve(None, None, {"HOST": "node-1", "USER": "ann"}, text)) == {
        **NOTHING,
        "mode": "online",
        "url": "https://node-1:8000",
        "token": "em_live_ann",
        "runs_dir": "/runs/#1",
        "state_dir": "$NOWHERE/state",
        "ca_bundles": ("a.pem",),
        "exit_timeout_s": 1.0,
        "console": "file",
    }


@pytest.mark.parametrize(
    ("argument", "environment", "filed", "expected"),
    [
        ("http://a", "http://b", "http://c", "http://a"),
        (None, "http://b", "http://c", "http://b"),
        (None, None, "http://c", "http://c"),
        ("  ", "", "http://c", "http://c"),
        (False, "http://b", "http://c", "http://b"),
        (8000, None, None, None),
    ],
)
def test_argument_wins_over_environment_over_file(
    argument: Any, environment: str | None, filed: str | None, expected: str | None
) -> None:
    environ = {"ARGUS_URL": environment} if environment is not None else {}

    answer = resolve(argument, None, environ, f"url: {filed}" if filed else None)

    assert answer.url == expected
    assert answer.complaints == []


@pytest.mark.parametrize("word", ["1", "true", "YES", " on "])
def test_disable_turns_everything_off(word: str) -> None:
    environ = {"ARGUS_DISABLE": word, "ARGUS_URL": URL, "ARGUS_RUNS_DIR": "runs"}

    assert _shown(resolve(URL, "t", environ, None)) == NOTHING


@pytest.mark.parametrize("word", ["0", "false", "no", ""])
def test_disable_of_another_word_turns_nothing_off(word: str) -> None:
    assert resolve(URL, None, {"ARGUS_DISABLE": word}, None).mode == "online"


def test_environment_can_turn_on_what_the_file_disables() -> None:
    assert resolve(URL, None, {}, "disable: true").mode == "disabled"
    assert resolve(URL, None, {"ARGUS_DISABLE": "0"}, "disable: true").mode == "online"


@pytest.mark.parametrize(
    ("asked", "url", "runs_dir", "expected"),
    [
        (None, URL, None, ("online", URL)),
        (None, URL, "runs", ("online", URL)),
        (None, None, "runs", ("backup", None)),
        (None, None, None, ("disabled", None)),
        ("online", None, None, ("disabled", None)),
        ("online", None, "runs", ("backup", None)),
        ("backup", URL, None, ("backup", None)),
        ("BACKUP", URL, "runs", ("backup", None)),
        ("disabled", URL, "runs", ("disabled", None)),
    ],
)
def test_mode_follows_from_what_there_is(
    asked: str | None, url: str | None, runs_dir: str | None, expected: tuple[str, str | None]
) -> None:
    given = {"ARGUS_MODE": asked, "ARGUS_URL": url, "ARGUS_RUNS_DIR": runs_dir}

    answer = resolve(None, None, {k: v for k, v in given.items() if v is not None}, None)

    assert (answer.mode, answer.url) == expected
    assert answer.complaints == []


@pytest.mark.parametrize(
    ("environ", "word", "field", "taken"),
    [
        ({"ARGUS_MODE": "ofline"}, "ARGUS_MODE", "mode", "online"),
        ({"ARGUS_CONSOLE": "on", "ARGUS_URL": URL}, "ARGUS_CONSOLE", "console", "off"),
        ({"ARGUS_EXIT_TIMEOUT": "soon"}, "ARGUS_EXIT_TIMEOUT", "exit_timeout_s", 5.0),
        ({"ARGUS_EXIT_TIMEOUT": "nan"}, "ARGUS_EXIT_TIMEOUT", "exit_timeout_s", 5.0),
        ({"ARGUS_EXIT_TIMEOUT": "86401"}, "ARGUS_EXIT_TIMEOUT", "exit_timeout_s", 5.0),
        ({"ARGUS_EXIT_TIMEOUT": "-1"}, "ARGUS_EXIT_TIMEOUT", "exit_timeout_s", 5.0),
        ({"ARGUS_EXIT_TIMEOUT": "inf"}, "ARGUS_EXIT_TIMEOUT", "exit_timeout_s", 5.0),
        ({"ARGUS_URL": "ftp://node-1"}, "ARGUS_URL", "url", None),
        ({"ARGUS_URL": "node-1:8000"}, "ARGUS_URL", "url", None),
        ({"ARGUS_URL": "http://"}, "ARGUS_URL", "url", None),
        ({"ARGUS_URL": "http:///path"}, "ARGUS_URL", "url", None),
        ({"ARGUS_URL": "http://node-1:80a"}, "ARGUS_URL", "url", None),
        ({"ARGUS_URL": "http://node-1:0"}, "ARGUS_URL", "url", None),
        ({"ARGUS_URL": "http://node-1:65536"}, "ARGUS_URL", "url", None),
        ({"ARGUS_URL": "http://node-1:" + "9" * 5000}, "ARGUS_URL", "url", None),
        ({"ARGUS_URL": "http://u:p@node-1/x"}, "ARGUS_URL", "url", "http://node-1/x"),
        ({"ARGUS_TOKEN": "a b"}, "token", "token", None),
        ({"ARGUS_TOKEN": "a\r\nX-Evil: 1"}, "token", "token", None),
        ({"ARGUS_TOKEN": "tökén"}, "token", "token", None),
    ],
)
def test_bad_setting_is_said_once_and_the_default_taken(
    environ: dict[str, str], word: str, field: str, taken: Any
) -> None:
    answer = resolve(None, None, {"ARGUS_URL": URL, **environ}, None)

    assert getattr(answer, field) == taken
    assert len(answer.complaints) == 1
    assert word in answer.complaints[0]


@pytest.mark.parametrize("asked", ["backup", " BACKUP "])
def test_mode_of_the_reporter_wins_over_the_environment(asked: str) -> None:
    environ = {"ARGUS_URL": "http://host", "ARGUS_MODE": "online"}
    settings = resolve(None, None, environ, None, asked)
    assert (settings.mode, settings.url, settings.complaints) == ("backup", None, [])


@pytest.mark.parametrize("seconds", ["0", "86400"])
def test_exit_may_take_no_time_or_a_day(seconds: str) -> None:
    answer = resolve(URL, None, {"ARGUS_EXIT_TIMEOUT": seconds}, None)

    assert (answer.exit_timeout_s, answer.complaints) == (float(seconds), [])


@pytest.mark.parametrize("port", ["1", "65535"])
def test_port_of_a_url_is_kept(port: str) -> None:
    assert resolve(f"http://node-1:{port}/", None, {}, None).url == f"http://node-1:{port}"


def test_token_may_hold_all_that_a_header_carries() -> None:
    token = resolve(URL, "!a-_~", {}, None).token

    assert token is not None
    assert token.reveal() == "!a-_~"


def test_line_that_the_file_has_in_vain_is_said() -> None:
    answer = resolve(URL, None, {}, "adress: http://a")

    assert answer.complaints == ["configs/monitor.yaml: line 1 is not understood and ignored"]


def test_complaints_show_no_token() -> None:
    answer = resolve("ftp://u:secret@h", None, {"ARGUS_TOKEN": "secret tail"}, "token: [secret]")

    assert answer.complaints
    assert not any("secret" in complaint for complaint in answer.complaints)


class _Hostile:
    def __str__(self) -> str:
        raise SystemExit(1)

    def __float__(self) -> float:
        raise RuntimeError("no")


class _OddClass(type):
    def __eq__(cls, other: object) -> bool:
        raise StopIteration

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("hostile", [_Hostile(), _OddClass("Odd", (), {})()])
def test_hostile_arguments_are_said_and_ignored(hostile: object) -> None:
    answer = resolve(hostile, hostile, {"ARGUS_RUNS_DIR": "runs"}, None)

    assert (answer.mode, answer.url, answer.token) == ("backup", None, None)
    assert len(answer.complaints) == 1


@pytest.mark.parametrize(
    ("url", "gets_it"),
    [
        ("https://node-1", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:8000/x", True),
        ("http://node-1:8000", False),
        ("http://127.0.0.1.node-1", False),
    ],
)
def test_own_token_goes_to_a_url_out_of_the_file_only_where_nobody_listens(
    url: str, gets_it: bool
) -> None:
    answer = resolve(None, "mine", {}, f"url: {url}")

    assert answer.url == url
    assert (answer.token is not None) is gets_it
    assert len(answer.complaints) == (0 if gets_it else 1)


def test_user_part_of_a_url_does_not_make_its_host_look_like_this_machine() -> None:
    answer = resolve(None, "mine", {}, "url: http://localhost@node-1")

    assert (answer.url, answer.token) == ("http://node-1", None)


def test_token_goes_to_the_url_that_it_came_with() -> None:
    filed = resolve(None, None, {}, f"url: {URL}\ntoken: filed")
    own = resolve(URL, "mine", {}, "url: http://elsewhere\ntoken: filed")
    mixed = resolve(URL, None, {}, "token: filed")

    assert [a.token and a.token.reveal() for a in (filed, own, mixed)] == ["filed", "mine", "filed"]


def test_secret_is_shown_nowhere() -> None:
    secret = Secret("em_live_x")

    shown = [repr(secret), str(secret), f"{secret}", repr([secret]), repr(pickle.dumps(secret))]

    assert not any("em_live_x" in text for text in shown)
    assert copy.deepcopy(secret).reveal() == ""
    assert secret.reveal() == "em_live_x"
    with pytest.raises(TypeError):
        vars(secret)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("$A", "1"),
        ("${A}", "1"),
        ("x${A}y$B/z", "x1y2/z"),
        ("$AB", "$AB"),
        ("${AB}", "${AB}"),
        ("$", "$"),
        ("$$A", "$1"),
        ("a$ b", "a$ b"),
        ("${}", "${}"),
        ("${A}}{$B}", "1}{2}"),
        ("${A", "${A"),
        ("${A:-9}", "${A:-9}"),
        ("$A-$É", "1-$É"),
    ],
)
def test_known_variables_are_replaced_and_others_stay(template: str, expected: str) -> None:
    assert settings.substitute(template, {"A": 1}, {"A": "environment", "B": "2"}) == expected


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Node-1:8000/x?y#z", "node-1"),
        ("https://u:p@node-1", "node-1"),
        ("http://a@b@node-1/c@d", "node-1"),
        ("http://[FE80::1]:80/", "fe80::1"),
        ("http://node-1?x=/y", "node-1"),
        ("http://", ""),
        ("node-1", ""),
    ],
)
def test_host_of_a_url(url: str, host: str) -> None:
    assert settings.url_host(url) == host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("127.0.0.1.example.org", False),
        ("128.0.0.1", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_itself(host: str, expected: bool) -> None:
    assert settings.is_loopback(host) is expected


def test_the_console_of_the_argument_goes_before_the_environment() -> None:
    environ = {"ARGUS_URL": URL, "ARGUS_CONSOLE": "forward"}
    asked = ["off", "FILE", None, "", 1, True, "everything"]
    answers = [resolve(None, None, environ, None, console=console) for console in asked]

    assert [(answer.console, len(answer.complaints)) for answer in answers] == [
        ("off", 0),
        ("file", 0),
        ("forward", 0),
        ("off", 1),
        ("off", 1),
        ("off", 1),
        ("off", 1),
    ]


def test_where_nothing_is_reported_nothing_is_captured_and_nothing_said_of_it() -> None:
    for console in ("forward", "everything"):
        answer = resolve(None, None, {"ARGUS_CONSOLE": console}, None)
        assert (answer.console, answer.complaints) == ("off", [])
