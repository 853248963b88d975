"""Trending and popular lists, from the stream to the reader, in simulated time."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from app.clock import frozen
from app.config import Settings
from app.domain.access import Limits
from app.domain.events import Event
from app.domain.recommendations import POPULAR, RECENT, TRENDING, LiveList, RecommendationQuery
from app.entry import schedule
from app.entry.stream import Consumer
from app.recommender import counts, packing
from app.services.counters.lists import HEAD, LISTED, POPULAR_SECONDS, TRENDING_IN_CATEGORY
from app.services.models.rollout import Split
from app.storage.counters import CounterStore
from app.storage.lists import LiveListStore
from app.wiring import Wired
from tests.support.builders import an_event, an_item, wired_on
from tests.support.calls import names_of_calls, surround
from tests.support.fake_clock import FakeClock
from tests.support.planted_models import plant, plant_recent
from tests.support.stream_records import NoSockets, a_record

HALF_LIFE = timedelta(minutes=30)
ITEMS = 12


@pytest.fixture
def shop(settings: Settings) -> Iterator[Wired]:
    wired = wired_on(settings.model_copy(update={"list_ttl_seconds": 0.0}))
    wired.services.projects.create(settings.project, None, Limits())
    items = [an_item(f"i{number}", f"c{number % 2}") for number in range(ITEMS)]
    wired.services.items.put_many(settings.project, [*items, an_item("new", "c1")])
    yield wired
    wired.close()


class Simulation:
    """Simulates the use of items in steps of ten minutes."""

    def __init__(self, wired: Wired, project: str, now: datetime) -> None:
        self._wired, self._project, self.now = wired, project, now
        self._consumer, self._random, self._number = Consumer(wired.services, NoSockets()), Random(1), 0

    def pass_by(self, duration: timedelta, burst: int = 0) -> None:
        """Uses eight random items per step, and `new` `burst` times per step."""
        ends = self.now + duration
        while self.now < ends:
            used = [f"i{self._random.randrange(ITEMS)}" for _ in range(8)] + ["new"] * burst
            records = [self._record(item) for item in used]
            self.now += timedelta(minutes=10)
            with frozen(self.now, b"seed"):
                assert self._consumer.apply(records) is None

    def from_list(self, kind: str, category: str | None = None) -> list[str]:
        recommend = self._wired.services.recommend
        with frozen(self.now, b"seed"):
            response = recommend.from_list(self._project, kind, category, RecommendationQuery(limit=20))
        return [item.item_id for item in response.recommendations]

    def _record(self, item_id: str) -> dict[str, object]:
        self._number += 1
        at = self.now + timedelta(seconds=self._random.randrange(600))
        event = Event(f"u{self._number}", item_id, "view", at, f"e{self._number}")
        return a_record(self._project, event, arrived=at)


class TestBurst:
    def test_a_burst_enters_and_leaves_trending_and_stays_popular(self, shop: Wired, settings: Settings) -> None:
        time = Simulation(shop, settings.project, datetime.now(UTC) - timedelta(hours=12))
        time.pass_by(timedelta(hours=8))
        assert "new" not in time.from_list("trending")

        time.pass_by(timedelta(minutes=30), burst=40)

        assert time.from_list("trending")[0] == "new"
        assert time.from_list("trending", "c1")[0] == "new"
        assert "new" not in time.from_list("trending", "c0")
        time.pass_by(5 * HALF_LIFE)
        assert "new" not in time.from_list("trending")
        assert time.from_list("popular")[0] == "new"
        assert time.from_list("popular", "c1")[0] == "new"

    def test_trending_decays_without_new_events(self, shop: Wired, settings: Settings) -> None:
        time = Simulation(shop, settings.project, datetime.now(UTC) - timedelta(hours=12))
        time.pass_by(timedelta(minutes=10), burst=5)
        assert time.from_list("trending")[0] == "new"

        time.now += 10 * HALF_LIFE

        assert time.from_list("trending") == []
        assert "new" in time.from_list("popular")


class TestCounting:
    def test_low_ratings_make_no_item_popular(self, shop: Wired, settings: Settings) -> None:
        now = datetime.now(UTC)
        ratings = [("i0", 0.5)] * 20 + [("i1", 4.5)] * 6 + [("i2", 5.0)] * 5
        events = [Event(f"u{n}", item, "rating", now, f"e{n}", value) for n, (item, value) in enumerate(ratings)]

        assert lists_after(shop, settings.project, events) == {"popular": ["i1", "i2"], "trending": ["i1", "i2"]}

    def test_many_views_by_one_user_count_once(self, shop: Wired, settings: Settings) -> None:
        now = datetime.now(UTC)
        views = [Event("u0", "i0", "view", now - timedelta(seconds=n), f"e{n}") for n in range(500)]
        others = [Event(f"u{n}", "i1", "view", now, "e") for n in (1, 2)]

        assert lists_after(shop, settings.project, [*views, *others]) == {
            "popular": ["i1", "i0"],
            "trending": ["i1", "i0"],
        }

    def test_events_of_regret_make_no_item_popular(self, shop: Wired, settings: Settings) -> None:
        now = datetime.now(UTC)
        types = ("remove_from_cart", "Refund", "unlike", "skip", "dislike", "hide")
        events = [Event(f"u{n}", "i0", event_type, now, "e") for n, event_type in enumerate(types)]

        assert lists_after(shop, settings.project, events) == {"popular": [], "trending": []}


def lists_after(wired: Wired, project: str, events: Sequence[Event]) -> dict[str, list[str]]:
    """Lets the stream apply events in several batches; returns both lists."""
    consumer = Consumer(wired.services, NoSockets())
    for start in range(0, len(events), 100):
        assert consumer.apply([a_record(project, event) for event in events[start : start + 100]]) is None
    lists = {
        kind: wired.services.recommend.from_list(project, kind, None, RecommendationQuery(limit=20))
        for kind in ("popular", "trending")
    }
    return {kind: [each.item_id for each in listed.recommendations] for kind, listed in lists.items()}


class TestRefresh:
    def test_a_postponed_list_is_written_when_it_is_due(self, settings: Settings) -> None:
        clock = FakeClock()
        wired = wired_on(settings.model_copy(update={"list_ttl_seconds": 0.0, "lists_seconds": 4.0}), clock=clock)
        wired.services.projects.create(settings.project, None, Limits())
        wired.services.items.put_many(settings.project, [an_item("a"), an_item("b")])
        consumer, now = Consumer(wired.services, NoSockets()), datetime.now(UTC)

        def trending() -> list[str]:
            response = wired.services.recommend.from_list(
                settings.project, "trending", None, RecommendationQuery(limit=10)
            )
            return [item.item_id for item in response.recommendations]

        consumer.apply([a_record(settings.project, Event("u1", "a", "view", now, "e1"))])
        consumer.apply([a_record(settings.project, Event("u2", "b", "purchase", now, "e2"))])
        schedule.refresh_overdue_lists(wired.services)
        assert trending() == ["a"], "the list was due too early"

        clock.advance(4.1)
        schedule.refresh_overdue_lists(wired.services)

        assert trending() == ["b", "a"]
        assert not is_overdue(wired, settings.project)
        clock.advance(2 * counts.FINE_SECONDS)
        schedule.refresh_overdue_lists(wired.services)
        assert CounterStore(wired.database).pending(settings.project) is None
        wired.close()

    def test_batches_of_the_same_minutes_schedule_once_until_the_next_refresh(self, settings: Settings) -> None:
        clock = FakeClock()
        wired = wired_on(settings.model_copy(update={"lists_seconds": 120.0}), clock=clock)
        wired.services.projects.create(settings.project, None, Limits())
        shop = AppliedBatches(wired, settings.project, clock)
        shop.start_of_slot()
        shop.apply("a")
        updates = names_of_calls(wired.database, "UpdateItem")

        for item in ("b", "c", "d"):
            shop.apply(item)

        assert len(updates) == 1
        clock.advance(121.0)
        shop.apply("e")
        assert shop.trending() == {"a", "b", "c", "d", "e"}
        shop.apply("f")
        assert len(updates) == 2
        wired.close()

    def test_what_an_instance_counts_after_another_refreshed_the_lists_is_listed_at_last(
        self, settings: Settings
    ) -> None:
        clock = FakeClock()
        patient = settings.model_copy(update={"lists_seconds": 100.0, "list_ttl_seconds": 0.0})
        first, second = (wired_on(patient, clock=clock) for _ in range(2))
        first.services.projects.create(settings.project, None, Limits())
        shop = AppliedBatches(first, settings.project, clock)
        shop.start_of_slot()
        shop.apply("a")
        clock.advance(50.0)
        shop.apply("b")
        clock.advance(48.0)
        pending = CounterStore(second.database).pending(settings.project)
        assert pending
        second.services.lists.refresh_pending(pending)

        shop.apply("c")
        assert shop.trending() == {"a", "b"}, "it was neither scheduled nor listed"
        clock.advance(2 * counts.FINE_SECONDS)
        schedule.refresh_overdue_lists(second.services)

        assert shop.trending() == {"a", "b", "c"}
        assert CounterStore(second.database).pending(settings.project) is None
        first.close()
        second.close()

    def test_a_failed_schedule_is_repeated(self, settings: Settings) -> None:
        clock = FakeClock()
        wired = wired_on(settings.model_copy(update={"lists_seconds": 120.0}), clock=clock)
        wired.services.projects.create(settings.project, None, Limits())
        shop = AppliedBatches(wired, settings.project, clock)
        shop.start_of_slot()
        shop.apply("a")

        def refused(operation: str, _request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
            if operation == "UpdateItem":
                raise EndpointConnectionError(endpoint_url="closed")
            return call()

        undo = surround(wired.database, refused)
        record = shop.record("b")
        assert shop.consumer.apply([record]) is not None
        undo()
        assert shop.consumer.apply([record]) is None

        clock.advance(121.0)
        schedule.refresh_overdue_lists(wired.services)

        assert shop.trending() == {"a", "b"}
        wired.close()

    def test_a_list_that_was_postponed_by_a_clock_that_was_ahead_is_due(self, settings: Settings) -> None:
        clock = FakeClock()
        wired = wired_on(settings.model_copy(update={"lists_seconds": 4.0}), clock=clock)
        wired.services.projects.create(settings.project, None, Limits())
        consumer, now = Consumer(wired.services, NoSockets()), datetime.now(UTC)
        clock.jump(3_600)
        for user in ("u1", "u2"):
            consumer.apply([a_record(settings.project, Event(user, "a", "view", now, "e"))])

        clock.jump(-3_600)
        assert is_overdue(wired, settings.project)
        schedule.refresh_overdue_lists(wired.services)

        assert not is_overdue(wired, settings.project)
        wired.close()

    def test_a_scheduled_refresh_of_a_deleted_project_is_discarded(self, wired: Wired, settings: Settings) -> None:
        counters, deleted = CounterStore(wired.database), f"{settings.project}-deleted"
        counters.schedule(deleted, [0], 0.0)

        schedule.refresh_overdue_lists(wired.services)

        assert counters.pending(deleted) is None


def is_overdue(wired: Wired, project: str) -> bool:
    return any(pending.project == project for pending in wired.services.lists.overdue())


class AppliedBatches:
    """Batches of one view each, by users of their own, which arrive when they are applied."""

    def __init__(self, wired: Wired, project: str, clock: FakeClock) -> None:
        self._wired, self._project, self._clock = wired, project, clock
        self.consumer = Consumer(wired.services, NoSockets())

    def start_of_slot(self) -> None:
        """Lets the time pass until counters of other five minutes begin."""
        self._clock.advance(counts.FINE_SECONDS - self._clock.now().timestamp() % counts.FINE_SECONDS)

    def record(self, item_id: str) -> dict[str, Any]:
        now = self._clock.now()
        return a_record(self._project, Event(f"user of {item_id}", item_id, "view", now, "e"), arrived=now)

    def apply(self, *item_ids: str) -> None:
        assert self.consumer.apply([self.record(item_id) for item_id in item_ids]) is None

    def trending(self) -> set[str]:
        (live,) = LiveListStore(self._wired.database).get(self._project, [(TRENDING, "")]).values()
        return set(packing.unpack(live.packed))


class TestWrites:
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def large(self, settings: Settings, clock: FakeClock) -> Iterator[Wired]:
        """A shop of one category with as many items used as a popular list holds, the first ones more often."""
        wired = wired_on(settings.model_copy(update={"lists_seconds": 0.0}), clock=clock)
        wired.services.projects.create(settings.project, None, Limits())
        wired.services.items.put_many(settings.project, [an_item(name, "all") for name in self.names()])
        now = clock.now()
        records = [
            a_record(settings.project, Event(f"{name}{n}", name, "view", now, "e"), arrived=now)
            for number, name in enumerate(self.names())
            for n in range(2 + max(0, HEAD - number))
        ]
        assert Consumer(wired.services, NoSockets()).apply(records) is None
        yield wired
        wired.close()

    @staticmethod
    def names() -> list[str]:
        return [f"i{number:03d}" for number in range(LISTED)]

    @staticmethod
    def popular(wired: Wired, project: str) -> list[str]:
        (live,) = LiveListStore(wired.database).get(project, [(POPULAR, "all")]).values()
        return list(packing.unpack(live.packed))

    def test_the_end_of_a_popular_list_waits_and_its_head_does_not(
        self, large: Wired, settings: Settings, clock: FakeClock
    ) -> None:
        project, shop = settings.project, AppliedBatches(large, settings.project, clock)
        assert self.popular(large, project) == self.names()

        shop.apply("i099")
        assert self.popular(large, project) == self.names()
        clock.advance(POPULAR_SECONDS + 1)
        shop.apply("i000")

        assert self.popular(large, project)[HEAD] == "i099"
        records = [
            a_record(project, Event(f"more{n}", "i005", "view", clock.now(), "e"), arrived=clock.now())
            for n in range(30)
        ]
        assert Consumer(large.services, NoSockets()).apply(records) is None
        assert self.popular(large, project)[0] == "i005"

    def test_trending_lists_of_categories_are_short(self, large: Wired, settings: Settings) -> None:
        lists = LiveListStore(large.database).get(settings.project, [(TRENDING, ""), (TRENDING, "all")])

        lengths = {category: len(packing.unpack(each.packed)) for (_, category), each in lists.items()}

        assert lengths == {"": LISTED, "all": TRENDING_IN_CATEGORY}


class TestRecentPopularity:
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def twins(self, settings: Settings, clock: FakeClock) -> Iterator[Wired]:
        """A shop in which `seen` can have the equal neighbors `a` and `b`; its lists are refreshed at once."""
        wired = wired_on(settings.model_copy(update={"lists_seconds": 0.0}), clock=clock)
        wired.services.projects.create(settings.project, None, Limits())
        wired.services.items.put_many(settings.project, [an_item(name) for name in ("seen", "a", "b")])
        wired.services.events.accept(settings.project, [an_event("ann", "seen")])
        yield wired
        wired.close()

    @staticmethod
    def activate(wired: Wired, project: str, version: str, **parameters: float) -> None:
        plant(wired, project, version, {"seen": {"a": 1.0, "b": 1.0}}, parameters=parameters)
        wired.services.rollout.activate(project, version, force=True)

    @staticmethod
    def use(wired: Wired, project: str, item_id: str, users: int) -> None:
        now = wired.services.clock.now()
        events = [Event(f"{item_id}{now}{n}", item_id, "view", now, "e") for n in range(users)]
        assert Consumer(wired.services, NoSockets()).apply([a_record(project, event) for event in events]) is None

    def test_use_moves_an_item_before_its_equal_and_fades(
        self, twins: Wired, settings: Settings, clock: FakeClock
    ) -> None:
        project = settings.project
        self.activate(twins, project, "v1", recent_exponent=0.5, recent_half_life_days=1.0)

        def scores() -> dict[str, float]:
            answer = twins.services.recommend.for_user(project, "ann", RecommendationQuery(limit=2))
            assert all(each.score == each.recent_factor for each in answer.recommendations), "the weights are 1"
            return {each.item_id: each.score for each in answer.recommendations}

        assert list(scores()) == ["a", "b"]
        self.use(twins, project, "b", users=3)
        clock.advance(61.0)
        assert list(scores()) == ["b", "a"]
        assert scores() == {"a": 1.0, "b": pytest.approx(2.0, rel=0.01)}
        clock.advance(86_400.0)
        assert scores()["b"] == pytest.approx(2.5**0.5, rel=0.01)
        self.use(twins, project, "a", users=3)
        clock.advance(61.0)
        assert list(scores()) == ["a", "b"]

    def test_a_list_is_stored_only_for_versions_that_use_it_and_when_a_score_changes(
        self, twins: Wired, settings: Settings
    ) -> None:
        project, store = settings.project, LiveListStore(twins.database)

        def stored() -> LiveList | None:
            return store.get(project, [(RECENT, "")]).get((RECENT, ""))

        self.activate(twins, project, "old")
        self.use(twins, project, "a", users=20)
        assert stored() is None
        self.activate(twins, project, "challenger", recent_exponent=0.5, recent_half_life_days=7.0)
        twins.services.rollout.activate(project, "old", force=True)
        twins.services.rollout.split(project, Split({"old": 1, "challenger": 1}))
        self.use(twins, project, "a", users=1)
        first = stored()
        assert first
        self.use(twins, project, "a", users=1)
        assert stored() == first
        self.use(twins, project, "b", users=1)
        assert stored() != first

    def test_a_version_without_the_parameters_ignores_the_list(self, twins: Wired, settings: Settings) -> None:
        project, query = settings.project, RecommendationQuery(limit=2)
        self.activate(twins, project, "v1")
        before = twins.services.recommend.for_user(project, "ann", query)

        plant_recent(twins, project, {"b": 100.0})

        assert twins.services.recommend.for_user(project, "ann", query) == before
