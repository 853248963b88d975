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
    """Weight and time of each pair: its strongest event, or its newest rating where that was liked."""
    ratings, others = defaultdict(list), defaultdict(list)
    for one in events:
        time, pair = one.timestamp.timestamp(), (one.user_id, one.item_id)
        if one.event_type == "rating" and one.value is not None:
            ratings[pair].append((time, one.value))
        elif (weight := weights.to_learn(one.event_type, one.value, None)) > 0:
            others[pair].append((weight, time))
    last = {pair: max(found) for pair, found in ratings.items()}
    threshold = 0.6 * max((value for _, value in last.values()), default=0.0)
    for pair, (time, value) in last.items():
        if value >= threshold:
            others[pair].append((1.0, time))
    return {pair: (max(w for w, _ in found), max(t for _, t in found)) for pair, found in others.items()}


class TestGather:
    @given(EVENTS)
    def test_each_pair_has_its_strongest_event_and_users_and_items_are_in_order(self, events: list[Event]) -> None:
        found = gather(events)

        pairs = zip(found.users.tolist(), found.items.tolist(), strict=True)
        named = [(found.user_ids[user], found.item_ids[item]) for user, item in pairs]
        facts = zip(found.values.tolist(), found.times.tolist(), strict=True)
        expected = reference(events)
        assert dict(zip(named, facts, strict=True)) == expected
        assert named == sorted(expected)
        assert (found.user_ids, found.item_ids) == tuple(sorted({pair[n] for pair in expected}) for n in range(2))
