from __future__ import annotations

import threading
import time

from argus.delivery import buffer as buffer_module
from argus.delivery.buffer import CAPACITY, Buffer
from argus.delivery.notices import Notices


def test_records_come_out_in_order_up_to_the_number_asked_for():
    buffer = Buffer(Notices())
    for number in range(5):
        buffer.put(number)
    assert buffer.drain(3) == [0, 1, 2]
    assert buffer.drain(3) == [3, 4]
    assert buffer.drain(3) == []


def fill(buffer: Buffer) -> None:
    """To the brim, as if the sender had been held up by a disk for long."""
    buffer._drained_at = time.monotonic() - 60.0
    for number in range(CAPACITY):
        buffer.put(number)


def test_a_full_buffer_drops_telemetry_and_counts_it_but_takes_lifecycle_events():
    notices = Notices()
    buffer = Buffer(notices)
    fill(buffer)
    buffer.put("telemetry")
    buffer.put("telemetry")
    buffer.put("lifecycle", urgent=True)
    assert notices.counts == {"buffer_full": 2}
    records = buffer.drain(CAPACITY + 10)
    assert records[-1] == "lifecycle"
    assert len(records) == CAPACITY + 1


def test_the_reserve_is_bounded_too():
    notices = Notices()
    buffer = Buffer(notices)
    fill(buffer)
    for _ in range(buffer_module._RESERVE + 3):
        buffer.put("lifecycle", urgent=True)
    assert notices.counts == {"buffer_full": 3}


def test_a_closed_buffer_takes_nothing_and_says_so():
    notices = Notices()
    buffer = Buffer(notices)
    buffer.put(1)
    buffer.close()
    buffer.put(2)
    assert buffer.drain(10) == [1]
    assert notices.mistakes == 1


def test_an_urgent_record_wakes_the_drain():
    buffer = Buffer(Notices())
    threading.Thread(target=buffer.put, args=("now", True)).start()
    before = time.monotonic()
    buffer.wait(30.0)
    assert time.monotonic() - before < 10.0
    assert buffer.drain(1) == ["now"]


def wakes(buffer: Buffer, record: object) -> bool:
    """Whether a record that comes while the drain waits is a wake-up."""
    buffer.put(record)
    return not buffer._bell.locked()


def test_telemetry_wakes_nobody_until_it_fills_a_few_requests():
    buffer = Buffer(Notices())
    buffer.wait(0.0)
    assert not any(wakes(buffer, number) for number in range(2_000))
    assert wakes(buffer, 2_000)
    assert wakes(buffer, 2_001)  # rung once, and still to be heard
    buffer.drain(3_000)
    buffer.wait(30.0)
    assert buffer._bell.locked()


def test_at_rest_the_first_record_is_a_wake_up():
    buffer = Buffer(Notices())
    buffer.wait(0.0, at_rest=True)
    assert wakes(buffer, 1)
    buffer.wait(30.0, at_rest=True)
    assert buffer.drain(10) == [1]


def test_what_came_before_the_rest_is_no_reason_to_wait():
    buffer = Buffer(Notices())
    buffer.put(1)
    buffer.wait(30.0, at_rest=True)
    assert buffer.drain(10) == [1]


def test_no_wake_up_is_lost_between_the_look_and_the_rest():
    buffer = Buffer(Notices())
    seen: list[int] = []

    def drain() -> None:
        while len(seen) < 3_000:
            seen.extend(buffer.drain(500))
            if len(seen) < 3_000:
                buffer.wait(60.0, at_rest=True)

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    for number in range(3_000):
        buffer.put(number)
    thread.join(30.0)
    assert seen == list(range(3_000))


def test_puts_of_many_threads_are_all_there():
    buffer = Buffer(Notices())

    def put_a_thousand() -> None:
        for number in range(1_000):
            buffer.put(number)

    threads = [threading.Thread(target=put_a_thousand) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(buffer.drain(10_000)) == sorted(list(range(1_000)) * 8)
