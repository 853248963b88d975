"""Who is served by which version, and how two lists become one."""

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
    def test_each_gets_its_share_of_the_users(self) -> None:
        served = list(by_user(a=0.7, b=0.2, c=0.1).values())

        assert [round(served.count(one) / len(served), 1) for one in "abc"] == [0.7, 0.2, 0.1]

    def test_where_a_share_grows_users_move_to_that_version_only(self) -> None:
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
    def test_no_item_comes_twice_and_both_sides_choose_equally_often(
        self, ours: list[int], theirs: list[int], limit: int, seed: str
    ) -> None:
        marked = [Recommendation(one.item_id, 1.0, NEIGHBORS, from_challenger=True) for one in listed(theirs)]

        drafted = experiments.team_draft(listed(ours), marked, limit, seed, lambda _: True)

        names = [one.item_id for one in drafted]
        assert len(names) == len(set(names)) == min(limit, len({*ours, *theirs}))
        for side, chosen in ((ours, False), (theirs, True)):
            own = [one.item_id for one in drafted if one.from_challenger == chosen]
            assert own == [f"i{name}" for name in side if f"i{name}" in own]
        picks = sum(one.from_challenger for one in drafted[: 2 * min(len(ours), len(theirs)) // 2])
        if len(set(ours) & set(theirs)) == 0 and drafted:
            assert abs(2 * picks - min(len(drafted), 2 * min(len(ours), len(theirs)) // 2)) <= 1

    def test_the_lot_falls_to_both_equally_often(self) -> None:
        first = [
            experiments.team_draft(
                listed([1]), [Recommendation("i2", 1.0, NEIGHBORS, from_challenger=True)], 1, user, lambda _: True
            )[0]
            for user in USERS
        ]

        assert 0.45 < sum(one.from_challenger for one in first) / len(first) < 0.55


class TestIntervals:
    def test_wilson(self) -> None:
        """Brown, Cai and DasGupta (2001) give no table; these bounds are the formula's, worked out by hand."""
        found = intervals.of_rate(10, 100)

        assert found is not None
        assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.1, 0.0552, 0.1744)
        assert intervals.of_rate(0, 0) is None
        assert intervals.of_rate(7, 5) == intervals.of_rate(5, 5)

    def test_a_rates_interval_holds_it_as_often_as_it_says(self) -> None:
        random = Random(1)
        held = 0
        for _ in range(1_000):
            found = intervals.of_rate(sum(random.random() < 0.05 for _ in range(300)), 300)
            assert found
            held += found.low <= 0.05 <= found.high
        assert 0.93 < held / 1_000 < 0.98

    def test_a_means_interval_holds_it_as_often_as_it_says(self) -> None:
        random = Random(1)
        held = 0
        for _ in range(1_000):
            values = [random.expovariate(0.1) for _ in range(200)]
            found = intervals.of_mean(sum(values), sum(value * value for value in values), len(values))
            assert found
            held += found.low <= 10.0 <= found.high
        assert 0.92 < held / 1_000 < 0.98

    def test_who_looks_every_day_is_seldom_fooled_and_finds_what_is_there(self) -> None:
        random = Random(1)

        def found(one: float, other: float) -> bool:
            clicks, shown = [0, 0], 0
            for _ in range(60):
                shown += 200
                for side, rate in enumerate((one, other)):
                    clicks[side] += sum(random.random() < rate for _ in range(200))
                if intervals.always_valid_p((clicks[0], clicks[1]), (shown, shown)) < 0.05:
                    return True
            return False

        assert sum(found(0.1, 0.1) for _ in range(100)) <= 5
        assert sum(found(0.1, 0.13) for _ in range(20)) >= 18
