"""Ids are the same for the same facts, distinct for different ones, and fit the contract."""

from __future__ import annotations

import hashlib
import uuid

import pytest

from argus.core import identity


def test_generated_batch_id_is_prefix_and_twelve_hex_digits() -> None:
    assert identity.generated_batch_id("bench", bytes.fromhex("1f2e3d4c5b6a")) == (
        "bench-1f2e3d4c5b6a"
    )


@pytest.mark.parametrize(
    ("git_sha", "key"),
    [("a1b2", "demo|étude|a1b2"), ("", "demo|étude|no-git"), ("no-git", "demo|étude|no-git")],
)
def test_derived_batch_id_is_64_bits_of_sha_256_over_the_facts(git_sha: str, key: str) -> None:
    expected = "bench-" + hashlib.sha256(key.encode()).hexdigest()[:16]

    assert identity.derived_batch_id("demo", "étude", git_sha, "bench") == expected


def test_derived_batch_id_takes_text_that_no_utf_8_can_carry() -> None:
    assert identity.derived_batch_id("\ud800", "x", "", "b") == "b-" + identity.short_hash(
        "?|x|no-git"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("j1", "j1"),
        ("x" * 256, "x" * 256),
        ("größe", "größe"),
        ("a\ud800b", "a?b"),
        ("x" * 257, "x" * 239 + "~" + hashlib.sha256(b"x" * 257).hexdigest()[:16]),
    ],
    ids=["empty", "short", "just_fits", "not_ascii", "lone_surrogate", "too_long"],
)
def test_id_is_kept_where_it_fits_and_cut_where_not(text: str, expected: str) -> None:
    assert identity.fit_id(text, 256) == expected
    assert len(expected) <= 256


def test_long_ids_that_differ_only_behind_the_limit_stay_distinct() -> None:
    ids = {identity.fit_id("é" * 300 + str(number), 128) for number in range(100)}

    assert len(ids) == 100
    assert {len(text) for text in ids} == {128}


@pytest.mark.parametrize("random", [bytes(10), b"\xff" * 10, bytes(range(10)), b"\xa5" * 10])
def test_event_id_prefix_makes_version_8_uuids(random: bytes) -> None:
    text = identity.event_id_prefix(random) + "00000000002a"
    parsed = uuid.UUID(text)

    assert str(parsed) == text
    assert (parsed.version, parsed.variant, parsed.node) == (8, uuid.RFC_4122, 42)


def test_event_id_prefix_keeps_74_random_bits() -> None:
    bits_that_count = sum(
        identity.event_id_prefix((1 << bit).to_bytes(10, "big"))
        != identity.event_id_prefix(bytes(10))
        for bit in range(80)
    )

    assert bits_that_count == 74
