from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import Event
from app.recommender.events import ratings as scales
from app.recommender.events.weights import DEFAULT
from app.recommender.fit.interactions import gather
from tests.support.builders import an_event

EVENTS = st.lists(
    st.builds(
        an_event,
        st.sampled_from(["u1", "u2", "u3"]),
        st.sampled_from(["b", "a", "c", "d", "e", "f"]),
        st.sampled_from(["view", "Purchase", "dislike", "impression", "rating", "rating", "refund", "other"]),
        st.integers(0, 9),
        st.sampled_from([None, -2.0, 0.0, 1.0, 2.0, 4.0, 5.0, 50.0]),
    ),
    max_size=40,
)


def reference(events: list[Event]) -> dict[tuple[str, str], tuple[float, float]]:
    """Weight and time of each pair: its strongest event, or its newest rating if that is high enough."""
    ratings, others = defaultdict(list), defaultdict(list)
    for event in events:
        time, pair = event.timestamp.timestamp(), (event.user_id, event.item_id)
        if event.event_type == "rating" and event.value is not None:
            ratings[pair].append((time, event.value))
        elif (weight := DEFAULT.in_learning(event.event_type)) > 0:
            others[pair].append((weight, time))
    last = {pair: max(timed_values) for pair, timed_values in ratings.items()}
    threshold = scales.threshold(Counter(value for _, value in last.values())) or 0.0
    of_users = defaultdict(list)
    for (user, _), (_, value) in last.items():
        of_users[user].append(value)
    for pair, (time, value) in last.items():
        if value >= scales.threshold_of_user(of_users[pair[0]], threshold):
            others[pair].append((1.0, time))
    return {pair: (max(w for w, _ in weighted), max(t for _, t in weighted)) for pair, weighted in others.items()}


class TestGather:
    @given(EVENTS)
    def test_each_pair_has_its_strongest_event_and_ids_are_sorted(self, events: list[Event]) -> None:
        gathered = gather(events)

        pairs = zip(gathered.users.tolist(), gathered.items.tolist(), strict=True)
        named = [(gathered.user_ids[user], gathered.item_ids[item]) for user, item in pairs]
        facts = zip(gathered.values.tolist(), gathered.times.tolist(), strict=True)
        expected = reference(events)
        assert dict(zip(named, facts, strict=True)) == expected
        assert named == sorted(expected)
        assert (gathered.user_ids, gathered.item_ids) == tuple(sorted({pair[n] for pair in expected}) for n in range(2))

    def test_one_mistyped_rating_changes_nothing(self) -> None:
        events = [an_event(f"u{n % 9}", f"i{n % 7}", "rating", n, value=float(3 + n % 3)) for n in range(63)]
        typo = an_event("u1", "i1", "rating", 100, value=50.0)

        clean, mistyped = gather(events), gather([*events, typo])

        assert (mistyped.rating_threshold, len(mistyped)) == (clean.rating_threshold, len(clean)) == (3.0, 63)

    def test_a_user_of_a_larger_scale_likes_their_best_items_only(self) -> None:
        events = [an_event(f"u{n % 9}", f"i{n % 7}", "rating", n, value=float(3 + n % 3)) for n in range(63)]
        percent = [an_event("percent", f"i{n}", "rating", n, value=20.0 * n) for n in range(6)]

        gathered = gather([*events, *percent])

        liked = gathered.items[gathered.users == gathered.user_ids.index("percent")]
        assert [gathered.item_ids[item] for item in liked] == ["i3", "i4", "i5"]
        assert len(gathered) - len(liked) == 63
