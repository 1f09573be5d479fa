"""`argus gc`: what goes, and what never does."""

import json
import os
import time

from argus.cli import gc
from argus.rundir import layout
from tests.cli.kept_runs import argus, kept, path_of, place, rows

__all__ = ["place"]

YEARS = 90 * 86_400


def test_what_is_delivered_and_old_can_go_and_nothing_else(capsys):
    for batch_id in ("young", "old", "liked", "undelivered", "shared"):
        kept(batch_id)
        path = path_of(batch_id)
        if batch_id != "undelivered":
            size = os.path.getsize(os.path.join(path, layout.EVENTS))
            with open(os.path.join(path, layout.DELIVERED), "w") as file:
                file.write(f"{size}\n")
        if batch_id != "young":
            ago = time.time() - YEARS
            for name in (layout.EVENTS, layout.HEARTBEAT):
                os.utime(os.path.join(path, name), (ago, ago))
    argus(capsys, "tag", "liked", "+good")
    checkpoint = os.path.join(path_of("shared"), "checkpoints", "best.pt")
    os.mkdir(os.path.dirname(checkpoint))
    with open(checkpoint, "w"):
        pass
    code, out, _ = argus(capsys, "gc")
    assert (code, "1 of 5 runs can go" in out) == (0, True)
    assert len(rows(capsys)) == 5
    told = json.loads(argus(capsys, "gc", "--json")[1])
    reasons = {os.path.basename(each["path"]): each["reason"] for each in told}
    assert reasons["undelivered"].startswith("it is not delivered")
    assert reasons["liked"].startswith("somebody has tagged")
    assert reasons["young"].startswith("it is too young")
    assert reasons["shared"] == "checkpoints in it is no part of a run"
    assert argus(capsys, "gc", "--yes")[0] == 0
    assert sorted(rows(capsys)) == ["liked", "shared", "undelivered", "young"]
    assert os.path.exists(checkpoint)


def test_run_that_goes_on_while_it_is_judged_stays(capsys, monkeypatch):
    kept("a")
    path = path_of("a")
    with open(os.path.join(path, layout.DELIVERED), "w") as file:
        file.write(str(os.path.getsize(os.path.join(path, layout.EVENTS))))
    ago = time.time() - YEARS
    for name in (layout.EVENTS, layout.HEARTBEAT):
        os.utime(os.path.join(path, name), (ago, ago))
    real_size = gc._size

    def size_and_more(place):
        with open(os.path.join(path, layout.EVENTS), "ab") as file:
            file.write(b"{}\n")
        return real_size(place)

    monkeypatch.setattr(gc, "_size", size_and_more)
    code, _, err = argus(capsys, "gc", "--yes")
    assert (code, err.count("it has changed meanwhile")) == (1, 1)
    assert rows(capsys) == ["a"]
