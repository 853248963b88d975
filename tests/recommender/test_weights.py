import pytest

from app.domain import Scoring
from app.recommender import weights
from tests.build import an_event


class TestOfHistory:
    def test_the_strongest_event_of_an_item_counts(self) -> None:
        events = [an_event(event_type="view"), an_event(event_type="purchase"), an_event(event_type="cart")]

        [(event, weight)] = weights.of_history(events, Scoring())

        assert (event.event_type, weight) == ("purchase", 3.0)

    def test_after_one_half_life_an_event_counts_half(self) -> None:
        events = [an_event(item_id="new", minutes=7 * 24 * 60), an_event(item_id="old")]

        found = {event.item_id: weight for event, weight in weights.of_history(events, Scoring(half_life_days=7))}

        assert found == {"new": 1.0, "old": pytest.approx(0.5)}

    def test_low_ratings_and_impressions_count_nothing(self) -> None:
        events = [
            an_event(item_id="bad", event_type="rating", value=2),
            an_event(item_id="good", event_type="rating", value=3),
            an_event(item_id="shown", event_type="impression"),
        ]

        found = [event.item_id for event, _ in weights.of_history(events, Scoring(rating_threshold=3.0))]

        assert found == ["good"]

    def test_only_the_wanted_types_count(self) -> None:
        events = [an_event(item_id="a", event_type="view"), an_event(item_id="b", event_type="purchase")]

        assert [event.item_id for event, _ in weights.of_history(events, Scoring(), {"view"})] == ["a"]


class TestSeen:
    def test_a_disliked_item_is_seen_and_an_impression_is_not(self) -> None:
        events = [an_event(item_id="a", event_type="dislike"), an_event(item_id="b", event_type="impression")]

        assert weights.seen(events) == {"a"}
