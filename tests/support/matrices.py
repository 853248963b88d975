"""Random interactions."""

import numpy as np
from scipy import sparse

from app.recommender.fit.interactions import Interactions


def some_interactions(seed: int = 0, users: int = 30, items: int = 12) -> sparse.csr_matrix:
    return timed_interactions(seed, users, items).matrix()


def timed_interactions(seed: int = 0, users: int = 30, items: int = 12, moments: int = 1_000) -> Interactions:
    """Interactions at whole seconds below `moments`; the first user has all items, the first item all users."""
    random = np.random.default_rng(seed)
    dense = random.random((users, items)) < 0.3
    dense[0, :] = dense[:, 0] = True
    user, item = dense.nonzero()
    times = random.integers(0, moments, len(user)).astype(float)
    user_ids, item_ids = ([f"{letter}{n:03d}" for n in range(count)] for letter, count in (("u", users), ("i", items)))
    return Interactions(user_ids, item_ids, user, item, np.ones(len(user)), times)
