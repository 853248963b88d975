import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommender.fit.recent import Recency, RecentCounts
from tests.support.matrices import timed_interactions

HALF_LIFE_DAYS = 100 / 86_400


class TestRecentCounts:
    @given(st.integers(0, 30), st.lists(st.integers(-10, 1_100), max_size=6))
    def test_only_earlier_interactions_count_and_halve_with_age(self, seed: int, moments: list[int]) -> None:
        x, times = timed_interactions(seed), np.array(moments, float)
        chosen = np.array([1, 5])

        counts = RecentCounts.of(x).before(times, HALF_LIFE_DAYS, chosen)

        ages = times[:, None] - x.times[None, :]
        terms = np.where(ages > 0, 2.0 ** (-np.maximum(ages, 0.0) / 100), 0.0)
        expected = np.stack([terms[:, x.items == item].sum(axis=1) for item in chosen], axis=1)
        assert counts == pytest.approx(expected, rel=1e-4, abs=1e-5)

    def test_factors_are_powers_of_the_counts(self) -> None:
        recent, times = RecentCounts.of(timed_interactions()), np.array([500.0, 900.0])

        factors = recent.factors(times, Recency(recent_half_life_days=HALF_LIFE_DAYS, recent_exponent=0.5))

        assert factors is not None
        expected = np.sqrt(1.0 + recent.before(times[1:], HALF_LIFE_DAYS))
        assert factors(np.array([1])) == pytest.approx(expected)
        assert recent.factors(times, Recency()) is None
