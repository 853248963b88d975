"""Transitions: which items come after which, in the histories of users.

    K[s, t] = sum over users u, moments m <= n of u with s in m, t in n:  w(n - m) * r(n) * Xn[u, s] * Xn[u, t]
    w(0) = SAME,  w(k) = DECAY^(k - 1) for k up to STEPS,  r(n) = 1 + recent_pairs * 2^(-age of n / HALF_LIFE_DAYS)

A moment is all items of a user with the same time (a basket); its items count in both directions. Solving the ridge
regression of `solver` with K in place of the Gram matrix gives the weights of order: Choi et al., "Session-aware Linear
Item-Item Models", WWW 2021 (SLIST); Park et al., "TALE", WSDM 2025. Decay by steps did better than decay by elapsed
time on both data sets of `make bench ONLY=next`. Counting recent pairs more did better than letting old ones fade away.
"""

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from app.recommender.events.weights import SECONDS_A_DAY
from app.recommender.fit.gram import BLOCK_ITEMS, apart, only
from app.recommender.fit.interactions import Integers, Interactions

STEPS = 20
"""Later moments that a moment is paired with."""
DECAY = 0.9
SAME = 0.5
"""Within a moment: such pairs say what belongs together, but not what comes next."""
HALF_LIFE_DAYS = 30.0


def transitions(interactions: Interactions, normal: sparse.csr_matrix, recent_pairs: float = 0.0) -> sparse.csr_matrix:
    """Returns K of shape (items, items), with a zero diagonal; the arguments are those of `transition_blocks`."""
    blocks = [block for _, block in transition_blocks(interactions, normal, recent_pairs)]
    return sparse.vstack(blocks, "csr")


def transition_blocks(
    interactions: Interactions, normal: sparse.csr_matrix, recent_pairs: float = 0.0, newest: float | None = None
) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Yields K in blocks of rows, each with the number of its first row.

    Args:
        interactions: the interactions with their times.
        normal: Xn, of shape (users, items).
        recent_pairs: how many times more than an old pair a new one counts, minus 1.
        newest: the time from which ages count, in seconds since 1970; that of the newest interaction by default.
    """
    moment = interactions.moments()
    count = int(moment.max(initial=-1)) + 1
    users = np.zeros(count, np.int64)
    users[moment] = interactions.users
    values = np.asarray(normal[interactions.users, interactions.items]).ravel()
    items = sparse.csr_matrix((values, (moment, interactions.items)), (count, normal.shape[1]))
    recency = np.ones(count)
    if recent_pairs and count:
        end = interactions.times.max() if newest is None else newest
        recency[moment] += recent_pairs * 2.0 ** (-(end - interactions.times) / (HALF_LIFE_DAYS * SECONDS_A_DAY))
    following = (sparse.diags(recency) @ items).tocsr()
    earlier = items.T.tocsr()
    for start in range(0, normal.shape[1], BLOCK_ITEMS):
        rows = earlier[start : start + BLOCK_ITEMS]
        own = np.unique(rows.indices)  # only the moments of these items: those of all would fill the memory
        pairs = rows.data, np.searchsorted(own, rows.indices), rows.indptr
        rows = sparse.csr_matrix(pairs, (rows.shape[0], len(own)))
        block = (rows @ (_later(users, own) @ following)).tocsr()
        yield start, only(block, apart(start, block))


def _later(users: Integers, chosen: Integers) -> sparse.csr_matrix:
    """Returns the weight of each moment for the chosen moments of the same user before it.

    Args:
        users: the user of each moment; the moments of a user follow each other.
        chosen: numbers of moments, ascending.

    Returns:
        A matrix of shape (chosen moments, moments).
    """
    count = len(users)
    rows, columns, weights = [np.arange(len(chosen))], [chosen], [np.full(len(chosen), SAME)]
    for step in range(1, STEPS + 1):
        first = np.flatnonzero(chosen + step < count)
        first = first[users[chosen[first]] == users[chosen[first] + step]]
        rows.append(first)
        columns.append(chosen[first] + step)
        weights.append(np.full(len(first), DECAY ** (step - 1)))
    entries = np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix(entries, (len(chosen), count))
