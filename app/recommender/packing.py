"""Pack neighbor rows and ranked lists into bytes: a format, a count, the weights as little-endian float32, the ids.

In format 2, the share of each weight that was learned from order stands before the ids, as little-endian float16.
"""

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from sys import byteorder

HEADER = struct.Struct("<cI")
Packed = Iterable[tuple[str, bytes]]
"""Pairs of an item id and its packed row."""
FORMAT, FORMAT_WITH_PARTS = b"\x01", b"\x02"
WEIGHT_BYTES, SHARE_BYTES = 4, 2
LARGEST_SHARE = 65_504.0
"""The largest float16."""


class Row(dict[str, float]):
    """Weights by item id, in the order in which they were packed."""

    __slots__ = ("_shares",)

    def __init__(self, weights: Mapping[str, float] | Iterable[tuple[str, float]] = (), shares: bytes = b"") -> None:
        """`shares` are those of order, as packed; they are decoded when they are needed, which is seldom."""
        super().__init__(weights)
        self._shares = shares

    def from_order(self, item_id: str) -> float | None:
        """Returns the share in [0, 1] of an item's weight that was learned from order; None if the row has no parts.

        The rest was learned from similarity. If the parts have opposite signs, the stronger one counts as all of it.
        """
        if not self._shares:
            return None
        start = SHARE_BYTES * list(self).index(item_id)
        share: float = struct.unpack_from("<e", self._shares, start)[0] if start < len(self._shares) else 0.0
        return min(max(share, 0.0), 1.0)

    def with_similar(self, others: Mapping[str, float]) -> "Row":
        """Returns the row with more items, whose weights owe nothing to order; the row's own items stay as they are."""
        more = {item_id: weight for item_id, weight in others.items() if item_id not in self}
        return Row({**self, **more}, self._shares)


def pack(weights: Iterable[tuple[str, float]]) -> bytes:
    """Packs (item id, weight) pairs in order; each takes 4 bytes and the length of the id + 1."""
    pairs = list(weights)
    return _packed(FORMAT, [item_id for item_id, _ in pairs], [weight for _, weight in pairs])


def pack_parts(neighbors: Iterable[tuple[str, float, float]]) -> bytes:
    """Packs (item id, weight, part of the weight that was learned from order) in order; each takes 2 bytes more.

    The part is stored relative to the weight, so that its precision, 11 bits, does not depend on the scale of weights.
    """
    rows = list(neighbors)
    shares = [part / weight if weight else 0.0 for _, weight, part in rows]
    within = [max(-LARGEST_SHARE, min(LARGEST_SHARE, share)) for share in shares]
    packed = struct.pack(f"<{len(within)}e", *within)
    return _packed(FORMAT_WITH_PARTS, [row[0] for row in rows], [row[1] for row in rows], packed)


def _packed(form: bytes, item_ids: Sequence[str], weights: Sequence[float], shares: bytes = b"") -> bytes:
    values = array("f", weights)
    if byteorder == "big":
        values.byteswap()
    return HEADER.pack(form, len(item_ids)) + values.tobytes() + shares + "\n".join(item_ids).encode()


def unpack(packed: bytes) -> Row:
    """Returns the weights by item id, in the order in which they were packed.

    Raises:
        ValueError: the bytes have another format.
    """
    form, count = HEADER.unpack_from(packed)
    if form not in {FORMAT, FORMAT_WITH_PARTS}:
        raise ValueError(f"unknown format {form!r} of a packed row")
    ends = HEADER.size + WEIGHT_BYTES * count
    begins = ends + SHARE_BYTES * count if form == FORMAT_WITH_PARTS else ends
    values = array("f", packed[HEADER.size : ends])
    if byteorder == "big":
        values.byteswap()
    weights = zip(packed[begins:].decode().split("\n"), values, strict=True) if count else ()
    return Row(weights, packed[ends:begins])
