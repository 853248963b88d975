"""Deterministic randomness: uniform numbers derived from text."""

from hashlib import blake2b


def uniform(text: str) -> float:
    """Returns a number in [0, 1) that depends only on the text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / 2.0**64
