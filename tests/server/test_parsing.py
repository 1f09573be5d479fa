import json

import pytest

from argus.server.parsing import parsed, received_event, received_events
from argus.server.reply import RefusalError
from tests.server.events import batch_body, event


def refusal(read, body):
    with pytest.raises(RefusalError) as refused:
        read(body)
    reply = refused.value.reply
    assert reply.status == 422
    return reply.body["detail"][0]["loc"]


def test_an_event_keeps_the_characters_in_which_it_came():
    text = '{"é":1.50,"big":1e999,"esc":"\\u00e9\\ud800","deep":[{"]}":"}]"}]}'
    [received] = received_events(f'{{"events":[{text}]}}'.encode())
    assert received.line == text.encode()
    assert received.value["deep"] == [{"]}": "}]"}]


def test_pretty_json_becomes_one_line_of_the_same_meaning():
    events = [event(data={"line": "a\nb"}), event()]
    body = json.dumps({"events": events}, indent=2).replace("\n", "\r\n").encode()
    received = received_events(body)
    assert [item.value for item in received] == events
    assert [json.loads(item.line) for item in received] == events
    assert not any(b"\n" in item.line or b"\r" in item.line for item in received)


def test_a_single_event_is_read_alike():
    given = event()
    received = received_event(b" \n" + json.dumps(given, indent=1).encode() + b"\n")
    assert received.value == json.loads(received.line) == given
    assert b"\n" not in received.line


@pytest.mark.parametrize("count", [0, 501])
def test_a_request_has_one_to_500_events(count):
    assert refusal(received_events, batch_body(*[{}] * count)) == ["body", "events"]


def test_500_events_are_read():
    assert len(received_events(batch_body(*[{}] * 500))) == 500


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"events":{}}', b"{}", b'{"events":[1],"x":1}'])
def test_another_shape_is_refused(body):
    assert refusal(received_events, body) == ["body", "events"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"events":[{"a":NaN}]}',
        b'{"events":[{"a":-Infinity}]}',
        b'{"events":[1',
        b'{"events":[1]',
        b'{"events":[1,]}',
        b'{"events":[1]}]',
        b'{"events":["\xff"]}',
        b'{"events":["a\nb"]}',
        '{"events":[]}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b'{"events":[' + b"[" * 100_000,
        b'{"events":[' + b"1" * 5_000,
    ],
)
def test_what_is_no_strict_json_is_refused(body):
    assert refusal(received_events, body)[0] == "body"


def test_a_bare_nan_is_refused_everywhere():
    assert refusal(parsed, b'{"a": NaN}')[0] == "body"
    assert refusal(received_event, b'{"a": NaN}')[0] == "body"
