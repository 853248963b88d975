"""What is bought together with an item or with a cart, on models with chosen rows."""

from dataclasses import replace

import pytest

from app.config import Settings
from app.domain.recommendations import Recommendation, RecommendationQuery
from app.errors import NotFound
from app.services.models.rollout import Split
from app.wiring import Wired
from tests.support.builders import an_event, an_item
from tests.support.planted_models import plant, publish

SIMILAR = {"tent": {"lamp": 0.5, "stove": 0.2, "pot": -0.1}, "mug": {"tea": 0.4}}
BOUGHT = {
    "tent": ({"pegs": (0.6, 37), "stove": (0.3, 21), "lamp": (0.1, 4)}, 210),
    "stove": ({"gas": (0.8, 50), "pegs": (0.2, 9), "tent": (0.3, 21)}, 60),
}
ITEMS = ("tent", "lamp", "stove", "pot", "pegs", "gas", "mug", "tea")


@pytest.fixture
def shop(wired: Wired, settings: Settings) -> Wired:
    wired.services.items.put_many(
        settings.project, [an_item(item_id, price=n) for n, item_id in enumerate(ITEMS)] + [an_item("new")]
    )
    plant(wired, settings.project, "v1", SIMILAR, {"pot": 9.0}, bought=BOUGHT)
    wired.services.rollout.activate(settings.project, "v1")
    return wired


def sources(recommendations: tuple[Recommendation, ...]) -> list[tuple[str, str]]:
    return [(each.item_id, each.source) for each in recommendations]


class TestBoughtTogether:
    def test_counts_are_the_reasons_and_similar_items_fill_the_list(self, shop: Wired, settings: Settings) -> None:
        answer = shop.services.recommend.bought_together(settings.project, "tent", RecommendationQuery())

        bought = [(item_id, "bought_together") for item_id in ("pegs", "stove", "lamp")]
        assert sources(answer.recommendations) == bought, "lamp and stove are similar too, pot counts against"
        [reason] = answer.recommendations[0].reasons
        assert (reason.item_id, reason.baskets_together, reason.baskets) == ("tent", 37, 210)
        assert (reason.share, reason.event_type) == (1.0, "context")
        assert reason.contribution == answer.recommendations[0].score == pytest.approx(0.6)

    def test_items_that_are_never_bought_get_similar_items_but_no_popular_ones(
        self, shop: Wired, settings: Settings
    ) -> None:
        recommend = shop.services.recommend

        mug = recommend.bought_together(settings.project, "mug", RecommendationQuery())
        new = recommend.bought_together(settings.project, "new", RecommendationQuery())

        assert sources(mug.recommendations) == [("tea", "similar")]
        assert new.recommendations == ()
        with pytest.raises(NotFound):
            recommend.bought_together(settings.project, "unknown", RecommendationQuery())

    def test_hidden_items_filters_and_boosts_count(self, shop: Wired, settings: Settings) -> None:
        shop.services.items.put_many(settings.project, [replace(an_item("pegs"), hidden=True)])
        query = RecommendationQuery(filters=('item.id != "lamp"',), boost="2.0", exclude=frozenset({"gas"}))

        tent = shop.services.recommend.bought_together(settings.project, "tent", query)
        stove = shop.services.recommend.bought_together(settings.project, "stove", query)

        assert sources(tent.recommendations) == [("stove", "bought_together")]
        assert tent.recommendations[0].reasons[0].contribution == pytest.approx(0.6)
        assert sources(stove.recommendations) == [("tent", "bought_together")]


class TestCart:
    def test_what_goes_with_the_whole_cart_comes_first_and_never_the_cart_itself(
        self, shop: Wired, settings: Settings
    ) -> None:
        query = RecommendationQuery(cart=("tent", "stove"), include_seen=True, recommenders=("neighbors",))

        answer = shop.services.recommend.for_session(settings.project, [an_event("x", "tent")], query)

        assert [each.item_id for each in answer.recommendations] == ["pegs", "gas", "lamp"]
        pegs, _, lamp = answer.recommendations
        assert pegs.score == pytest.approx(100 * (0.6 + 0.2))
        assert [(each.item_id, each.event_type, each.baskets_together) for each in pegs.reasons] == [
            ("tent", "in_cart", 37),
            ("stove", "in_cart", 9),
        ]
        assert lamp.score == pytest.approx(100 * 0.1 + 1.0 * 0.5)
        assert [each.event_type for each in lamp.reasons] == ["in_cart", "view"]
        assert [each.contribution for each in lamp.reasons] == pytest.approx([10.0, 0.5])

    def test_an_item_that_nothing_is_bought_together_with_counts_through_its_neighbors(
        self, shop: Wired, settings: Settings
    ) -> None:
        query = RecommendationQuery(cart=("mug",), recommenders=("neighbors",))

        [tea] = shop.services.recommend.for_session(settings.project, [], query).recommendations

        assert tea.item_id == "tea"
        assert tea.score == pytest.approx(3.0 * 0.4)
        assert [(each.event_type, each.baskets_together) for each in tea.reasons] == [("in_cart", None)]

    def test_weights_are_relative_to_the_models_neighbors(self, shop: Wired, settings: Settings) -> None:
        parameters = {"content_weight": 0.25}
        plant(shop, settings.project, "v2", SIMILAR, bought=BOUGHT, parameters=parameters)
        shop.services.rollout.activate(settings.project, "v2", force=True)
        query = RecommendationQuery(cart=("tent",), limit=1)

        [pegs] = shop.services.recommend.for_session(settings.project, [], query).recommendations

        assert pegs.score == pytest.approx(100 * 0.25 * 0.6)

    def test_each_version_of_an_experiment_has_rows_of_its_own(self, shop: Wired, settings: Settings) -> None:
        other = {"tent": ({"tea": (0.9, 3)}, 4)}
        plant(shop, settings.project, "v2", SIMILAR, bought=other)
        shop.services.rollout.split(settings.project, Split({"v1": 0.5, "v2": 0.5}))
        query = RecommendationQuery(cart=("tent",), limit=1)

        first = {
            answer.active.version: answer.recommendations[0].item_id
            for n in range(30)
            if (answer := shop.services.recommend.for_user(settings.project, f"u{n}", query)).active
        }

        assert first == {"v1": "pegs", "v2": "tea"}


class TestWithoutPurchases:
    def test_a_model_of_an_earlier_release_serves_similar_items(self, wired: Wired, settings: Settings) -> None:
        publish(wired, settings.project, SIMILAR, {})

        answer = wired.services.recommend.bought_together(settings.project, "tent", RecommendationQuery())

        assert sources(answer.recommendations) == [("lamp", "similar"), ("stove", "similar")]
