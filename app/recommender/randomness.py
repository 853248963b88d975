"""Chance that can be repeated."""

from hashlib import blake2b


def uniform(text: str) -> float:
    """A number in [0, 1) that is the text's own."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / 2.0**64
