"""Recent popularity is optional: a failure to read it changes factors, and fails nothing."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from app.domain.models import Scoring
from app.domain.recommendations import RECENT, LiveList
from app.errors import Unavailable
from app.recommender import packing
from app.services.recommendations.caches.recent_cache import RecentCache
from app.storage.lists import LiveListStore
from tests.support.fake_clock import FakeClock

SCORING = Scoring(recent_exponent=0.5, recent_half_life_days=1.0)


class UnsteadyStore(LiveListStore):
    """Holds one list, which can be read as often as the outcomes say."""

    def __init__(self, *outcomes: bool) -> None:
        self._outcomes = list(outcomes)

    def get(self, _: str, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], LiveList]:
        if not self._outcomes.pop(0):
            raise Unavailable("The database cannot be reached.")
        return {name: LiveList(RECENT, "", 0.0, packing.pack([("a", 3.0)])) for name in names}


def at_once(function: Callable[..., Any], *arguments: object) -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_result(function(*arguments))
    return future


class TestFailure:
    def test_without_the_list_all_factors_are_one_until_it_can_be_read(self) -> None:
        clock = FakeClock()
        cache = RecentCache(UnsteadyStore(False, True), clock, at_once)
        assert cache.begin("p").result().factors(SCORING, 0.0) == {}

        clock.advance(61.0)
        cache.renew("p")

        assert cache.begin("p").result().factors(SCORING, 0.0) == {"a": 2.0}

    def test_the_last_list_stays_and_fades(self) -> None:
        clock = FakeClock()
        cache = RecentCache(UnsteadyStore(True, False), clock, at_once)
        cache.begin("p")

        clock.advance(61.0)
        cache.renew("p")

        assert cache.begin("p").result().factors(SCORING, 86_400.0) == {"a": 2.5**0.5}
