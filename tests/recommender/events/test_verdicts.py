from hypothesis import given
from hypothesis import strategies as st

from app.recommender.events import verdicts
from app.recommender.events.verdicts import MOST_BYTES, Verdict
from app.recommender.events.weights import DEFAULT, Weights
from tests.support.builders import an_event

EVENTS = st.lists(
    st.builds(
        an_event,
        st.just("ann"),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["view", "purchase", "dislike", "hide", "rating", "impression"]),
        st.integers(0, 20),
        st.just(3.0),
    ),
    max_size=12,
)


class TestAfter:
    def test_bought_and_rated_items_are_consumed_and_negative_ones_rejected(self) -> None:
        events = [
            an_event(item_id="bought", event_type="Transaction"),
            an_event(item_id="rated", event_type="rating", value=1.0),
            an_event(item_id="hidden", event_type="hide"),
            an_event(item_id="viewed", event_type="view"),
            an_event(item_id="shown", event_type="impression"),
        ]

        after = verdicts.after({}, events, DEFAULT)

        assert (verdicts.consumed(after), verdicts.rejected(after)) == ({"bought", "rated"}, {"hidden"})

    def test_a_later_positive_event_lifts_a_rejection_and_an_earlier_one_does_not(self) -> None:
        hidden = verdicts.after({}, [an_event(event_type="hide", minutes=5)], DEFAULT)

        assert verdicts.after(hidden, [an_event(minutes=6)], DEFAULT) == {}
        assert verdicts.after(hidden, [an_event(minutes=4)], DEFAULT) == hidden

    def test_types_that_a_project_made_negative_reject(self) -> None:
        own = Weights(serving={"archive": -1.0})

        assert verdicts.rejected(verdicts.after({}, [an_event(event_type="Archive")], own)) == {"tea"}

    @given(EVENTS)
    def test_applying_events_again_changes_nothing(self, events: list[object]) -> None:
        after = verdicts.after({}, events, DEFAULT)  # type: ignore[arg-type]

        assert verdicts.after(after, events, DEFAULT) == after  # type: ignore[arg-type]


class TestPack:
    def test_verdicts_survive_packing(self) -> None:
        stored = {"a": Verdict(1, 2), "b~:|@": Verdict(0, 2**32 - 1)}

        assert verdicts.unpack(verdicts.pack(stored)) == stored
        assert verdicts.unpack(verdicts.pack({})) == {}

    def test_the_oldest_are_dropped_when_they_do_not_fit(self) -> None:
        stored = {f"{number * 7_919 % 1_000_003:06d}-item": Verdict(number * 977) for number in range(1, 20_000)}

        packed = verdicts.pack(stored)

        kept = verdicts.unpack(packed)
        assert len(packed) <= MOST_BYTES
        assert len(kept) >= 5_000
        assert min(verdict.at for verdict in kept.values()) > max(
            verdict.at for item_id, verdict in stored.items() if item_id not in kept
        )
