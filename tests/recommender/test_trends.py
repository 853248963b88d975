"""Trending lists find rising items and drop them again; popular lists remember longer."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.recommender import counts, trends
from app.recommender.counts import FINE_SECONDS, THOUSANDTHS, Counts
from tests.support.builders import NOON, an_event

HALF_LIFE = 1_800.0
HOUR, DAY = 3_600, 86_400
START = int(NOON.timestamp()) // DAY * DAY


def steady(days: float, rate: int = 12, items: int = 20, seed: int = 1) -> Counts:
    """Steadily used items, each with its own rate and noise."""
    random, used = Random(seed), Counts()
    for slot in range(START, START + int(days * DAY), FINE_SECONDS):
        for item in range(items):
            uses = sum(random.random() < 0.5 for _ in range(rate * (1 + item % 3) // 3))
            if uses:
                used[slot, f"i{item}"] = uses * THOUSANDTHS
    return used


def burst(at: int, minutes: int = 20, uses: int = 60) -> Counts:
    slots = range(at, at + minutes * 60, FINE_SECONDS)
    return {(slot, "new"): uses // len(slots) * THOUSANDTHS for slot in slots}


class TestTrending:
    def test_a_burst_is_first_while_it_lasts(self) -> None:
        ends = START + 2 * DAY
        used = counts.summed([steady(2), burst(ends - 20 * 60)])

        for age in (-15 * 60, -5 * 60, 0):  # during the burst and at its end
            until = {entry: amount for entry, amount in used.items() if entry[0] < ends + age}
            assert trends.trending(until, ends + age, HALF_LIFE)[0][0] == "new"

    def test_a_burst_halves_with_each_half_life_and_is_gone_after_five(self) -> None:
        ends = START + 2 * DAY
        used = counts.summed([steady(3), burst(ends - 20 * 60)])
        scores = [
            dict(trends.trending({e: a for e, a in used.items() if e[0] < now}, now, HALF_LIFE)).get("new", 0.0)
            for now in (int(ends + n * HALF_LIFE) for n in range(6))
        ]

        assert all(later <= earlier / 2 for earlier, later in pairwise(scores))
        assert scores[5] == 0.0

    def test_popular_remembers_a_burst(self) -> None:
        ends = START + 2 * DAY
        used = counts.summed([steady(3), burst(ends - 20 * 60, uses=6_000)])

        later = ends + 5 * HALF_LIFE

        assert "new" not in dict(trends.trending(used, later, HALF_LIFE))
        assert trends.popular(used, later, 30 * DAY)[0][0] == "new"
        assert "new" not in dict(trends.popular(used, later + 31 * DAY, 30 * DAY))

    def test_steadily_used_items_do_not_trend(self) -> None:
        used = {(slot, "i0"): 10 * THOUSANDTHS for slot in range(START, START + 5 * DAY, FINE_SECONDS)}

        [(_, score)] = trends.trending(used, START + 5 * DAY, HALF_LIFE) or [("", 0.0)]

        assert score < 3

    def test_nothing_trends_without_events(self) -> None:
        assert trends.trending({}, START, HALF_LIFE) == []
        assert trends.popular({}, START, DAY) == []

    @given(seconds=st.floats(0, 10 * HALF_LIFE))
    def test_a_list_that_is_not_refreshed_fades(self, seconds: float) -> None:
        scores = trends.faded({"a": 4.0, "b": 0.2}, seconds, HALF_LIFE)

        assert scores.get("a", 0.0) <= 4.0 * 2 ** (-seconds / HALF_LIFE) + 1e-9
        assert all(score >= trends.LEAST for score in scores.values())


class TestRecent:
    def test_events_count_half_after_each_half_life(self) -> None:
        now = START + 10 * DAY
        middle = FINE_SECONDS // 2
        used = {
            (now - middle, "new"): 3_000,
            (now - HOUR - middle, "new"): 2_000,
            (now - 2 * HOUR - middle, "old"): 4_000,
        }

        assert trends.recent(used, now, HOUR) == [("new", 4.0), ("old", 1.0)]

    def test_counters_of_a_day_are_as_old_as_its_middle(self) -> None:
        [(_, popularity)] = trends.recent({(START, "a"): 1_000}, START + 3 * DAY, DAY / 2)

        assert popularity == 2.0**-5

    def test_only_the_most_popular_items_are_listed(self) -> None:
        used = {(START, f"i{number}"): number for number in range(2, trends.MOST_RECENT + 2)} | {(START, "least"): 1}

        listed = dict(trends.recent(used, START + DAY, DAY))

        assert len(listed) == trends.MOST_RECENT
        assert "least" not in listed


class TestRecentFactors:
    def test_a_factor_is_a_power_of_what_is_left_of_the_popularity(self) -> None:
        assert trends.recent_factors({"a": 3.0, "b": 0.0}, 0.0, HOUR, 0.5) == {"a": 2.0, "b": 1.0}
        assert trends.recent_factors({"a": 6.0}, HOUR, HOUR, 0.5) == {"a": 2.0}

    def test_the_last_item_of_a_full_list_counts_as_much_as_those_that_are_not_on_it(self) -> None:
        full = {f"i{number}": 1.0 for number in range(trends.MOST_RECENT - 1)} | {"first": 7.0}

        factors = trends.recent_factors(full, 0.0, HOUR, 1.0)

        assert (factors["first"], factors["i0"]) == (4.0, 1.0)


class TestRecentChange:
    def test_only_what_happened_since_is_a_change(self) -> None:
        before, faded, grown = {"a": 8.0, "b": 2.0}, {"a": 4.0, "b": 1.0}, {"a": 4.0, "b": 2.0}

        assert trends.recent_change(before, faded, HOUR, HOUR) == 1.0
        assert trends.recent_change(before, grown, HOUR, HOUR) == 1.5
        assert trends.recent_change(before, {}, HOUR, HOUR) == 5.0


AMOUNTS = st.dictionaries(
    st.tuples(st.integers(0, 2**32 - 1), st.text("abc-é", min_size=1, max_size=5)),
    st.integers(-(2**40), 2**40).filter(bool),
    max_size=30,
)


class TestCounts:
    @given(AMOUNTS)
    def test_packed_counts_are_unpacked_unchanged(self, some: Counts) -> None:
        assert counts.unpack(counts.pack(some)) == some

    @given(AMOUNTS, AMOUNTS)
    def test_counts_that_are_added_and_removed_change_no_sum_but_keep_their_names(
        self, some: Counts, more: Counts
    ) -> None:
        total = dict(some)

        counts.add(total, more)
        counts.add(total, more, -1)

        assert counts.summed([total]) == some
        assert total.keys() == some.keys() | more.keys()

    @given(st.lists(AMOUNTS, max_size=4), st.randoms(use_true_random=False))
    def test_the_order_of_additions_does_not_matter(self, several: list[Counts], random: Random) -> None:
        shuffled = random.sample(several, len(several))

        assert counts.pack(counts.summed(several, 300)) == counts.pack(counts.summed(shuffled, 300))

    def test_a_row_that_is_too_large_loses_its_lightest_items(self) -> None:
        some = {(0, f"item-{n * 7919 % 100_003}"): (n + 1) * THOUSANDTHS for n in range(5_000)}

        kept = counts.unpack(counts.packed_within(some, 10_000))

        assert 0 < len(kept) < 5_000
        assert min(kept.values()) > max(amount for entry, amount in some.items() if entry not in kept)

    def test_late_events_count_in_slots_of_a_day(self) -> None:
        event = an_event("ann", "tea")
        arrived = int(event.timestamp.timestamp())

        fine, coarse = counts.slot_of(event, arrived + HOUR), counts.slot_of(event, arrived + 2 * DAY)

        assert (fine % FINE_SECONDS, coarse % DAY) == (0, 0)
        assert fine <= arrived < fine + FINE_SECONDS
        assert coarse <= arrived < coarse + DAY


class TestOfItems:
    def test_ratings_count_from_three_fifths_of_the_scale_that_the_counters_show(self) -> None:
        total = {
            (0, "viewed"): 2_000,
            (0, counts.rated("bad", 0.5)): 20_000,
            (0, counts.rated("good", 4.5)): 9_000,
            (0, counts.rated("good", 3.0)): 2_000,
            (0, counts.rated("viewed", 5.0)): 1_000,
            (0, counts.MARK + "events"): 32,
        }

        assert counts.of_items(total, None) == {(0, "viewed"): 3_000, (0, "good"): 11_000}

    def test_the_scale_of_the_active_model_goes_first(self) -> None:
        total = {(0, counts.rated("a", 3.0)): 1_000, (0, counts.rated("b", 6.0)): 1_000}

        assert counts.of_items(total, 6.0) == {(0, "b"): 1_000}
