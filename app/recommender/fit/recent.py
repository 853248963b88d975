"""Recent popularity as serving sees it: the decayed counts of all items just before a time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.recommender.events.weights import SECONDS_A_DAY
from app.recommender.fit.evaluation.metrics import Factors
from app.recommender.fit.interactions import Floats, Integers, Interactions, Mask


@dataclass(frozen=True)
class Recency:
    """How serving weighs time: the weights of a user's history, and the factor of recent popularity.

    Past events: 2^(-age / half life) * decay^(later moments). Items: (1 + r)^g, with r as in `RecentCounts.before`.
    While the user's newest moment is open, the decay and g can be others: the user may be in the middle of a basket.
    """

    half_life_days: float | None = None
    step_decay: float | None = None
    recent_half_life_days: float | None = None
    recent_exponent: float = 0.0
    """g; 0 leaves scores as they are."""
    open_step_decay: float | None = None
    """The decay in an open moment; None for the same as later."""
    open_recent_exponent: float | None = None
    """g in an open moment; None for the same as later."""
    open_seconds: float = 0.0
    """How long a moment is open after its events."""

    def step_decays(self, is_open: Mask) -> Floats | None:
        """Returns the decay of each user; None if nothing decays."""
        later = 1.0 if self.step_decay is None else self.step_decay
        decays = np.where(is_open, later if self.open_step_decay is None else self.open_step_decay, later)
        return None if (decays == 1.0).all() else decays

    def exponents(self, is_open: Mask) -> npt.NDArray[np.float32]:
        """Returns the exponent g of each user."""
        in_open = self.recent_exponent if self.open_recent_exponent is None else self.open_recent_exponent
        return np.where(is_open, in_open, self.recent_exponent).astype(np.float32)


NO_RECENCY = Recency()
HALF_LIVES = 20
"""Older events count less than a millionth."""


@dataclass(frozen=True)
class RecentCounts:
    """Interactions in the order of their times."""

    times: Floats
    items: Integers
    values: Floats
    width: int

    @classmethod
    def of(cls, interactions: Interactions) -> "RecentCounts":
        order = np.argsort(interactions.times, kind="stable")
        return cls(
            interactions.times[order], interactions.items[order], interactions.values[order], len(interactions.item_ids)
        )

    def before(self, times: Floats, half_life_days: float, items: Integers | None = None) -> npt.NDArray[np.float32]:
        """Returns r: for each time and item, the sum over interactions before it of value * 2^(-age / half life).

        Args:
            times: seconds since 1970, finite, in any order.
            half_life_days: the half-life.
            items: the items to return, all by default; the shape is (times, items).
        """
        half_life = half_life_days * SECONDS_A_DAY
        chosen = np.arange(self.width) if items is None else items
        result = np.zeros((len(times), len(chosen)), np.float32)
        if not len(times):
            return result
        start = int(np.searchsorted(self.times, times.min() - HALF_LIVES * half_life))
        counts, last = np.zeros(self.width), times.min()
        for number in np.argsort(times, kind="stable").tolist():
            now = times[number]
            counts *= 2.0 ** (-(now - last) / half_life)
            end = int(np.searchsorted(self.times, now))
            if end > start:
                ages = (now - self.times[start:end]) / half_life
                counts += np.bincount(self.items[start:end], self.values[start:end] * 2.0**-ages, self.width)
                start = end
            last = now
            result[number] = counts[chosen]
        return result

    def factors(self, times: Floats, recency: Recency, is_open: Mask, items: Integers | None = None) -> Factors | None:
        """Returns the factors (1 + r)^g of items for some users; None if g is 0 for all.

        Args:
            times: when each user's list is made, shape (users,).
            recency: the half-life and g.
            is_open: whether each user's newest moment is open then, shape (users,).
            items: the items to return factors of, all by default.
        """
        half_life_days, exponents = recency.recent_half_life_days, recency.exponents(is_open)
        if not half_life_days or not exponents.any():
            return None
        return lambda users: (1.0 + self.before(times[users], half_life_days, items)) ** exponents[users, None]
