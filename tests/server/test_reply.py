from argus.server.reply import RefusalError, Reply, reply_bytes


def test_a_reply_is_one_piece_of_bytes_with_the_right_length():
    data = reply_bytes(Reply(200, {"a": "é"}), "today", close=False, with_body=True)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: %d" % len(body) in head.split(b"\r\n")
    assert body == b'{"a": "\\u00e9"}'
    assert b"Connection" not in head


def test_a_reply_to_head_has_the_length_but_no_body():
    data = reply_bytes(Reply(200, {}), "today", close=True, with_body=False)
    assert data.endswith(b"\r\n\r\n")
    assert b"Content-Length: 2" in data
    assert b"Connection: close" in data


def test_a_refusal_carries_its_detail_and_headers():
    reply = RefusalError(405, "no", (("Allow", "GET"),)).reply
    assert reply == Reply(405, {"detail": "no"}, (("Allow", "GET"),))
