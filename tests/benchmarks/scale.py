"""How much is measured: in full, for a quick look, or only to see that it works."""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """The sizes of all rows."""

    rounds: int = 7
    peer_rounds: int = 3
    start_rounds: int = 25
    tight_calls: int = 20_000
    paced_calls: int = 2_000
    pause_us: int = 1_000
    peer_calls: int = 2_000  # in a tight loop: some write each to a database
    stall_s: float = 60.0
    steady_calls: int = 200_000
    memory_calls: int = 5_000
    memory_settle_s: float = 6.0
    snapshots: int = 200
    idle_settle_s: float = 11.0  # the stop button is asked for after 10 s at the latest
    idle_s: float = 60.0
    idle_rounds: int = 2
    training_rounds: int = 60
    training_block_s: float = 1.2  # longer than the sender lingers: a block pays for its own events
    replay_mb: int = 1_000
    replay_rounds: int = 3
    late_calls: int = 5_000_000
    late_rounds: int = 2
    leftovers: int = 1_000
    crowd: int = 64
    crowd_calls: int = 500
    crowd_pause_us: int = 20_000
    crowd_rounds: int = 3
    crowd_settle_s: float = 3.0  # for the senders to load what they need


FULL = Scale()
QUICK = Scale(
    rounds=3,
    peer_rounds=1,
    start_rounds=9,
    memory_settle_s=3.0,
    idle_s=10.0,
    idle_rounds=1,
    training_rounds=15,
    replay_mb=64,
    late_calls=500_000,
    late_rounds=1,
    crowd_calls=200,
    crowd_rounds=1,
)
TINY = Scale(
    rounds=1,
    peer_rounds=1,
    start_rounds=1,
    tight_calls=500,
    paced_calls=20,
    peer_calls=20,
    stall_s=0.1,
    steady_calls=1_000,
    memory_calls=100,
    memory_settle_s=0.4,
    snapshots=5,
    idle_settle_s=0.1,
    idle_s=0.2,
    idle_rounds=1,
    training_rounds=3,
    training_block_s=0.02,
    replay_mb=1,
    replay_rounds=1,
    late_calls=1_500,
    late_rounds=1,
    leftovers=5,
    crowd=2,
    crowd_calls=20,
    crowd_pause_us=1_000,
    crowd_settle_s=0.1,
    crowd_rounds=1,
)
