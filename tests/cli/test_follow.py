from __future__ import annotations

import json

from argus.cli.follow import Follower


def test_each_event_comes_once_and_a_torn_line_when_it_is_whole(tmp_path):
    follower = Follower(tmp_path)
    assert (follower.read_new(), follower.run_directory) == ([], None)
    run = tmp_path / "20260422" / "092306" / "demo-1"
    run.mkdir(parents=True)
    line = json.dumps({"event_id": "é"}, ensure_ascii=False).encode()
    with open(run / "events.jsonl", "ab", buffering=0) as file:
        file.write(line + b"\n" + line[:-3])
        assert follower.read_new() == [{"event_id": "é"}]
        assert follower.read_new() == []
        file.write(line[-3:] + b"\nno json\n" + line + b"\n")
        assert follower.read_new() == [{"event_id": "é"}, {"event_id": "é"}]
    assert follower.run_directory == run
