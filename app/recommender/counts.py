"""Counters: the weight of each item in each slot of time, as integers, so that the order of sums does not matter."""

from collections.abc import Iterable, Mapping
from math import ceil
from struct import Struct
from zlib import compress, decompress

from app.domain.events import Event
from app.recommender.events import ratings as scales

Counts = dict[tuple[int, str], int]
"""(start of the slot in seconds since 1970, item id) -> weight in thousandths; 0 only if additions cancel out."""

FINE_SECONDS = 300
COARSE_SECONDS = 86_400
LIVE_SECONDS = 86_400
"""Events that arrive later than this are counted in slots of a day."""
THOUSANDTHS = 1_000
MARK, RATED, TYPED = "#", "=", "!"
"""First characters of the names that are not item ids: outcomes; ratings of an item, =value=item; event types."""
HEADER, ENTRY = Struct("<cI"), Struct("<Iq")
FORMAT = b"\x01"
COMPRESSION = 1


def slot_of(event: Event, arrived: int) -> int:
    """Returns the start of an event's slot, in seconds since 1970."""
    happened = int(event.timestamp.timestamp())
    return floor(max(happened, 0), COARSE_SECONDS if is_coarse(happened, arrived) else FINE_SECONDS)


def is_coarse(happened: int, arrived: int) -> bool:
    """Whether an event is counted in a slot of a day. Both times are in seconds since 1970."""
    return arrived - happened >= LIVE_SECONDS


def rated(item_id: str, value: float) -> str:
    """Returns the name of an item's ratings of a value: whether they count depends on the scale, which is learned."""
    return f"{RATED}{value:.6g}{RATED}{item_id}"


def item_of(name: str) -> str | None:
    """Returns the item of a name in the counters; None if it is not about an item."""
    if name.startswith(RATED):
        return name.split(RATED, 2)[2]
    return None if name.startswith((MARK, TYPED)) else name


def of_items(total: Counts, rating_threshold: float | None) -> Counts:
    """Returns only the counters of items, with the ratings that are liked.

    Args:
        total: the counters of a project.
        rating_threshold: the lowest liked rating; None takes it from the ratings among the counters.
    """
    items: Counts = {}
    ratings: list[tuple[int, str, float, int]] = []
    for entry, amount in total.items():
        first = entry[1][:1]
        if first == RATED:
            _, rating, item_id = entry[1].split(RATED, 2)
            ratings.append((entry[0], item_id, float(rating), amount))
        elif first not in (MARK, TYPED):
            items[entry] = amount
    threshold = _threshold(ratings) if rating_threshold is None else rating_threshold
    for slot, item_id, value, amount in ratings:
        if threshold is not None and value >= threshold:
            items[slot, item_id] = items.get((slot, item_id), 0) + amount
    return items


def _threshold(counted: Iterable[tuple[int, str, float, int]]) -> float | None:
    amounts: dict[float, int] = {}
    for _, _, value, amount in counted:
        amounts[value] = amounts.get(value, 0) + amount
    return scales.threshold({value: ceil(amount / THOUSANDTHS) for value, amount in amounts.items() if amount > 0})


def floor(second: int, seconds: int) -> int:
    """Rounds a second down to the start of its slot."""
    return second - second % seconds


def add(total: Counts, more: Mapping[tuple[int, str], int], sign: int = 1) -> None:
    """Adds counters in place. Entries that cancel out stay as 0: their lists changed too and must be written again."""
    for entry, amount in more.items():
        total[entry] = total.get(entry, 0) + sign * amount


def summed(several: Iterable[Mapping[tuple[int, str], int]], seconds: int = 1) -> Counts:
    """Sums counters, in slots of at least `seconds`, without entries of 0."""
    total: Counts = {}
    for counts in several:
        entries = counts if seconds == 1 else [(floor(slot, seconds), name) for slot, name in counts]
        for entry, amount in zip(entries, counts.values(), strict=True):
            total[entry] = total.get(entry, 0) + amount
    return {entry: amount for entry, amount in total.items() if amount}


def pack(counts: Counts) -> bytes:
    """Packs counters; equal counters give equal bytes."""
    entries = sorted(counts.items())
    numbers = b"".join(ENTRY.pack(slot, amount) for (slot, _), amount in entries)
    names = "\n".join(item_id for (_, item_id), _ in entries).encode()
    return HEADER.pack(FORMAT, len(entries)) + compress(numbers + names, COMPRESSION)


def packed_within(counts: Counts, most_bytes: int) -> bytes:
    """Packs counters, dropping what has the least weight if they do not fit; equal counters give equal bytes.

    Items and event types can be dropped, outcomes never.
    """
    packed = pack(counts)
    if len(packed) <= most_bytes:
        return packed
    weights: dict[str, int] = {}
    for (_, name), amount in counts.items():
        if (subject := _subject(name)) is not None:
            weights[subject] = weights.get(subject, 0) + (amount * THOUSANDTHS if name.startswith(TYPED) else amount)
    heaviest = sorted(weights, key=lambda subject: (-weights[subject], subject))
    while len(packed) > most_bytes and heaviest:
        heaviest = heaviest[: len(heaviest) * 3 // 4]
        kept = {None, *heaviest}
        packed = pack({entry: amount for entry, amount in counts.items() if _subject(entry[1]) in kept})
    return packed


def _subject(name: str) -> str | None:
    """Returns what a name is about: an item, an event type, or None for outcomes."""
    return name if name.startswith(TYPED) else item_of(name)


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
