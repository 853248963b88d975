"""Reads events into a matrix of users x items."""

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain.events import Event
from app.recommender.events import ratings as scales
from app.recommender.events import weights as weighing
from app.recommender.events.weights import DEFAULT, SECONDS_A_DAY, Weights

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Interactions:
    """The strongest event of each user and item.

    Entry n: user `users[n]` interacted with item `items[n]` with weight `values[n]`, last at `times[n]` seconds.
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

    def matrix(self, chosen: Mask | None = None) -> sparse.csr_matrix:
        """Returns X of shape (users, items), with the chosen entries or all."""
        entries = slice(None) if chosen is None else chosen
        shape = (len(self.user_ids), len(self.item_ids))
        return sparse.csr_matrix((self.values[entries], (self.users[entries], self.items[entries])), shape)

    def only(self, chosen: Mask) -> "Interactions":
        """Returns the chosen entries; users keep their numbers, items are renumbered."""
        kept, items = np.unique(self.items[chosen], return_inverse=True)
        return replace(self.taken(chosen), item_ids=[self.item_ids[number] for number in kept], items=items)

    def taken(self, chosen: Mask) -> "Interactions":
        """Returns the chosen entries; users and items keep their numbers."""
        return replace(
            self,
            users=self.users[chosen],
            items=self.items[chosen],
            values=self.values[chosen],
            times=self.times[chosen],
        )

    def moments(self) -> Integers:
        """Returns the number of each entry's moment: its user's entries of the same time, numbered by user and time."""
        order = np.lexsort((self.times, self.users))
        users, times = self.users[order], self.times[order]
        begins = np.append(True, (users[1:] != users[:-1]) | (times[1:] != times[:-1]))[: len(order)]
        numbers = np.empty(len(order), np.int64)
        numbers[order] = np.cumsum(begins) - 1
        return numbers

    def aged(self, half_life_days: float | None, step_decay: float | Floats | None = None) -> sparse.csr_matrix:
        """Returns X weighted as in serving: by age relative to the user's newest event, and by later moments.

        Args:
            half_life_days: the half-life; None if age does not matter.
            step_decay: the factor of each later moment, for all users or of each, shape (users,).
        """
        values = self.values
        if half_life_days is not None:
            newest = np.full(len(self.user_ids), -np.inf)
            np.maximum.at(newest, self.users, self.times)
            ages = (newest[self.users] - self.times) / SECONDS_A_DAY
            values = values * 2.0 ** (-ages / half_life_days)
        if step_decay is not None:
            moments = self.moments()
            last = np.zeros(len(self.user_ids), np.int64)
            np.maximum.at(last, self.users, moments)
            decays = np.broadcast_to(step_decay, len(self.user_ids))[self.users]
            values = values * decays ** (last[self.users] - moments)
        return replace(self, values=values).matrix()


def most_frequent(counts: Integers, number: int) -> Integers:
    """Returns the positions of the largest counts; of equals, the first."""
    return np.argsort(-counts, kind="stable")[:number]


def gather(events: Iterable[Event], weights: Weights = DEFAULT) -> Interactions:
    """Reads events once, in any order, at 32 bytes an event; events of weight 0 are left out."""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    numbers, facts = array("i"), array("d")
    for event in events:
        weight = weights.in_learning(event.event_type)
        if not weight:
            continue
        numbers.append(users.setdefault(event.user_id, len(users)))
        numbers.append(items.setdefault(event.item_id, len(items)))
        facts.append(weight)
        facts.append(event.timestamp.timestamp())
        facts.append(event.value if event.value is not None and weighing.is_rating(event) else math.nan)
    pairs = np.frombuffer(numbers, np.int32).reshape(-1, 2).astype(np.int64) if numbers else np.empty((0, 2), np.int64)
    values, times, ratings = (np.frombuffer(facts) if facts else np.empty(0)).reshape(-1, 3).T
    width = max(len(items), 1)
    pair = pairs[:, 0] * width + pairs[:, 1]
    rated = ~np.isnan(ratings)
    last = _last_of_each(pair[rated], times[rated], ratings[rated])
    rating_pair, rating_time, rating = pair[rated][last], times[rated][last], ratings[rated][last]
    threshold = _threshold(rating)
    liked = rating >= _of_users(rating_pair // width, rating, threshold or 0.0)
    pair = np.concatenate((pair[~rated], rating_pair[liked]))
    order = np.argsort(pair, kind="stable")
    distinct, starts = np.unique(pair[order], return_index=True)
    values = np.concatenate((values[~rated], values[rated][last][liked]))[order]
    times = np.concatenate((times[~rated], rating_time[liked]))[order]
    if len(starts):
        values, times = np.maximum.reduceat(values, starts), np.maximum.reduceat(times, starts)
    user_ids, of_users = _renumbered(list(users), distinct // width)
    item_ids, of_items = _renumbered(list(items), distinct % width)
    order = np.lexsort((of_items, of_users))
    return Interactions(user_ids, item_ids, of_users[order], of_items[order], values[order], times[order], threshold)


def _last_of_each(pair: Integers, times: Floats, ratings: Floats) -> Integers:
    """Returns the position of each pair's newest rating; of equal times, the highest rating."""
    order = np.lexsort((ratings, times, pair))
    ends = np.append(pair[order][1:] != pair[order][:-1], True) if len(order) else np.zeros(0, bool)
    last: Integers = order[ends]
    return last


def _threshold(rating: Floats) -> float | None:
    values, numbers = np.unique(rating, return_counts=True)
    return scales.threshold(dict(zip(values.tolist(), numbers.tolist(), strict=True)))


def _of_users(users: Integers, rating: Floats, threshold: float) -> Floats:
    """Returns the threshold of the user of each rating: `ratings.threshold_of_user`."""
    order = np.lexsort((rating, users))
    _, starts, numbers = np.unique(users[order], return_index=True, return_counts=True)
    seconds = rating[order][np.maximum(starts, starts + numbers - 2)]
    own = (numbers >= scales.OWN_RATINGS) & np.array([scales.has_own_scale(each, threshold) for each in seconds], bool)
    thresholds = np.empty(len(rating))
    thresholds[order] = np.repeat(np.where(own, scales.LIKED * seconds, threshold), numbers)
    return thresholds


def _renumbered(ids: list[str], column: Integers) -> tuple[list[str], Integers]:
    """Keeps only the ids that occur, sorted, and renumbers the column."""
    used = sorted(np.unique(column).tolist(), key=lambda number: ids[number])
    new_numbers = np.zeros(len(ids), dtype=np.int64)
    new_numbers[used] = np.arange(len(used))
    return [ids[number] for number in used], new_numbers[column]


def combined(train: Interactions, test: Interactions) -> tuple[Interactions, Mask]:
    """Joins both under common numbers and returns a mask of the test entries; entries in both count as training."""
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
