"""Counters: the weight of each item in each slot of time, as integers, so that the order of sums does not matter."""

from collections.abc import Iterable, Mapping
from struct import Struct
from zlib import compress, decompress

from app.domain.events import Event

Counts = dict[tuple[int, str], int]
"""(start of the slot in seconds since 1970, item id) -> weight in thousandths; 0 only if additions cancel out."""

FINE_SECONDS = 300
COARSE_SECONDS = 86_400
LIVE_SECONDS = 86_400
"""Events that arrive later than this are counted in slots of a day."""
THOUSANDTHS = 1_000
MARK = "#"
"""First character of the names that are not item ids."""
HEADER, ENTRY = Struct("<cI"), Struct("<Iq")
FORMAT = b"\x01"
COMPRESSION = 1


def of_event(event: Event, weight: float, arrived: int) -> Counts:
    """Returns what one event adds to the counters."""
    amount = round(weight * THOUSANDTHS)
    return {(slot_of(event, arrived), event.item_id): amount} if amount else {}


def slot_of(event: Event, arrived: int) -> int:
    """Returns the start of an event's slot, in seconds since 1970."""
    happened = int(event.timestamp.timestamp())
    return floor(max(happened, 0), FINE_SECONDS if arrived - happened < LIVE_SECONDS else COARSE_SECONDS)


def is_item(name: str) -> bool:
    """Whether a name in the counters is an item id."""
    return not name.startswith(MARK)


def of_items(total: Counts) -> Counts:
    """Returns only the counters of items."""
    return {entry: amount for entry, amount in total.items() if is_item(entry[1])}


def floor(second: int, seconds: int) -> int:
    """Rounds a second down to the start of its slot."""
    return second - second % seconds


def add(total: Counts, more: Mapping[tuple[int, str], int], sign: int = 1) -> None:
    """Adds counters in place. Entries that cancel out stay as 0: their lists changed too and must be written again."""
    for entry, amount in more.items():
        total[entry] = total.get(entry, 0) + sign * amount


def _add_one(total: Counts, entry: tuple[int, str], amount: int) -> None:
    summed = total.get(entry, 0) + amount
    if summed:
        total[entry] = summed
    else:
        total.pop(entry, None)


def summed(several: Iterable[Mapping[tuple[int, str], int]], seconds: int = 1) -> Counts:
    """Sums counters, in slots of at least `seconds`, without entries of 0."""
    total: Counts = {}
    for counts in several:
        for (slot, item_id), amount in counts.items():
            _add_one(total, (floor(slot, seconds), item_id), amount)
    return total


def pack(counts: Counts) -> bytes:
    """Packs counters; equal counters give equal bytes."""
    entries = sorted(counts.items())
    numbers = b"".join(ENTRY.pack(slot, amount) for (slot, _), amount in entries)
    names = "\n".join(item_id for (_, item_id), _ in entries).encode()
    return HEADER.pack(FORMAT, len(entries)) + compress(numbers + names, COMPRESSION)


def packed_within(counts: Counts, most_bytes: int) -> bytes:
    """Packs counters, dropping the items with the least weight if they do not fit; equal counters give equal bytes."""
    packed = pack(counts)
    if len(packed) <= most_bytes:
        return packed
    items: dict[str, int] = {}
    for (_, item_id), amount in counts.items():
        items[item_id] = items.get(item_id, 0) + amount
    marked = {name for name in items if not is_item(name)}
    heaviest = sorted(items.keys() - marked, key=lambda item_id: (-items[item_id], item_id))
    while len(packed) > most_bytes and heaviest:
        heaviest = heaviest[: len(heaviest) * 3 // 4]
        kept = marked.union(heaviest)
        packed = pack({entry: amount for entry, amount in counts.items() if entry[1] in kept})
    return packed


def unpack(packed: bytes) -> Counts:
    """Unpacks counters.

    Raises:
        ValueError: the bytes have another format.
    """
    form, number = HEADER.unpack_from(packed)
    if form != FORMAT:
        raise ValueError(f"unknown format {form!r} of packed counters")
    content = decompress(packed[HEADER.size :])
    ends = number * ENTRY.size
    names = content[ends:].decode().split("\n")
    numbers = ENTRY.iter_unpack(content[:ends])
    return {(slot, name): amount for (slot, amount), name in zip(numbers, names, strict=False)}
