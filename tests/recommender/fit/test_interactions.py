from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import Event
from app.recommender import weights
from app.recommender.fit.interactions import gather
from tests.support.builders import an_event

EVENTS = st.lists(
    st.builds(
        an_event,
        st.sampled_from(["u1", "u2", "u3"]),
        st.sampled_from(["b", "a", "c"]),
        st.sampled_from(["view", "purchase", "dislike", "impression", "rating", "other"]),
        st.integers(0, 9),
        st.sampled_from([None, 1.0, 2.0, 4.0, 5.0]),
    ),
    max_size=25,
)


def reference(events: list[Event]) -> dict[tuple[str, str], tuple[float, float]]:
    """Weight and time of each pair: its strongest event, or its newest rating if that is high enough."""
    ratings, others = defaultdict(list), defaultdict(list)
    for event in events:
        time, pair = event.timestamp.timestamp(), (event.user_id, event.item_id)
        if event.event_type == "rating" and event.value is not None:
            ratings[pair].append((time, event.value))
        elif (weight := weights.to_learn(event.event_type, event.value, None)) > 0:
            others[pair].append((weight, time))
    last = {pair: max(timed_values) for pair, timed_values in ratings.items()}
    threshold = 0.6 * max((value for _, value in last.values()), default=0.0)
    for pair, (time, value) in last.items():
        if value >= threshold:
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
