"""Automatic retraining: after N events, or after N hours if there was an event."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from app import clock
from app.clock import SYSTEM_CLOCK
from app.config import Settings
from app.domain.access import Limits
from app.domain.events import Event
from app.domain.jobs import Job
from app.domain.models import ModelVersion
from app.domain.recommendations import RecommendationQuery
from app.entry import oidc_client
from app.entry.stream import Consumer
from app.errors import WorkerUnavailable
from app.services.models import retraining
from app.services.models.retraining import Retraining
from app.storage.versions import VersionStore
from app.wiring import Wired, wire
from tests.support.builders import two_tastes, wired_on
from tests.support.stream_records import NoSockets, a_record

MOST_TRAININGS = 1_000
"""More than other tests leave running in the tables that they share, for which those of a test would wait."""
TODAY = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def _looking_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "CONSIDER_SECONDS", 0.0)


class Shop:
    """A project whose stream is applied event by event."""

    def __init__(self, settings: Settings, **more: Any) -> None:
        self.project = settings.project
        self.wired = wired_on(settings.model_copy(update={"most_trainings": MOST_TRAININGS, **more}))
        self.wired.services.projects.create(self.project, None, Limits())
        self.wired.services.events.accept(self.project, two_tastes())
        self._consumer = Consumer(self.wired.services, NoSockets())

    def bring(self, now: datetime, count: int, event_type: str = "view") -> None:
        with clock.frozen(now, b"seed"):
            events = [Event("ann", "i1", event_type, now, f"{now}{number}") for number in range(count)]
            assert self._consumer.apply([a_record(self.project, event, arrived=now) for event in events]) is None

    def versions(self) -> list[ModelVersion]:
        return list(self.wired.services.train.list_page(self.project, None, 10).records)


@pytest.fixture
def shop_of(settings: Settings) -> Iterator[Callable[..., Shop]]:
    """Creates shops with the given settings."""
    shops: list[Shop] = []

    def make(**more: Any) -> Shop:
        shops.append(Shop(settings, **more))
        return shops[-1]

    yield make
    for shop in shops:
        shop.wired.close()


class Nowhere:
    """Launches nothing."""

    def launch(self, project: str, job: Job) -> None:
        raise WorkerUnavailable(f"No worker for {project}, {job.job_id}.")


class TestRetraining:
    def test_a_training_begins_after_retrain_events(self, shop_of: Callable[..., Shop]) -> None:
        shop = shop_of(retrain_events=10)

        shop.bring(TODAY, 9)
        shop.bring(TODAY, 50, "impression")  # impressions do not count
        assert shop.versions() == []
        shop.bring(TODAY + timedelta(minutes=5), 1)
        assert len(shop.versions()) == 1
        assert shop.wired.services.rollout.active(shop.project)
        shop.bring(TODAY + timedelta(minutes=10), 9)
        assert len(shop.versions()) == 1
        shop.bring(TODAY + timedelta(minutes=15), 1)
        assert len(shop.versions()) == 2

    def test_parameters_are_chosen_once_a_week(self, shop_of: Callable[..., Shop]) -> None:
        shop = shop_of(retrain_hours=1)

        for hours in (0, 2, 100, 200):
            shop.bring(TODAY + timedelta(hours=hours - 200), 1)

        *_, first = versions = shop.versions()
        start = first.created_at
        assert [version.chosen_at for version in versions] == [start + timedelta(hours=200), start, start, start]
        names = ("ridge", "user_exponent", "item_exponent", "half_life_days", "solver")
        assert {tuple(version.parameters[name] for name in names) for version in versions[1:]} == {
            tuple(first.parameters[name] for name in names)
        }
        assert all(version.metrics["ndcg"] > 0 for version in versions)

    def test_a_training_begins_after_retrain_hours_and_an_event(self, shop_of: Callable[..., Shop]) -> None:
        shop = shop_of(retrain_hours=2)

        shop.bring(TODAY, 1)
        assert len(shop.versions()) == 1
        shop.bring(TODAY + timedelta(hours=1), 5)
        assert len(shop.versions()) == 1
        shop.bring(TODAY + timedelta(hours=3), 1)
        assert len(shop.versions()) == 2

    def test_no_training_begins_by_default(self, shop_of: Callable[..., Shop]) -> None:
        shop = shop_of()

        shop.bring(TODAY, 500)

        assert shop.versions() == []

    def test_only_one_of_many_instances_begins_the_training(self, settings: Settings, wired: Wired) -> None:
        together = Barrier(6)
        due = {(int(TODAY.timestamp()), "#events"): 100}

        def consider() -> None:
            service = Retraining(VersionStore(wired.database), demanding, wired.services.training_jobs, SYSTEM_CLOCK)
            together.wait()
            service.consider(settings.project, due)

        demanding = settings.model_copy(update={"retrain_events": 10})
        threads = [Thread(target=consider) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(wired.services.train.list_page(settings.project, None, 10).records) == 1

    def test_lists_are_updated_when_no_training_can_be_launched(self, settings: Settings) -> None:
        update = {"retrain_events": 1, "most_trainings": MOST_TRAININGS}
        wired = wire(settings.model_copy(update=update), Nowhere(), oidc_client.fetch)
        wired.services.projects.create(settings.project, None, Limits())
        event = Event("ann", "i1", "view", TODAY, "a")

        with clock.frozen(TODAY, b"seed"):
            assert (
                Consumer(wired.services, NoSockets()).apply([a_record(settings.project, event, arrived=TODAY)]) is None
            )
            listed = wired.services.recommend.from_list(settings.project, "popular", None, RecommendationQuery())

        assert [item.item_id for item in listed.recommendations] == ["i1"]
        wired.close()
