from datetime import timedelta

import pytest

from app.domain.models import Scoring
from app.recommender.events import weights
from app.recommender.events.weights import DEFAULT, Weights
from tests.support.builders import an_event


class TestOfHistory:
    def test_the_strongest_event_of_an_item_counts(self) -> None:
        events = [an_event(event_type="view"), an_event(event_type="purchase"), an_event(event_type="cart")]

        [(event, weight)] = weights.of_history(events, Scoring())

        assert (event.event_type, weight) == ("purchase", 3.0)

    def test_after_one_half_life_an_event_counts_half(self) -> None:
        events = [an_event(item_id="new", minutes=7 * 24 * 60), an_event(item_id="old")]

        weight_by_item = {
            event.item_id: weight for event, weight in weights.of_history(events, Scoring(half_life_days=7))
        }

        assert weight_by_item == {"new": 1.0, "old": pytest.approx(0.5)}

    def test_each_later_moment_decays_a_weight_and_a_basket_is_one_moment(self) -> None:
        basket = [an_event(item_id=item_id, event_type="purchase", minutes=5) for item_id in ("b", "c")]
        ignored = an_event(item_id="shown", event_type="impression", minutes=6)
        events = [an_event(item_id="a", minutes=1), *basket, ignored, an_event(item_id="d", minutes=9)]
        again = an_event(item_id="a", minutes=0)

        decayed = weights.of_history([again, *events], Scoring(step_decay=0.5))

        assert {event.item_id: weight for event, weight in decayed} == {"a": 0.25, "b": 1.5, "c": 1.5, "d": 1.0}
        assert weights.of_history(events, Scoring(step_decay=1.0)) == weights.of_history(events, Scoring())

    def test_an_open_moment_has_a_step_decay_of_its_own(self) -> None:
        events = [an_event(item_id="old"), an_event(item_id="new", minutes=5)]
        scoring = Scoring(step_decay=0.5, open_step_decay=0.25, open_seconds=60.0)

        def old_at(seconds: int) -> float:
            now = events[1].timestamp + timedelta(seconds=seconds)
            return {event.item_id: weight for event, weight in weights.of_history(events, scoring, now=now)}["old"]

        assert old_at(61) == weights.of_history(events, scoring)[0][1] == 0.5
        assert old_at(60) == old_at(-60) == 0.25

    def test_low_ratings_and_impressions_do_not_count(self) -> None:
        events = [
            an_event(item_id="bad", event_type="rating", value=2),
            an_event(item_id="good", event_type="rating", value=3),
            an_event(item_id="shown", event_type="impression"),
        ]

        item_ids = [event.item_id for event, _ in weights.of_history(events, Scoring(rating_threshold=3.0))]

        assert item_ids == ["good"]

    def test_only_the_requested_event_types_count(self) -> None:
        events = [an_event(item_id="a", event_type="view"), an_event(item_id="b", event_type="purchase")]

        assert [event.item_id for event, _ in weights.of_history(events, Scoring(), {"view"})] == ["a"]

    def test_the_latest_of_positive_and_negative_events_decides_the_sign(self) -> None:
        events = [
            an_event(item_id="a", event_type="purchase", minutes=0),
            an_event(item_id="a", event_type="return", minutes=1),
            an_event(item_id="b", event_type="dislike", minutes=0),
            an_event(item_id="b", event_type="view", minutes=1),
        ]

        weight_by_item = {event.item_id: weight for event, weight in weights.of_history(events, Scoring())}

        assert weight_by_item["a"] < 0 < weight_by_item["b"]
        assert weights.disliked(events) == {"a"}

    def test_nothing_is_learned_from_negative_events(self) -> None:
        assert [DEFAULT.in_learning(kind) for kind in ("dislike", "hide", "return", "view")] == [0, 0, 0, 1]


class TestIgnored:
    def test_three_impressions_without_another_event_halve_the_score(self) -> None:
        events = [an_event(item_id="a", event_type="impression", minutes=n) for n in range(3)]

        assert weights.ignored(events) == {"a": pytest.approx(0.5)}

    def test_another_event_cancels_the_impressions_before_it(self) -> None:
        events = [
            an_event(item_id="a", event_type="impression", minutes=0),
            an_event(item_id="a", event_type="click", minutes=1),
            an_event(item_id="b", event_type="click", minutes=0),
            an_event(item_id="b", event_type="impression", minutes=1),
        ]

        assert weights.ignored(events) == {"b": pytest.approx(2 ** (-1 / 3))}


class TestOfList:
    def test_event_types_have_default_weights_unless_configured(self) -> None:
        own = Weights(lists={"view": 0.5, "impression": 0.1})
        configured = [own.in_lists(event_type) for event_type in ("View", "impression", "purchase")]

        assert configured == [0.5, 0.1, 3.0]
        assert [DEFAULT.in_lists(event_type) for event_type in ("dislike", "impression", "anything")] == [0.0, 0.0, 1.0]


class TestSeen:
    def test_a_disliked_item_is_seen_and_an_impression_is_not(self) -> None:
        events = [an_event(item_id="a", event_type="dislike"), an_event(item_id="b", event_type="impression")]

        assert weights.seen(events) == {"a"}


class TestWeights:
    @pytest.mark.parametrize(
        "event_type",
        [
            "remove_from_cart",
            "RemoveFromCart",
            "refund",
            "unlike",
            "Skip",
            "thumbs-down",
            "removedFromCart",
            "Refunded",
        ],
    )
    def test_usual_names_of_regret_are_negative(self, event_type: str) -> None:
        assert DEFAULT.in_serving(event_type) < 0
        assert DEFAULT.in_learning(event_type) == DEFAULT.in_lists(event_type) == 0

    @pytest.mark.parametrize(
        ("event_type", "meant"),
        [
            ("transaction", "purchase"),
            ("Order", "purchase"),
            ("BUY", "purchase"),
            ("addtocart", "cart"),
            ("add-to_cart", "cart"),
            ("AddToCart", "cart"),
            ("pageview", "view"),
            ("Page-View", "view"),
        ],
    )
    def test_spellings_weigh_like_what_they_mean(self, event_type: str, meant: str) -> None:
        assert DEFAULT.in_serving(event_type) == DEFAULT.in_serving(meant)
        assert DEFAULT.in_learning(event_type) == DEFAULT.in_learning(meant)
        assert DEFAULT.in_lists(event_type) == DEFAULT.in_lists(meant)

    def test_weights_of_a_project_replace_the_defaults_in_every_spelling(self) -> None:
        own = Weights(learning={"wishlist": 0.5}, serving={"wishlist": -1.0}, lists={"wishlist": 4.0})

        assert (own.in_learning("Wish-List"), own.in_serving("wishlist"), own.in_lists("WISHLIST")) == (0.5, -1.0, 4.0)
        assert own.in_serving("wishlist", {"wishlist": 2.0}) == 2.0
