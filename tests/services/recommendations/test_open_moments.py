"""While a user's newest moment is open, older ones count less, and what is popular may count less too."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.config import Settings
from app.domain.events import Event
from app.domain.recommendations import RecommendationList, RecommendationQuery
from app.wiring import Wired
from tests.support.builders import an_item, wired_on
from tests.support.fake_clock import FakeClock
from tests.support.planted_models import plant, plant_recent

ROWS = {"tent": {"lantern": 1.0}, "stove": {"gas": 0.4}}
PARAMETERS = {
    "step_decay": 0.9,
    "recent_exponent": 1.0,
    "recent_half_life_days": 1.0,
    "open_step_decay": 0.1,
    "open_recent_exponent": 0.0,
    "open_seconds": 60.0,
}
OPEN, LATER = ["gas", "lantern"], ["lantern", "gas"]


class TestOpenMoments:
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def shop(self, wired: Wired, settings: Settings, clock: FakeClock) -> Iterator[Wired]:
        wired.services.items.put_many(settings.project, [an_item(name) for name in ("tent", "stove", "gas", "lantern")])
        plant(wired, settings.project, "v1", ROWS, parameters=PARAMETERS)
        plant_recent(wired, settings.project, {"lantern": 3.0})
        wired.services.rollout.activate(settings.project, "v1")
        shop = wired_on(settings, clock=clock)
        yield shop
        shop.database.close()

    def test_a_list_follows_the_visit_and_then_the_whole_history(
        self, shop: Wired, settings: Settings, clock: FakeClock
    ) -> None:
        shop.services.events.accept(settings.project, _history(clock))

        assert _ids(_for_ann(shop, settings)) == OPEN
        clock.advance(50)
        in_open = _for_ann(shop, settings)
        clock.advance(20)
        later = _for_ann(shop, settings)

        assert (_ids(in_open), _ids(later)) == (OPEN, LATER)
        assert [each.score for each in in_open.recommendations] == pytest.approx([0.4, 0.1])
        assert [each.score for each in later.recommendations] == pytest.approx([0.9 * 4.0, 0.4])
        assert [each.recent_factor for each in in_open.recommendations] == [1.0, 1.0]
        assert [each.recent_factor for each in later.recommendations] == [4.0, 1.0]

    def test_a_session_in_a_request_is_open(self, shop: Wired, settings: Settings, clock: FakeClock) -> None:
        query = RecommendationQuery(recommenders=("neighbors",))

        in_open = shop.services.recommend.for_session(settings.project, _history(clock), query)
        later = shop.services.recommend.for_session(settings.project, _history(clock, seconds=-61), query)

        assert (_ids(in_open), _ids(later)) == (OPEN, LATER)

    def test_a_context_item_is_open(self, shop: Wired, settings: Settings, clock: FakeClock) -> None:
        shop.services.events.accept(settings.project, _history(clock, seconds=-86_400)[:1])

        assert _ids(_for_ann(shop, settings, context_item="stove")) == OPEN


def _history(clock: FakeClock, seconds: float = 0.0) -> list[Event]:
    """Returns a view of the tent a day before one of the stove, which happens now or so many seconds later."""
    newest = clock.now() + timedelta(seconds=seconds)
    before = newest - timedelta(days=1)
    return [Event("ann", "tent", "view", before, "older"), Event("ann", "stove", "view", newest, "newest")]


def _for_ann(shop: Wired, settings: Settings, context_item: str | None = None) -> RecommendationList:
    query = RecommendationQuery(recommenders=("neighbors",), explain=True, context_item=context_item)
    return shop.services.recommend.for_user(settings.project, "ann", query)


def _ids(answer: RecommendationList) -> list[str]:
    return [each.item_id for each in answer.recommendations]
