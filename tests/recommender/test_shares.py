from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import Event
from app.recommender import counts
from app.recommender.counts import THOUSANDTHS, Counts
from app.recommender.events.weights import DEFAULT
from app.recommender.shares import MOST_SHARES, Shares
from tests.support.builders import NOON, an_event

DAY = 86_400
WINDOW = 30 * DAY
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["view", "cart", "purchase", "rating", "dislike", "impression"]),
        st.integers(0, 40),
        st.sampled_from([1.0, 4.0, 5.0]),
    ),
    max_size=12,
)


def added(shares: Shares, event: Event) -> Counts:
    return shares.add(event, DEFAULT.in_lists(event.event_type), int(event.timestamp.timestamp()))


def total_of(shares: Shares, events: list[Event], threshold: float = 3.0) -> dict[str, float]:
    total: Counts = {}
    for event in events:
        counts.add(total, added(shares, event))
    items: dict[str, float] = {}
    for (_, item_id), amount in counts.of_items(total, threshold).items():
        items[item_id] = items.get(item_id, 0.0) + amount / THOUSANDTHS
    return {item_id: amount for item_id, amount in items.items() if amount}


def numbered(events: list[Event]) -> list[Event]:
    return [event._replace(event_id=f"e{number}") for number, event in enumerate(events)]


class TestAdd:
    def test_many_views_by_one_user_count_once_in_a_window(self) -> None:
        views = numbered([an_event(minutes=n * 60) for n in range(500)])

        assert total_of(Shares(WINDOW), views) == {"tea": 1.0}

    def test_a_user_counts_again_after_the_window(self) -> None:
        views = numbered([an_event(), an_event(minutes=31 * 24 * 60)])

        assert total_of(Shares(WINDOW), views) == {"tea": 2.0}

    @pytest.mark.parametrize("order", [1, -1])
    def test_the_strongest_event_counts(self, order: int) -> None:
        events = numbered([an_event(), an_event(event_type="cart"), an_event(event_type="purchase")])[::order]

        assert total_of(Shares(WINDOW), events) == {"tea": 3.0}

    @pytest.mark.parametrize(("ratings", "counted"), [([5.0], 1.0), ([0.5], 0.0), ([5.0, 1.0], 0.0), ([1.0, 5.0], 1.0)])
    def test_the_newest_rating_counts_if_it_is_liked(self, ratings: list[float], counted: float) -> None:
        events = numbered(
            [an_event(event_type="rating", minutes=9 * n, value=value) for n, value in enumerate(ratings)]
        )

        assert total_of(Shares(WINDOW), numbered(events)).get("tea", 0.0) == counted

    @pytest.mark.parametrize("order", [1, -1])
    def test_a_view_and_a_liked_rating_count_once(self, order: int) -> None:
        events = numbered([an_event(), an_event(event_type="rating", value=5.0)])[::order]

        assert total_of(Shares(WINDOW), events) == {"tea": 1.0}

    def test_events_older_than_the_window_count_in_no_list(self) -> None:
        assert Shares(WINDOW).add(an_event(), 1.0, int(NOON.timestamp()) + WINDOW) == {}

    @given(STEPS)
    def test_no_user_counts_more_than_their_strongest_event(self, steps: list[tuple[str, str, int, float]]) -> None:
        events = numbered([an_event("ann", item, kind, minutes, value) for item, kind, minutes, value in steps])

        total = total_of(Shares(WINDOW), events)

        for item in ("a", "b"):
            of_item = [event for event in events if event.item_id == item]
            weights = [DEFAULT.in_lists(event.event_type) for event in of_item if event.event_type != "rating"]
            assert total.get(item, 0.0) <= max(
                [*weights, float(any(event.event_type == "rating" for event in of_item))]
            )
            assert total.get(item, 0.0) >= max(weights, default=0.0)

    @given(STEPS, st.integers(0, 12))
    def test_events_that_are_delivered_again_add_the_same(
        self, steps: list[tuple[str, str, int, float]], first: int
    ) -> None:
        events = numbered([an_event("ann", item, kind, minutes, value) for item, kind, minutes, value in steps])
        stored = Shares(WINDOW)
        for event in events[:first]:
            added(stored, event)
        packed = stored.pack()
        once, again = Shares(WINDOW, packed), Shares(WINDOW, packed)

        assert [added(once, event) for event in events[first:]] == [added(again, event) for event in events[first:]]
        assert once.pack() == again.pack()


class TestRemove:
    @given(STEPS)
    def test_removing_every_event_leaves_nothing(self, steps: list[tuple[str, str, int, float]]) -> None:
        events = numbered([an_event("ann", item, kind, minutes, value) for item, kind, minutes, value in steps])
        shares, total = Shares(WINDOW), Counts()
        for event in events:
            counts.add(total, added(shares, event))

        for event in events:
            counts.add(total, shares.remove(event))

        assert set(total.values()) <= {0}
        assert shares.pack() is None

    @given(STEPS, st.data())
    def test_after_any_additions_and_removals_the_events_that_are_left_count_as_if_there_were_no_others(
        self, steps: list[tuple[str, str, int, float]], data: st.DataObject
    ) -> None:
        events = numbered([an_event("ann", item, kind, minutes, value) for item, kind, minutes, value in steps])
        removed = data.draw(st.lists(st.sampled_from(events), unique=True) if events else st.just([]))
        order = data.draw(st.permutations([*events, *removed]))
        changes = [(event, event not in order[:position]) for position, event in enumerate(order)]
        size = data.draw(st.integers(1, 12))
        ahead = data.draw(st.integers(0, len(changes)))
        total, packed = Counts(), None

        for start in range(0, len(changes), size):
            batch = changes[start : start + size]
            table = stored_after(changes[: start + size + ahead])
            counted, packed = counted_batch(packed, batch, table)
            counts.add(total, counted)

        left = Shares(WINDOW)
        expected = Counts()
        for event in events:
            if event not in removed:
                counts.add(expected, added(left, event))
        assert without_zeros(total) == without_zeros(expected)

    def test_a_batch_counts_the_same_again_after_its_look_up_though_the_events_have_changed(self) -> None:
        first, second, third = numbered([an_event(), an_event(minutes=9), an_event(minutes=18)])
        _, packed = counted_batch(None, [(first, True), (second, True)], [first, second])

        looked_up = look_up(packed, [(first, False)], [second])
        once = counted_batch(looked_up, [(first, False)], [second, third])
        again = counted_batch(looked_up, [(first, False)], [])

        assert once == again
        assert without_zeros(once[0]) == {(slot_of(first), "tea"): -THOUSANDTHS, (slot_of(second), "tea"): THOUSANDTHS}
        assert counted_batch(once[1], [(third, True)], [second, third])[0] == {}


Batch = list[tuple[Event, bool]]
"""Events that were added, or removed."""


def applied(shares: Shares, batch: Batch) -> Counts:
    total: Counts = {}
    for event, is_added in batch:
        counts.add(total, added(shares, event) if is_added else shares.remove(event))
    return total


def stored_after(changes: Batch) -> list[Event]:
    stored: list[Event] = []
    for event, is_added in changes:
        (stored.append if is_added else stored.remove)(event)
    return stored


def look_up(packed: bytes | None, batch: Batch, table: list[Event]) -> bytes | None:
    """The shares with which a batch is counted."""
    tried = Shares(WINDOW, packed)
    applied(tried, batch)
    if not tried.lacking:
        return packed
    shares = Shares(WINDOW, packed)
    shares.look_up(tried.lacking, table, lambda event: DEFAULT.in_lists(event.event_type), int(NOON.timestamp()))
    return shares.pack(looked_up=True)


def counted_batch(packed: bytes | None, batch: Batch, table: list[Event]) -> tuple[Counts, bytes | None]:
    shares = Shares(WINDOW, look_up(packed, batch, table))
    return applied(shares, batch), shares.pack()


def without_zeros(total: Counts) -> Counts:
    return {entry: amount for entry, amount in total.items() if amount}


def slot_of(event: Event) -> int:
    return counts.slot_of(event, int(event.timestamp.timestamp()))


class TestPack:
    def test_shares_outside_the_window_and_beyond_the_limit_are_forgotten(self) -> None:
        shares = Shares(WINDOW)
        added(shares, an_event(item_id="old")._replace(timestamp=NOON - timedelta(days=31)))
        for number in range(MOST_SHARES + 10):
            added(shares, an_event(item_id=f"i{number}", minutes=number))

        packed = shares.pack()

        assert packed is not None
        assert len(packed) <= 100_000
        again = Shares(WINDOW, packed)
        assert added(again, an_event(item_id="i2000", minutes=9_000)._replace(event_id="again")) == {}
        assert added(again, an_event(item_id="i1", minutes=9_000)._replace(event_id="again")) != {}
