"""Events as a matrix of users x items."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain import Event
from app.recommender import weights

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interactions:
    """The strongest event of each user and item.

    Entry n says: user `users[n]` did something of weight `values[n]` with item `items[n]`, last at `times[n]` seconds.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: Integers
    items: Integers
    values: Floats
    times: Floats
    rating_threshold: float | None = None

    def __len__(self) -> int:
        return len(self.users)

    def matrix(self, chosen: npt.NDArray[np.bool_] | None = None) -> sparse.csr_matrix:
        """X of shape (users, items), of the chosen entries or all."""
        entries = slice(None) if chosen is None else chosen
        shape = (len(self.user_ids), len(self.item_ids))
        return sparse.csr_matrix((self.values[entries], (self.users[entries], self.items[entries])), shape)

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Interactions":
        """The chosen entries; users keep their numbers, items are numbered anew."""
        kept, items = np.unique(self.items[chosen], return_inverse=True)
        return replace(self.taken(chosen), item_ids=[self.item_ids[number] for number in kept], items=items)

    def taken(self, chosen: npt.NDArray[np.bool_]) -> "Interactions":
        """The chosen entries; users and items keep their numbers."""
        return replace(
            self,
            users=self.users[chosen],
            items=self.items[chosen],
            values=self.values[chosen],
            times=self.times[chosen],
        )

    def aged(self, half_life_days: float | None) -> sparse.csr_matrix:
        """X as serving weighs a history: by age, counted from each user's newest event."""
        if half_life_days is None:
            return self.matrix()
        newest = np.full(len(self.user_ids), -np.inf)
        np.maximum.at(newest, self.users, self.times)
        ages = (newest[self.users] - self.times) / weights.SECONDS_A_DAY
        return replace(self, values=self.values * 2.0 ** (-ages / half_life_days)).matrix()


def gather(events: Iterable[Event]) -> Interactions:
    """Read events, in any order, once; events that count nothing are left out."""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    strongest: dict[tuple[int, int], tuple[float, float]] = {}
    ratings: dict[tuple[int, int], tuple[float, float]] = {}
    for event in events:
        weight = weights.to_learn(event.event_type, event.value, None)
        if not weight:
            continue
        pair = users.setdefault(event.user_id, len(users)), items.setdefault(event.item_id, len(items))
        time = event.timestamp.timestamp()
        if event.event_type == weights.RATING and event.value is not None:
            ratings[pair] = max(ratings.get(pair, (time, event.value)), (time, event.value))
        else:
            past_weight, past_time = strongest.get(pair, (0.0, time))
            strongest[pair] = max(weight, past_weight), max(time, past_time)
    threshold = weights.rating_threshold(max((value for _, value in ratings.values()), default=None))
    for pair, (time, value) in ratings.items():
        if threshold is None or value >= threshold:
            past_weight, past_time = strongest.get(pair, (0.0, time))
            strongest[pair] = max(1.0, past_weight), max(time, past_time)
    pairs = np.array(list(strongest), dtype=np.int64).reshape(-1, 2)
    facts = np.array(list(strongest.values()), dtype=np.float64).reshape(-1, 2)
    return _compact(list(users), list(items), pairs, facts, threshold)


def _compact(
    user_ids: list[str], item_ids: list[str], pairs: Integers, facts: Floats, threshold: float | None
) -> Interactions:
    """Renumber, so that only users and items with interactions are left, in the order of their ids."""

    def renumber(ids: list[str], column: Integers) -> tuple[list[str], Integers]:
        used = sorted(set(column.tolist()), key=lambda number: ids[number])
        place = np.zeros(len(ids), dtype=np.int64)
        place[used] = np.arange(len(used))
        return [ids[number] for number in used], place[column]

    kept_users, users = renumber(user_ids, pairs[:, 0])
    kept_items, items = renumber(item_ids, pairs[:, 1])
    order = np.lexsort((items, users))
    return Interactions(kept_users, kept_items, users[order], items[order], facts[order, 0], facts[order, 1], threshold)


def combined(train: Interactions, test: Interactions) -> tuple[Interactions, npt.NDArray[np.bool_]]:
    """Both with common numbers, and True for those of the test part; what is in both counts as training."""
    user_ids = sorted({*train.user_ids, *test.user_ids})
    item_ids = sorted({*train.item_ids, *test.item_ids})

    def numbered(part: Interactions) -> tuple[Integers, Integers]:
        users, items = np.array(user_ids), np.array(item_ids)
        return (
            np.searchsorted(users, np.array(part.user_ids))[part.users],
            np.searchsorted(items, np.array(part.item_ids))[part.items],
        )

    (train_users, train_items), (test_users, test_items) = numbered(train), numbered(test)
    new = ~np.isin(test_users * len(item_ids) + test_items, train_users * len(item_ids) + train_items)
    together = replace(
        train,
        user_ids=user_ids,
        item_ids=item_ids,
        users=np.concatenate((train_users, test_users[new])),
        items=np.concatenate((train_items, test_items[new])),
        values=np.concatenate((train.values, test.values[new])),
        times=np.concatenate((train.times, test.times[new])),
    )
    return together, np.arange(len(together)) >= len(train)
