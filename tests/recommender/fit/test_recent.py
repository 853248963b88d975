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

        recency = Recency(recent_half_life_days=HALF_LIFE_DAYS, recent_exponent=0.5, open_recent_exponent=1.0)

        factors = recent.factors(times, recency, np.array([True, False]))

        assert factors is not None
        in_open, later = 1.0 + recent.before(times, HALF_LIFE_DAYS)
        assert factors(np.array([0, 1])) == pytest.approx(np.array([in_open, np.sqrt(later)]))
        assert recent.factors(times, Recency(), np.array([True, False])) is None


class TestRecency:
    def test_parameters_of_open_moments_are_those_of_later_unless_they_are_chosen(self) -> None:
        both = np.array([True, False])

        assert Recency().step_decays(both) is None
        assert Recency(step_decay=0.5).step_decays(both).tolist() == [0.5, 0.5]  # type: ignore[union-attr]
        assert Recency(open_step_decay=0.5).step_decays(both).tolist() == [0.5, 1.0]  # type: ignore[union-attr]
        assert Recency(recent_exponent=0.5).exponents(both).tolist() == [0.5, 0.5]
        assert Recency(recent_exponent=0.5, open_recent_exponent=0.0).exponents(both).tolist() == [0.0, 0.5]
