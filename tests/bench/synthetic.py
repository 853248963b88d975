"""Seeded synthetic interactions of any size: power-law popularity and activity, one taste per item, three per user."""

import numpy as np
import numpy.typing as npt

from app.recommender.fit.interactions import Integers

ITEMS_A_TASTE = 250
TASTES_A_USER = 3
STRAY = 0.2
"""Share of the interactions that follow only popularity."""
REPEATED = 1.15
"""Pairs drawn per wanted pair, because duplicates are dropped."""
MOST = 2_000


def interactions(users: int, items: int, wanted: int, seed: int = 0) -> tuple[Integers, Integers]:
    """Draws about `wanted` distinct pairs; returns user and item numbers, sorted by user."""
    random = np.random.default_rng(seed)
    tastes = max(8, items // ITEMS_A_TASTE)
    taste = random.integers(0, tastes, items)
    popularity = random.permutation(1.0 / (np.arange(items) + 10) ** 0.9)
    order = np.argsort(taste, kind="stable")
    cumulated = np.concatenate(([0.0], np.cumsum(popularity[order])))
    bounds = cumulated[np.searchsorted(taste[order], np.arange(tastes + 1))]
    user = np.repeat(np.arange(users), _activity(users, wanted, random))
    own = random.integers(0, tastes, (users, TASTES_A_USER))
    chosen = own[user, random.integers(0, TASTES_A_USER, len(user))]
    stray, where = random.random(len(user)) < STRAY, random.random(len(user))
    drawn = np.where(stray, where * cumulated[-1], bounds[chosen] + where * (bounds[chosen + 1] - bounds[chosen]))
    item = order[np.clip(np.searchsorted(cumulated, drawn, side="right") - 1, 0, items - 1)]
    pairs = np.unique(user * items + item)
    return pairs // items, pairs % items


def _activity(users: int, wanted: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    drawn = np.minimum(random.pareto(1.6, users) + 1.0, MOST * users / wanted)
    counts: npt.NDArray[np.int64] = np.clip(np.round(drawn / drawn.mean() * wanted * REPEATED / users), 2, MOST).astype(
        np.int64
    )
    return counts
