"""Assignment of users to versions, team drafts of two lists, and confidence intervals."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.domain.models import Variant
from app.domain.recommendations import NEIGHBORS, Recommendation
from app.recommender import experiments, intervals

USERS = [f"user-{number}" for number in range(4_000)]


def by_user(**shares: float) -> dict[str, str]:
    variants = [Variant(version, share) for version, share in shares.items()]
    return {user: experiments.variant_of(variants, user).version for user in USERS}


def listed(names: list[int]) -> list[Recommendation]:
    return [Recommendation(f"i{name}", 1.0, NEIGHBORS) for name in names]


class TestVariants:
    def test_each_variant_gets_its_share_of_the_users(self) -> None:
        served = list(by_user(a=0.7, b=0.2, c=0.1).values())

        assert [round(served.count(version) / len(served), 1) for version in "abc"] == [0.7, 0.2, 0.1]

    def test_users_move_only_to_the_version_whose_share_grows(self) -> None:
        before, after = by_user(a=0.9, b=0.1), by_user(a=0.6, b=0.4)

        moved = {(before[user], after[user]) for user in USERS if before[user] != after[user]}
        assert moved == {("a", "b")}


class TestTeamDraft:
    @given(
        ours=st.lists(st.integers(0, 9), unique=True, max_size=8),
        theirs=st.lists(st.integers(0, 9), unique=True, max_size=8),
        limit=st.integers(1, 10),
        seed=st.text(max_size=3),
    )
    def test_no_item_repeats_and_both_sides_pick_equally_often(
        self, ours: list[int], theirs: list[int], limit: int, seed: str
    ) -> None:
        marked = [Recommendation(entry.item_id, 1.0, NEIGHBORS, from_challenger=True) for entry in listed(theirs)]

        drafted = experiments.team_draft(listed(ours), marked, limit, seed, lambda _: True)

        names = [recommendation.item_id for recommendation in drafted]
        assert len(names) == len(set(names)) == min(limit, len({*ours, *theirs}))
        for side, chosen in ((ours, False), (theirs, True)):
            own = [recommendation.item_id for recommendation in drafted if recommendation.from_challenger == chosen]
            assert own == [f"i{name}" for name in side if f"i{name}" in own]
        picks = sum(
            recommendation.from_challenger for recommendation in drafted[: 2 * min(len(ours), len(theirs)) // 2]
        )
        if len(set(ours) & set(theirs)) == 0 and drafted:
            assert abs(2 * picks - min(len(drafted), 2 * min(len(ours), len(theirs)) // 2)) <= 1

    def test_each_side_picks_first_equally_often(self) -> None:
        first = [
            experiments.team_draft(
                listed([1]), [Recommendation("i2", 1.0, NEIGHBORS, from_challenger=True)], 1, user, lambda _: True
            )[0]
            for user in USERS
        ]

        assert 0.45 < sum(recommendation.from_challenger for recommendation in first) / len(first) < 0.55


class TestIntervals:
    def test_rate_intervals_equal_wilsons(self) -> None:
        """Brown, Cai and DasGupta (2001) give no table; these bounds were computed by hand from their formula."""
        interval = intervals.of_rate(10, 100)

        assert interval is not None
        assert (round(interval.value, 4), round(interval.low, 4), round(interval.high, 4)) == (0.1, 0.0552, 0.1744)
        assert intervals.of_rate(0, 0) is None
        assert intervals.of_rate(7, 5) == intervals.of_rate(5, 5)

    def test_intervals_contain_the_rate_as_often_as_stated(self) -> None:
        random = Random(1)
        covered = 0
        for _ in range(1_000):
            interval = intervals.of_rate(sum(random.random() < 0.05 for _ in range(300)), 300)
            assert interval
            covered += interval.low <= 0.05 <= interval.high
        assert 0.93 < covered / 1_000 < 0.98

    def test_intervals_contain_the_mean_as_often_as_stated(self) -> None:
        random = Random(1)
        covered = 0
        for _ in range(1_000):
            values = [random.expovariate(0.1) for _ in range(200)]
            interval = intervals.of_mean(sum(values), sum(value * value for value in values), len(values))
            assert interval
            covered += interval.low <= 10.0 <= interval.high
        assert 0.92 < covered / 1_000 < 0.98

    def test_daily_looks_rarely_find_a_false_difference_and_find_a_real_one(self) -> None:
        random = Random(1)

        def is_significant(rate_a: float, rate_b: float) -> bool:
            clicks, shown = [0, 0], 0
            for _ in range(60):
                shown += 200
                for side, rate in enumerate((rate_a, rate_b)):
                    clicks[side] += sum(random.random() < rate for _ in range(200))
                difference = intervals.of_rate_difference((clicks[0], clicks[1]), (shown, shown))
                if difference and difference.p < 0.05:
                    return True
            return False

        assert sum(is_significant(0.1, 0.1) for _ in range(100)) <= 5
        assert sum(is_significant(0.1, 0.13) for _ in range(20)) >= 18

    def test_differences_of_daily_looks_stay_within_their_intervals(self) -> None:
        random = Random(2)

        def leaves_the_interval(rate: float, more: float, price: float) -> bool:
            clicks, shown, revenue = [0, 0], 0, [0.0, 0.0]
            for _ in range(40):
                shown += 200
                for side, extra in enumerate((0.0, more)):
                    bought = sum(random.random() < rate + extra for _ in range(200))
                    clicks[side] += bought
                    revenue[side] += price * bought
                difference = intervals.of_rate_difference((clicks[0], clicks[1]), (shown, shown))
                before, after = (intervals.Sums(total, price * total, shown) for total in revenue)
                earned = intervals.of_mean_difference(before, after)
                assert difference
                assert earned
                assert (difference.low <= 0 <= difference.high) == (difference.p >= intervals.ALPHA)
                inside = earned.low <= price * more <= earned.high and difference.low <= more <= difference.high
                if not inside:
                    return True
            return False

        assert sum(leaves_the_interval(0.1, 0.02, 30.0) for _ in range(100)) <= 5

    def test_nothing_can_be_said_without_trials_and_hardly_anything_without_successes(self) -> None:
        assert intervals.of_rate_difference((0, 0), (0, 9)) is None
        assert intervals.of_rate_difference((0, 0), (9, 9)) == intervals.Difference(0.0, -1.0, 1.0, 1.0)
        assert intervals.of_mean_difference(intervals.Sums(0, 0, 9), intervals.Sums(0, 0, 9)) is None
