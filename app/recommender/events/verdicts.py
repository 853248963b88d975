"""Verdicts: what a user's events say about items for good, however many other events follow.

An item that the user bought or rated is consumed. An item whose newest event with a weight is negative is rejected.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from struct import Struct
from zlib import compress, decompress

from app.domain.events import Event
from app.recommender.events.weights import Weights

HEADER, TIMES = Struct("<cI"), Struct("<II")
FORMAT = b"\x01"
COMPRESSION = 1
MOST_BYTES = 100_000
"""Size of a user's packed verdicts, at least 5,000 of them; beyond it the oldest are dropped."""
NEVER, LAST = 0, 2**32 - 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """When the user consumed and rejected an item last, in seconds since 1970; 0 for never."""

    consumed_at: int = NEVER
    rejected_at: int = NEVER

    @property
    def at(self) -> int:
        return max(self.consumed_at, self.rejected_at)


NO_VERDICT = Verdict()
Verdicts = Mapping[str, Verdict]
"""By item."""
NO_VERDICTS: Verdicts = {}


def after(verdicts: Verdicts, events: Iterable[Event], weights: Weights) -> dict[str, Verdict]:
    """Returns the verdicts after some more events, in any order; events that are in them already change nothing."""
    changed = dict(verdicts)
    for event in sorted(events, key=lambda event: event.timestamp):
        before = changed.get(event.item_id, NO_VERDICT)
        verdict = _after(before, event, weights)
        if verdict == NO_VERDICT:
            changed.pop(event.item_id, None)
        elif verdict != before:
            changed[event.item_id] = verdict
    return changed


def _after(verdict: Verdict, event: Event, weights: Weights) -> Verdict:
    weight, at = weights.in_serving(event.event_type), _second(event)
    if weight < 0:
        return replace(verdict, rejected_at=max(verdict.rejected_at, at))
    if weight > 0 and at > verdict.rejected_at:
        verdict = replace(verdict, rejected_at=NEVER)
    if weights.is_lasting(event):
        verdict = replace(verdict, consumed_at=max(verdict.consumed_at, at))
    return verdict


def without(verdicts: Verdicts, events: Iterable[Event]) -> Verdicts:
    """Returns the verdicts without those that come from some events."""
    left = dict(verdicts)
    for event in events:
        verdict, at = left.get(event.item_id, NO_VERDICT), _second(event)
        left[event.item_id] = Verdict(
            NEVER if verdict.consumed_at == at else verdict.consumed_at,
            NEVER if verdict.rejected_at == at else verdict.rejected_at,
        )
    return left


def before(verdicts: Verdicts, time: datetime) -> Verdicts:
    """Returns the verdicts that come from events before a time, or in its second."""
    second, left = int(time.timestamp()), dict[str, Verdict]()
    for item_id, verdict in verdicts.items():
        old = Verdict(
            verdict.consumed_at if verdict.consumed_at <= second else NEVER,
            verdict.rejected_at if verdict.rejected_at <= second else NEVER,
        )
        if old != NO_VERDICT:
            left[item_id] = old
    return left


def consumed(verdicts: Verdicts) -> set[str]:
    return {item_id for item_id, verdict in verdicts.items() if verdict.consumed_at}


def rejected(verdicts: Verdicts) -> set[str]:
    return {item_id for item_id, verdict in verdicts.items() if verdict.rejected_at}


def _second(event: Event) -> int:
    return min(max(int(event.timestamp.timestamp()), NEVER + 1), LAST)


def pack(verdicts: Verdicts) -> bytes:
    """Packs verdicts, without the oldest if they do not fit; equal verdicts give equal bytes."""
    newest = sorted(verdicts.items(), key=lambda entry: (-entry[1].at, entry[0]))
    packed = _pack(newest)
    while len(packed) > MOST_BYTES:
        newest = newest[: len(newest) * 3 // 4]
        packed = _pack(newest)
    return packed


def _pack(entries: list[tuple[str, Verdict]]) -> bytes:
    times = b"".join(TIMES.pack(verdict.consumed_at, verdict.rejected_at) for _, verdict in entries)
    names = "\n".join(item_id for item_id, _ in entries).encode()
    return HEADER.pack(FORMAT, len(entries)) + compress(times + names, COMPRESSION)


def unpack(packed: bytes) -> dict[str, Verdict]:
    """Unpacks verdicts.

    Raises:
        ValueError: the bytes have another format.
    """
    form, number = HEADER.unpack_from(packed)
    if form != FORMAT:
        raise ValueError(f"unknown format {form!r} of packed verdicts")
    content = decompress(packed[HEADER.size :])
    ends = number * TIMES.size
    names = content[ends:].decode().split("\n")
    times = TIMES.iter_unpack(content[:ends])
    return {name: Verdict(*pair) for pair, name in zip(times, names, strict=False)}
