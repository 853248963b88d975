"""Baskets: the items that a user bought within an hour and did not return."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain.events import Event
from app.recommender.events.kinds import PURCHASE, RETURN
from app.recommender.events.weights import ByType, Weights
from app.recommender.fit.interactions import Floats, Integers

Mask = npt.NDArray[np.bool_]

BASKET_SECONDS = 3_600.0
"""A basket holds what its user bought within this time after its first item."""
MOST_ITEMS = 1_000
"""Items of a basket. The pairs of a larger one would say little and cost much memory."""
OF_ONE_USER = 5
"""The number of a user's baskets with an item that count, so that no user decides alone what goes with it."""
BOUGHT, RETURNED = 1, -1


@dataclass(frozen=True)
class Purchases:
    """Purchases and returns, in any order.

    Entry n: user number `users[n]` bought or returned item number `items[n]` at `times[n]` seconds since 1970.
    """

    users: Integers
    items: Integers
    times: Floats
    returned: Mask

    def kept(self) -> "Purchases":
        """Returns the purchases that were not returned, sorted by user, item and time.

        A return takes back the user's newest purchase of the item before it that is not taken back yet. Several
        purchases of an item at the same time are one.
        """
        order = np.lexsort((self.returned, self.times, self.items, self.users))
        ordered = self.taken(order)
        ordered = ordered.taken(_changes(ordered.users, ordered.items, ordered.times, ordered.returned))
        pair = np.cumsum(_changes(ordered.users, ordered.items)) - 1
        with_returns = np.flatnonzero(np.isin(pair, pair[ordered.returned]))
        kept, pending, last = ~ordered.returned, list[int](), -1
        for number in with_returns.tolist():
            if pair[number] != last:
                pending, last = [], pair[number]
            if not ordered.returned[number]:
                pending.append(number)
            elif pending:
                kept[pending.pop()] = False
        return ordered.taken(kept)

    def taken(self, chosen: Mask | Integers) -> "Purchases":
        """Returns the chosen entries."""
        return Purchases(self.users[chosen], self.items[chosen], self.times[chosen], self.returned[chosen])


def baskets(purchases: Purchases, width: int) -> sparse.csr_matrix:
    """Returns a matrix of ones of shape (baskets, items): the items of each basket.

    Baskets of more than MOST_ITEMS items are empty, and an item is only in the newest OF_ONE_USER of a user's baskets
    with it.

    Args:
        purchases: purchases and returns of some users, all that these have.
        width: the number of items.
    """
    kept = purchases.kept()
    kept = kept.taken(np.lexsort((kept.items, kept.times, kept.users)))
    basket = _numbers(kept)
    entries = np.unique(basket * width + kept.items)
    rows, items = entries // width, entries % width
    users = np.zeros(int(basket.max(initial=-1)) + 1, np.int64)
    users[basket] = kept.users
    counting = (np.bincount(rows, minlength=len(users)) <= MOST_ITEMS)[rows]
    rows, items = rows[counting], items[counting]
    newest = _from_end(users[rows] * width + items) < OF_ONE_USER
    rows, items = rows[newest], items[newest]
    return sparse.csr_matrix((np.ones(len(rows), np.int32), (rows, items)), (len(users), width))


def _changes(*columns: npt.NDArray[np.generic]) -> Mask:
    """Returns whether each entry differs from the one before it in a column."""
    differs = np.ones(len(columns[0]), bool)
    differs[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return differs


def _numbers(purchases: Purchases) -> Integers:
    """Returns the number of the basket of each purchase; they are sorted by user and time."""
    begins = np.zeros(len(purchases.users), np.int64)
    user, start = None, 0.0
    for number, (owner, time) in enumerate(zip(purchases.users.tolist(), purchases.times.tolist(), strict=True)):
        if owner != user or time - start > BASKET_SECONDS:
            begins[number], user, start = 1, owner, time
    return np.cumsum(begins) - 1


def _from_end(keys: Integers) -> Integers:
    """Returns how many later entries have the same key, for each entry."""
    order = np.argsort(keys, kind="stable")
    _, lengths = np.unique(keys, return_counts=True)
    ends = np.repeat(np.cumsum(lengths), lengths)
    later = np.empty(len(keys), np.int64)
    later[order] = ends - 1 - np.arange(len(keys))
    return later


class PurchaseLog:
    """Records the purchases and returns among events that others read."""

    def __init__(self, weights: Weights) -> None:
        self._signs = ByType(lambda event_type: sign(event_type, weights))
        self._users: dict[str, int] = {}
        self._items: dict[str, int] = {}
        self._numbers, self._times = array("i"), array("d")

    def recording(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yields the events, and records those that are purchases or returns."""
        for event in events:
            bought = self._signs[event.event_type]
            if bought:
                self._numbers.append(self._users.setdefault(event.user_id, len(self._users)))
                self._numbers.append(self._items.setdefault(event.item_id, len(self._items)))
                self._numbers.append(bought)
                self._times.append(event.timestamp.timestamp())
            yield event

    def purchases(self) -> tuple[Purchases, list[str]]:
        """Returns what was recorded, and the ids of the items, sorted."""
        columns = np.frombuffer(self._numbers, np.int32) if self._numbers else np.zeros(0, np.int32)
        users, items, signs = columns.reshape(-1, 3).astype(np.int64).T
        times = np.frombuffer(self._times) if self._times else np.zeros(0)
        item_ids = sorted(self._items)
        renumbered = np.zeros(len(item_ids), np.int64)
        renumbered[[self._items[item_id] for item_id in item_ids]] = np.arange(len(item_ids))
        return Purchases(users, renumbered[items], times, signs == RETURNED), item_ids


def sign(event_type: str, weights: Weights) -> int:
    """Returns BOUGHT or RETURNED, or 0 for other events and for purchases that the project does not learn from."""
    kind = weights.kind(event_type)
    if kind == PURCHASE and weights.in_learning(event_type) > 0:
        return BOUGHT
    return RETURNED if kind == RETURN else 0
