"""Shares: what each user adds to the counters of an item: once in a window, the weight of their strongest event.

    an event adds max(0, its weight - what the user's earlier events with the item added within the window)

A user's newest rating of an item counts, if the user has not counted for the item yet, under its value: whether it is
liked depends on the scale of the project, which more ratings may change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import isnan, nan
from struct import Struct

from app.domain.events import Event
from app.recommender import counts
from app.recommender.counts import THOUSANDTHS, Counts
from app.recommender.events.weights import is_rating

ITEM_BYTES, EVENT_BYTES = 6, 6
PACKED = Struct(f"<{ITEM_BYTES}s{EVENT_BYTES}sIif")
MOST_SHARES = 2_000
"""Shares of one user; beyond it the oldest are forgotten, and their items may count again."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one event added to the counters of its item."""

    event: bytes
    """Digest of the event's time and id."""
    slot: int
    amount: int
    rating: float = nan
    """The value of a rating; NaN for other events."""

    @property
    def is_rating(self) -> bool:
        return not isnan(self.rating)

    def counts(self, item_id: str) -> Counts:
        name = counts.rated(item_id, self.rating) if self.is_rating else item_id
        return {(self.slot, name): self.amount}


class Shares:
    """The shares of one user, by digest of the item."""

    def __init__(self, window_seconds: float, packed: bytes | None = None) -> None:
        self._window_seconds = window_seconds
        self._shares: dict[bytes, list[Share]] = {}
        for item, event, slot, amount, rating in PACKED.iter_unpack(packed or b""):
            self._shares.setdefault(item, []).append(Share(event, slot, amount, rating))

    def add(self, event: Event, weight: float, arrived: int) -> Counts:
        """Returns what an event adds to the counters; the same event again adds the same.

        Args:
            event: the event.
            weight: the weight of its type in lists.
            arrived: when it was stored, in seconds since 1970.
        """
        full, item, name = round(weight * THOUSANDTHS), _digest(event.item_id, ITEM_BYTES), _name(event)
        if full <= 0 or arrived - event.timestamp.timestamp() >= self._window_seconds:
            return {}
        before = self._shares.get(item, [])
        same = next((share for share in before if share.event == name), None)
        if same is not None:
            return same.counts(event.item_id)
        share = Share(name, counts.slot_of(event, arrived), full, _rating(event))
        newest = max((other.slot for other in before), default=share.slot)
        if newest - share.slot >= self._window_seconds:  # it comes so late that no window has both
            return share.counts(event.item_id)
        if share.slot - newest >= self._window_seconds:
            before = []
        after = self._shares[item] = _joined(before, share)
        return _difference(event.item_id, before, after)

    def remove(self, event: Event) -> Counts:
        """Returns what the removal of an event adds to the counters: the opposite of what the event added."""
        item, name = _digest(event.item_id, ITEM_BYTES), _name(event)
        before = self._shares.get(item, [])
        self._shares[item] = [share for share in before if share.event != name]
        return _difference(event.item_id, before, self._shares[item])

    def pack(self) -> bytes | None:
        """Packs the shares of the last window; None if there are none. Equal shares give equal bytes."""
        shares = sorted(
            ((share.slot, item, share) for item, of_item in self._shares.items() for share in of_item),
            key=lambda entry: (entry[0], entry[1], entry[2].event),
        )[-MOST_SHARES:]
        since = shares[-1][0] - self._window_seconds if shares else 0
        current = [(item, share) for slot, item, share in shares if slot > since]
        packed = (PACKED.pack(item, share.event, share.slot, share.amount, share.rating) for item, share in current)
        return b"".join(packed) or None


def _joined(before: list[Share], new: Share) -> list[Share]:
    """Returns the shares of an item after another event; an event that adds nothing is left out."""
    others = [share for share in before if not share.is_rating]
    rating = next((share for share in before if share.is_rating), None)
    counted = sum(share.amount for share in others)
    more = max(0, new.amount - counted)
    if not new.is_rating:
        if more:
            others.append(replace(new, amount=more))
        if rating is not None:
            rating = replace(rating, amount=max(0, rating.amount - more))
    elif rating is None or rating.slot <= new.slot:
        rating = replace(new, amount=more)
    return [*others, rating] if rating is not None and rating.amount else others


def _difference(item_id: str, before: Iterable[Share], after: Iterable[Share]) -> Counts:
    total: Counts = {}
    for sign, shares in ((-1, before), (1, after)):
        for share in shares:
            counts.add(total, share.counts(item_id), sign)
    return {entry: amount for entry, amount in total.items() if amount}


def _rating(event: Event) -> float:
    return event.value if event.value is not None and is_rating(event) else nan


def _name(event: Event) -> bytes:
    return _digest(f"{event.timestamp.isoformat()}#{event.event_id}", EVENT_BYTES)


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode(), digest_size=size).digest()
