from argus.server.stop import request_stop, stop_state

NOT_REQUESTED = {"requested": False, "requested_at": None, "requested_by": None}


def test_nothing_is_requested_at_first(tmp_path):
    assert stop_state(tmp_path) == NOT_REQUESTED


def test_the_first_request_stays(tmp_path):
    first = request_stop(tmp_path, "2026-04-23T09:23:06Z", "ann")
    assert first == {
        "requested": True,
        "requested_at": "2026-04-23T09:23:06Z",
        "requested_by": "ann",
    }
    assert request_stop(tmp_path, "later", "bob") == first == stop_state(tmp_path)


def test_a_damaged_file_requests_nothing(tmp_path):
    for content in (b"", b"[true]", b'{"requested": "yes"}', b"\xff"):
        (tmp_path / "stop.json").write_bytes(content)
        assert stop_state(tmp_path) == NOT_REQUESTED
