from argus.core.jsonl import MAX_LINE_BYTES
from argus.rundir import layout
from argus.scanner.follow import Follower


def epochs(piece):
    return [event["data"].get("epoch", event["event_type"]) for event in piece.events]


def test_whole_lines_come_once_and_half_a_line_waits(run):
    follower = Follower(run.path / layout.EVENTS)
    assert epochs(follower.read(1_000_000)) == ["batch_start"]
    run.epochs(0, 2)
    with open(run.path / layout.EVENTS, "ab") as file:
        file.write(b'{"event_id"')
    piece = follower.read(1_000_000)
    assert epochs(piece) == [0, 1]
    assert piece.end < piece.size
    again = follower.read(1_000_000)
    assert (again.events, again.is_last) == ([], True)


def test_large_file_comes_in_portions_and_a_long_line_all_the_same(run):
    run.epochs(0, 100)
    follower = Follower(run.path / layout.EVENTS)
    found = []
    for _ in range(1_000):
        piece = follower.read(500)
        if piece.is_last:
            break
        found += epochs(piece)
    assert found == ["batch_start", *range(100)]


def test_line_without_end_is_read_past(run):
    with open(run.path / layout.EVENTS, "ab") as file:
        file.write(b"x" * (MAX_LINE_BYTES + 5_000_000) + b"\n")
    run.epochs(7, 1)
    follower = Follower(run.path / layout.EVENTS)
    found = []
    while not (piece := follower.read(4_000_000)).is_last:
        found += epochs(piece)
    assert found == ["batch_start", 7]


def test_file_that_was_replaced_or_cut_is_begun_anew(run):
    events = run.path / layout.EVENTS
    run.epochs(0, 5)
    follower = Follower(events)
    follower.read(1_000_000)
    other = events.with_name("other")
    other.write_bytes(events.read_bytes())
    other.replace(events)
    piece = follower.read(1_000_000)
    assert (piece.start, len(piece.events)) == (0, 6)
    events.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:2]))
    assert epochs(follower.read(1_000_000)) == ["batch_start", 0]


def test_what_is_no_event_is_passed_over(run):
    with open(run.path / layout.EVENTS, "ab") as file:
        file.write(b'\0\0\n[]\n{"a":1}\n\xff\n' + b"[" * 100_000 + b"\n")
    run.epochs(3, 1)
    assert epochs(Follower(run.path / layout.EVENTS).read(1_000_000)) == ["batch_start", 3]


def test_new_file_with_the_number_of_a_removed_one_is_read_anew(run):
    """As file systems hand them out."""
    path = run.path / layout.EVENTS
    follower = Follower(path)
    assert follower.read(10**6).start == 0
    content = path.read_bytes()
    path.write_bytes(content.replace(b"550e", b"660e") * 3)
    assert not follower.fits()
    piece = follower.read(10**6)
    assert (piece.start, len(piece.events)) == (0, 3)
    assert follower.fits()
