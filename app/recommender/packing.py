"""Pack neighbor rows and ranked lists into bytes: a count, the weights as little-endian float32, the ids."""

from array import array
from collections.abc import Iterable
from struct import Struct
from sys import byteorder

HEADER = Struct("<cI")
Packed = Iterable[tuple[str, bytes]]
"""Pairs of an item id and its packed row."""
FORMAT = b"\x01"


def pack(weights: Iterable[tuple[str, float]]) -> bytes:
    """Packs (item id, weight) pairs in order; each takes 4 bytes and the length of the id + 1."""
    pairs = list(weights)
    values = array("f", (weight for _, weight in pairs))
    if byteorder == "big":
        values.byteswap()
    return HEADER.pack(FORMAT, len(pairs)) + values.tobytes() + "\n".join(item_id for item_id, _ in pairs).encode()


def unpack(packed: bytes) -> dict[str, float]:
    """Returns the weights by item id, in the order in which they were packed.

    Raises:
        ValueError: the bytes have another format.
    """
    form, count = HEADER.unpack_from(packed)
    if form != FORMAT:
        raise ValueError(f"unknown format {form!r} of a packed row")
    ends = HEADER.size + 4 * count
    values = array("f", packed[HEADER.size : ends])
    if byteorder == "big":
        values.byteswap()
    return dict(zip(packed[ends:].decode().split("\n"), values, strict=True)) if count else {}
