from __future__ import annotations

import pickle

from argus.core.secret import Secret


def test_a_secret_is_revealed_to_whoever_asks_for_it_alone() -> None:
    secret = Secret("em_live_x")

    assert secret.reveal() == "em_live_x"
    assert "em_live_x" not in f"{secret!r} {secret}"
    assert not hasattr(secret, "__dict__")
    assert b"em_live_x" not in pickle.dumps(secret)
