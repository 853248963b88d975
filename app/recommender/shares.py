"""Shares: what each user adds to the counters of an item: once in a window, the weight of their strongest event.

    in the order of time, an event adds max(0, its weight - what the user's earlier events with the item added)

A user's newest rating of an item counts, if the user has not counted for the item yet, under its value: whether it is
liked depends on the scale of the project, which more ratings may change.

Stored are only the events that add something, and whether there are others. If an event is removed from an item with
others, these have to be looked up, because one of them may add something now. The result of a look-up is stored before
anything is counted, so that a batch that is delivered again counts the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from math import isnan, nan
from struct import Struct

from app.domain.events import Event
from app.recommender import counts
from app.recommender.counts import COARSE_SECONDS, FINE_SECONDS, THOUSANDTHS, Counts
from app.recommender.events.weights import is_rating

DIGEST_BYTES = 6
PACKED = Struct(f"<{DIGEST_BYTES}s{DIGEST_BYTES}sIifB")
COARSE, SPARE, OTHERS = 1, 2, 4
"""Flags of a packed share: its slot is a day; it is spare; its item has others that are not stored."""
NO_LOOKUP = bytes(DIGEST_BYTES)
MOST_SHARES = 2_000
"""Shares of one user; beyond it the oldest are forgotten, and their items may count again."""


@dataclass(frozen=True, slots=True)
class Share:
    """An event that may add its weight to the counters of its item."""

    event: bytes
    """Digest of the event's time and id."""
    second: int
    """When it happened, in seconds since 1970."""
    is_coarse: bool
    """Whether it is counted in a slot of a day."""
    weight: int
    rating: float = nan
    """The value of a rating; NaN for other events."""
    is_spare: bool = False
    """Whether it was looked up for a removal that was not counted yet. Until then it adds nothing."""

    @property
    def slot(self) -> int:
        return counts.floor(self.second, COARSE_SECONDS if self.is_coarse else FINE_SECONDS)

    @property
    def is_rating(self) -> bool:
        return not isnan(self.rating)


@dataclass(slots=True)
class _OfItem:
    """The shares of one item."""

    shares: list[Share] = field(default_factory=list)
    has_others: bool = False

    def adding(self) -> Iterator[tuple[Share, int]]:
        """Yields the shares that add something, with the amounts."""
        added = 0
        shares = sorted((share for share in self.shares if not share.is_spare), key=_time)
        for share in shares:
            if not share.is_rating and share.weight > added:
                yield share, share.weight - added
                added = share.weight
        rating = next((share for share in reversed(shares) if share.is_rating), None)
        if rating is not None and rating.weight > added:
            yield rating, rating.weight - added

    def counts(self, item_id: str) -> Counts:
        total: Counts = {}
        for share, amount in self.adding():
            name = counts.rated(item_id, share.rating) if share.is_rating else item_id
            counts.add(total, {(share.slot, name): amount})
        return total

    def prune(self) -> None:
        """Forgets the shares that add nothing."""
        needed = [share for share, _ in self.adding()] + [share for share in self.shares if share.is_spare]
        self.has_others = self.has_others or len(needed) < len(self.shares)
        self.shares = needed


class Shares:
    """The shares of one user, by digest of the item."""

    def __init__(self, window_seconds: float, packed: bytes | None = None) -> None:
        self._window_seconds = window_seconds
        self._items: dict[bytes, _OfItem] = {}
        self._looked_up = packed[:DIGEST_BYTES] if packed else NO_LOOKUP
        """The digest of the removed event for which others were looked up."""
        self._lacking: list[Event] = []
        for item, event, second, weight, rating, flags in PACKED.iter_unpack((packed or b"")[DIGEST_BYTES:]):
            of_item = self._items.setdefault(item, _OfItem(has_others=bool(flags & OTHERS)))
            of_item.shares.append(Share(event, second, bool(flags & COARSE), weight, rating, bool(flags & SPARE)))

    @property
    def lacking(self) -> Sequence[Event]:
        """The removed events whose items may have others that have to be looked up."""
        return self._lacking if self._lacking and _name(self._lacking[0]) != self._looked_up else ()

    def add(self, event: Event, weight: float, arrived: int) -> Counts:
        """Returns what an event adds to the counters; an event that was counted or looked up before adds nothing.

        Args:
            event: the event.
            weight: the weight of its type in lists.
            arrived: when it was stored, in seconds since 1970.
        """
        share = self._share(event, weight, arrived)
        if share is None:
            return {}
        of_item = self._items.setdefault(_digest(event.item_id), _OfItem())
        if any(other.event == share.event and not other.is_spare for other in of_item.shares):
            return {}
        of_item.shares = [other for other in of_item.shares if other.event != share.event]
        newest = max((other.slot for other in of_item.shares), default=share.slot)
        if newest - share.slot >= self._window_seconds:  # it comes so late that no window has both
            return _OfItem([share]).counts(event.item_id)
        before = of_item.counts(event.item_id)
        if share.slot - newest >= self._window_seconds:
            before, of_item.shares, of_item.has_others = {}, [], False
        of_item.shares.append(share)
        return _difference(before, of_item.counts(event.item_id))

    def remove(self, event: Event) -> Counts:
        """Returns what the removal of an event adds to the counters: less for the event, more for others after it."""
        of_item, name = self._items.get(_digest(event.item_id)), _name(event)
        if of_item is None or all(share.event != name or share.is_spare for share in of_item.shares):
            return {}
        if of_item.has_others:
            self._lacking.append(event)
        before = of_item.counts(event.item_id)
        of_item.shares = [replace(share, is_spare=False) for share in of_item.shares if share.event != name]
        return _difference(before, of_item.counts(event.item_id))

    def look_up(
        self, removed: Sequence[Event], events: Iterable[Event], weight: Callable[[Event], float], now: int
    ) -> None:
        """Adds the user's other events with the items of some removed events.

        Args:
            removed: the events that `lacking` named after the changes of a batch; these shares are those before it.
            events: all events of the user now.
            weight: returns the weight of an event in lists.
            now: the time that counts as the time of arrival of all of them, in seconds since 1970.
        """
        found = {_digest(event.item_id): _OfItem() for event in removed}
        for event in events:
            of_item = found.get(_digest(event.item_id))
            share = self._share(event, weight(event), now)
            if of_item is not None and share is not None:
                of_item.shares.append(share)
        for item, of_item in found.items():
            stored = self._items.setdefault(item, _OfItem())
            names = {share.event for share in stored.shares}
            of_item.shares = [share for share in of_item.shares if share.event not in names]
            of_item.prune()
            stored.shares += [replace(share, is_spare=True) for share in of_item.shares]
            stored.has_others = of_item.has_others
        self._looked_up = _name(removed[0])

    def pack(self, *, looked_up: bool = False) -> bytes | None:
        """Packs the shares of the last window; None if there are none. Equal shares give equal bytes.

        Args:
            looked_up: whether the batch for which events were looked up has not been counted yet.
        """
        for of_item in self._items.values():
            of_item.prune()
        entries = [
            (share.slot, item, share, of_item) for item, of_item in self._items.items() for share in of_item.shares
        ]
        newest = sorted(entries, key=lambda entry: (*entry[:2], entry[2].event))[-MOST_SHARES:]
        since = newest[-1][0] - self._window_seconds if newest else 0
        packed = b"".join(_packed(item, share, of_item) for slot, item, share, of_item in newest if slot > since)
        return (self._looked_up if looked_up else NO_LOOKUP) + packed if packed or looked_up else None

    def _share(self, event: Event, weight: float, arrived: int) -> Share | None:
        """Returns the share of an event; None if it is in no list."""
        happened, full = int(event.timestamp.timestamp()), round(weight * THOUSANDTHS)
        if full <= 0 or arrived - event.timestamp.timestamp() >= self._window_seconds:
            return None
        rating = event.value if event.value is not None and is_rating(event) else nan
        return Share(_name(event), max(happened, 0), counts.is_coarse(happened, arrived), full, rating)


def _packed(item: bytes, share: Share, of_item: _OfItem) -> bytes:
    flags = COARSE * share.is_coarse | SPARE * share.is_spare | OTHERS * of_item.has_others
    return PACKED.pack(item, share.event, share.second, share.weight, share.rating, flags)


def _time(share: Share) -> tuple[int, bytes]:
    return share.second, share.event


def _difference(before: Counts, after: Counts) -> Counts:
    total: Counts = dict(after)
    counts.add(total, before, -1)
    return {entry: amount for entry, amount in total.items() if amount}


def _name(event: Event) -> bytes:
    return _digest(f"{event.timestamp.isoformat()}#{event.event_id}")


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()
