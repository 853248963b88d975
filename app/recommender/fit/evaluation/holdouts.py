"""Which interactions are held out to judge a model."""

import numpy as np

from app.recommender.fit.interactions import Floats, Integers, Interactions, Mask

SHARE = 0.2
SEVERAL_MOMENTS = 0.1
NEXT, RANDOM, TIME, LAST = "next", "random", "time", "last"
KINDS = (NEXT, TIME, LAST, RANDOM)
ORDERED = {NEXT, TIME, LAST}
"""Holdouts that leave only earlier interactions of the user for training."""


def next_moment(interactions: Interactions) -> Mask:
    """Returns a mask of each user's newest moment: all interactions of the newest of two or more times."""
    newest = user_times(interactions, np.maximum, -np.inf)
    mask: Mask = (interactions.times == newest[interactions.users]) & _several_moments(interactions)[interactions.users]
    return mask


def newest(interactions: Interactions, share: float = SHARE) -> Mask:
    """Returns a mask of the newest share of each user's interactions, at least one of two or more; ties go by item."""
    order = np.lexsort((interactions.items, interactions.times, interactions.users))
    counts = np.bincount(interactions.users, minlength=len(interactions.user_ids))
    ends = np.cumsum(counts)
    rank_from_end = np.repeat(ends, counts) - 1 - np.arange(len(interactions))
    held = np.zeros(len(interactions), dtype=bool)
    wanted = np.where(counts > 1, np.maximum(1, np.floor(share * counts)), 0)
    held[order] = rank_from_end < np.repeat(wanted, counts)
    return held


def at_random(interactions: Interactions, seed: int, share: float = SHARE) -> Mask:
    """Returns a mask of a random share of all interactions (numpy's default generator)."""
    return np.random.default_rng(seed).random(len(interactions)) < share


def after(interactions: Interactions, share: float = SHARE) -> Mask:
    """Returns a mask of the newest share of all interactions, across users, with all of the same time as the oldest."""
    held = int(share * len(interactions))
    mask: Mask = interactions.times >= (np.sort(interactions.times)[-held] if held else np.inf)
    return mask


def one_of_each(interactions: Interactions, mask: Mask, seed: int) -> Mask:
    """Returns a mask of a random one of each user's masked interactions (numpy's default generator)."""
    entries = np.random.default_rng(seed).permutation(np.flatnonzero(mask))
    _, first = np.unique(interactions.users[entries], return_index=True)
    chosen = np.zeros_like(mask)
    chosen[entries[first]] = True
    return chosen


def of_kind(interactions: Interactions, kind: str, seed: int) -> Mask:
    """Returns the mask of a holdout by its name; `seed` is for random ones."""
    if kind == NEXT:
        return next_moment(interactions)
    if kind == RANDOM:
        return at_random(interactions, seed)
    return after(interactions) if kind == TIME else newest(interactions)


def usual(interactions: Interactions) -> str:
    """Returns the usual holdout: `next` if a tenth of the users with several items have several moments."""
    several_items = np.bincount(interactions.users) > 1
    least = max(1.0, SEVERAL_MOMENTS * several_items.sum())
    return NEXT if _several_moments(interactions).sum() >= least else RANDOM


def _several_moments(interactions: Interactions) -> Mask:
    """Returns whether each user has interactions at several times, shape (users,)."""
    newest, oldest = user_times(interactions, np.maximum, -np.inf), user_times(interactions, np.minimum, np.inf)
    several: Mask = newest > oldest
    return several


def sampled(numbers: Integers, most: int) -> Integers:
    """Returns an even sample of at most so many numbers."""
    return numbers if len(numbers) <= most else numbers[np.linspace(0, len(numbers) - 1, most).astype(int)]


def user_times(interactions: Interactions, extreme: np.ufunc, empty: float) -> Floats:
    """Returns the newest (np.maximum) or oldest (np.minimum) time of each user, or `empty`, shape (users,)."""
    times = np.full(len(interactions.user_ids), empty)
    extreme.at(times, interactions.users, interactions.times)
    return times
