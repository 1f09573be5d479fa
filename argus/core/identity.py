"""Ids: made from given randomness or given facts, and cut to the length that the contract allows.

Nothing here asks a clock, a random source or git: the callers bring what they know.
"""

from __future__ import annotations


def generated_batch_id(prefix: str, random: bytes) -> str:
    """`<prefix>-<12 hex>` from six random bytes."""
    return f"{prefix}-{random.hex()}"


def derived_batch_id(project: str, experiment_name: str, git_sha: str, prefix: str) -> str:
    """`<prefix>-<16 hex>`: the first 64 bits of SHA-256 over the three facts, joined by `|`."""
    key = f"{project}|{experiment_name}|{git_sha or 'no-git'}"
    return f"{prefix}-{short_hash(key)}"


def fit_id(text: str, limit: int) -> str:
    """`text`, or its beginning and a hash of all of it where it is longer than `limit`.

    Two long ids that differ only behind the limit stay distinct. Lone surrogates, which no
    UTF-8 can carry, are replaced first.
    """
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= limit:
        return text
    return f"{text[: limit - 17]}~{short_hash(text)}"


def event_id_prefix(random: bytes) -> str:
    """All of an event id but its last 12 hex digits, from ten random bytes.

    RFC 9562 leaves the content of a version 8 UUID to its maker: here 74 random bits, and a
    counter in the last group, so that an id costs one formatting and never repeats.
    """
    digits = random.hex()
    variant = "89ab"[int(digits[15], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-8{digits[12:15]}-{variant}{digits[16:19]}-"


def short_hash(text: str) -> str:
    """The first 64 bits of SHA-256 over `text` in UTF-8, as 16 hex digits."""
    import hashlib  # 5 ms to load, and most runs never need it

    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
