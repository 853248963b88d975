"""What is bought together: the counts by their definition, and what must not change them."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import Event
from app.recommender import packing
from app.recommender.events.weights import DEFAULT, Weights
from app.recommender.fit.bought import baskets
from app.recommender.fit.bought.baskets import PurchaseLog
from app.recommender.fit.bought.pairs import Pairs
from app.recommender.packing import Row
from tests.support.builders import an_event

SHOPPING = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "eve"]),
        st.sampled_from(["tea", "mug", "jug", "cup"]),
        st.sampled_from(["purchase", "Order_Placed", "refund", "view", "cart"]),
        st.integers(0, 12).map(lambda number: 25.0 * number),
    ),
    max_size=40,
).map(lambda rows: [an_event(*row) for row in rows])


def rows_of(events: Sequence[Event], weights: Weights = DEFAULT) -> dict[str, Row]:
    log = PurchaseLog(weights)
    assert list(log.recording(events)) == list(events)
    return {item_id: packing.unpack(row) for item_id, row in Pairs.of(log).packed()}


def counts_of(events: Sequence[Event]) -> dict[tuple[str, str], tuple[int, int]]:
    """(item, other) -> (baskets with both, baskets with the item)"""
    counted: dict[tuple[str, str], tuple[int, int]] = {}
    for item_id, row in rows_of(events).items():
        for other in row:
            both = row.baskets(other)
            assert both
            counted[item_id, other] = both
    return counted


def reference(events: Sequence[Event]) -> dict[tuple[str, str], tuple[int, int]]:
    """The counts by their definition, one purchase after the other."""
    bought: dict[str, set[tuple[float, str]]] = {}
    returned: dict[str, set[tuple[float, str]]] = {}
    for event in events:
        kinds = {"purchase": bought, "Order_Placed": bought, "refund": returned}
        if event.event_type in kinds:
            kinds[event.event_type].setdefault(event.user_id, set()).add((event.timestamp.timestamp(), event.item_id))
    all_baskets: list[set[str]] = []
    for user, purchases in bought.items():
        for time, item_id in sorted(returned.get(user, set())):
            earlier = [purchase for purchase in purchases if purchase[1] == item_id and purchase[0] <= time]
            purchases.discard(max(earlier, default=(0.0, "")))
        own: list[set[str]] = []
        start = float("-inf")
        for time, item_id in sorted(purchases):
            if time - start > 3_600:
                own.append(set())
                start = time
            own[-1].add(item_id)
        for item_id in {item_id for basket in own for item_id in basket}:
            for basket in [basket for basket in own if item_id in basket][:-5]:
                basket.discard(item_id)
        all_baskets += own
    items = {item_id for basket in all_baskets for item_id in basket}
    together = {
        (one, two): sum({one, two} <= basket for basket in all_baskets) for one in items for two in items if one != two
    }
    return {
        pair: (number, sum(pair[0] in basket for basket in all_baskets))
        for pair, number in together.items()
        if number >= 2
    }


def basket(user: str, *items: str, at: float = 0) -> list[Event]:
    return [an_event(user, item, "purchase", at) for item in items]


FEW = [
    *basket("ann", "tea", "mug"),
    *basket("bob", "tea", "mug", "jug"),
    *basket("eve", "tea", "jug"),
    *basket("joe", "cup", "tea"),
]


class TestPairs:
    @given(SHOPPING)
    def test_counts_are_those_of_the_definition(self, events: list[Event]) -> None:
        assert counts_of(events) == reference(events)

    @given(SHOPPING, st.integers(0, 99))
    def test_order_repeated_delivery_and_other_events_change_nothing(self, events: list[Event], seed: int) -> None:
        others = [an_event("ann", item, kind, 20) for item in ("tea", "mug") for kind in ("view", "like", "rating")]
        shuffled = [*events, *others, *events]
        Random(seed).shuffle(shuffled)

        assert rows_of(shuffled) == rows_of(events)

    def test_weights_grow_with_shared_baskets_and_shrink_with_popularity(self) -> None:
        rows = rows_of(FEW)

        assert rows.keys() == {"tea", "mug", "jug"}, "cup shares one basket with tea"
        assert rows["mug"].keys() == {"tea"}, "mug and jug share one basket"
        assert rows["tea"]["mug"] == pytest.approx(2 / (4**0.7 * 2**0.3) * 2 / (2 + 2))
        assert rows["tea"].baskets("mug") == (2, 4)
        assert rows["mug"]["tea"] > rows["tea"]["mug"], "all who buy a mug buy tea"

    @pytest.mark.parametrize(("minutes", "together"), [(0, True), (59, True), (61, False)])
    def test_a_basket_ends_an_hour_after_its_first_item(self, minutes: float, together: bool) -> None:  # noqa: FBT001
        events = [
            event
            for user in ("ann", "bob")
            for event in (*basket(user, "tea"), *basket(user, "mug", at=minutes), *basket(user, "cup", at=30))
        ]

        assert ("mug" in rows_of(events)["tea"]) == together

    def test_a_user_who_repeats_a_basket_counts_five_times(self) -> None:
        once = rows_of([*FEW, *basket("max", "cup", "jug")])
        often = [event for day in range(500) for event in basket("max", "cup", "jug", at=1_440.0 * day)]

        rows = rows_of([*FEW, *often])

        assert rows["cup"].baskets("jug") == (5, 6)
        assert rows["tea"] == pytest.approx(dict(once["tea"]) | {"jug": rows["tea"]["jug"]})

    def test_a_return_takes_the_newest_purchase_back(self) -> None:
        before = [*basket("ann", "tea", "mug"), *basket("bob", "tea", "mug"), *basket("ann", "tea", "jug", at=9_000)]

        returned = [*before, an_event("ann", "tea", "order_cancelled", 9_500)]

        assert rows_of(returned)["tea"].baskets("mug") == (2, 2)
        both = [*returned, an_event("ann", "tea", "refund", 9_600)]
        assert rows_of(both) == {}
        early = [*before, an_event("ann", "tea", "refund", -5), an_event("joe", "tea", "refund", 5)]
        assert rows_of(early) == rows_of(before)

    def test_purchases_that_the_project_does_not_learn_from_count_nothing(self) -> None:
        assert rows_of(FEW, Weights(learning={"purchase": 0.0})) == {}

    def test_other_spellings_of_purchases_count_too(self) -> None:
        spelled = [event._replace(event_type="Order Completed") for event in FEW]

        assert rows_of(spelled) == rows_of(FEW)

    def test_no_purchases_give_no_rows(self) -> None:
        assert rows_of([an_event()]) == rows_of([]) == {}

    def test_huge_baskets_count_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(baskets, "MOST_ITEMS", 2)
        huge = basket("bob", "tea", "mug", "jug", at=99_999)

        assert rows_of([*basket("ann", "tea", "mug"), *basket("eve", "tea", "mug"), *huge])["tea"].baskets("mug") == (
            2,
            2,
        )
