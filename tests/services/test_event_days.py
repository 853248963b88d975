"""Events that are older than the days for which they are kept are invisible, and what they did stays."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

import httpx2
import pytest

from app.config import Settings
from app.domain.events import Event, EventSelection
from app.domain.paging import every
from app.domain.recommendations import RecommendationQuery
from app.domain.users import of_session
from app.entry.local.dynamodb import Emulator
from app.entry.local.stream_follower import Follower
from app.entry.stream import Consumer
from app.errors import NotEnoughData
from app.storage.checkpoints import CheckpointStore
from app.storage.events import EventRow
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import a_project, an_item, client_of, two_tastes, until, wired_on
from tests.support.calls import surround
from tests.support.fake_clock import FakeClock
from tests.support.planted_models import publish
from tests.support.stream_records import NoSockets, a_record, an_expiry

DAYS = 40
DAY = 86_400.0
SPARE_SECONDS = 3_600.0


def happened(days_ago: float, item_id: str = "tea", event_type: str = "view", user_id: str = "ann") -> Event:
    return Event(user_id, item_id, event_type, datetime.now(UTC) - timedelta(days=days_ago), f"{item_id}-{event_type}")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ever(wired: Wired) -> Wired:
    """Services that keep events for ever, as before the setting was on."""
    return wired


@pytest.fixture
def shop(settings: Settings, ever: Wired, clock: FakeClock) -> Iterator[Wired]:
    """Services over the same tables that keep events for some days."""
    assert ever.services.settings.event_days is None
    with closing(wired_on(settings.model_copy(update={"event_days": DAYS}), clock=clock)) as wired:
        yield wired


@pytest.fixture
def api(shop: Wired, key: str) -> Iterator[httpx2.Client]:
    with client_of(shop, key) as client:
        yield client


def seen(wired: Wired, project: str) -> dict[str, list[str]]:
    """The items of ann's events by the way they are read."""
    services = wired.services
    history = services.recommend._loader._events.history(project, "ann", 10)  # noqa: SLF001 - what serving reads
    store = services.events._store  # noqa: SLF001
    pages = every(lambda start: services.events.list_page(project, "ann", start, 1))
    feed = every(lambda start: services.feed.page(project, EventSelection(), start, 1))
    of_project = [
        event
        for event in every(lambda start: services.erasure.export_project(project, start, 1)[1])
        if isinstance(event, Event)
    ]
    return {
        "history": [event.item_id for event in history.events],
        "newest": [event.item_id for event in store.newest(project, "ann", 10)],
        "pages": [event.item_id for event in pages],
        "feed": [event.event.item_id for event in feed],
        "feed of a user": [
            event.event.item_id for event in services.feed.page(project, EventSelection(owner="ann"), None, 10).records
        ],
        "verdicts and counters": [event.item_id for event in store.of_user(project, "ann")][::-1],
        "counters": [
            event.item_id for event in store.of_user_since(project, "ann", datetime.now(UTC) - timedelta(days=500))
        ],
        "training and exports": [event.item_id for event in services.events.all(project)][::-1],
        "export of the project": [event.item_id for event in of_project][::-1],
        "copy for the user": [
            event.item_id for event in services.erasure.export_user(project, "ann", None, 10)[1].records
        ],
    }


class TestExpiry:
    def test_rows_expire_that_many_days_after_the_event_happened(self, shop: Wired, settings: Settings) -> None:
        event = happened(3)
        shop.services.events.accept(settings.project, [event])

        (row,) = [row for row in tables.rows(shop, EventRow) if row["owner"]["S"] == f"{settings.project}#ann"]

        assert int(row["expires_at"]["N"]) == int((event.timestamp + timedelta(days=DAYS)).timestamp())

    def test_without_the_setting_rows_do_not_expire(self, ever: Wired, settings: Settings) -> None:
        ever.services.events.accept(settings.project, [happened(3)])

        (row,) = [row for row in tables.rows(ever, EventRow) if row["owner"]["S"] == f"{settings.project}#ann"]

        assert "expires_at" not in row

    def test_events_of_a_session_expire_with_its_user(self, shop: Wired, settings: Settings) -> None:
        event = happened(3, user_id=of_session("s1"))
        shop.services.events.accept(settings.project, [event])

        assert shop.services.sessions.merge(settings.project, "s1", "ann") == (1, True)

        (row,) = [row for row in tables.rows(shop, EventRow) if row["owner"]["S"] == f"{settings.project}#ann"]
        assert int(row["expires_at"]["N"]) == int((event.timestamp + timedelta(days=DAYS)).timestamp())


class TestReading:
    def test_older_events_are_invisible_although_their_rows_are_there(
        self, ever: Wired, shop: Wired, settings: Settings
    ) -> None:
        ages = [1, 20, 39.9, 40.1, 75, 400]
        ever.services.events.accept(settings.project, [happened(age, f"i{age}") for age in ages])

        assert {
            name: items for name, items in seen(shop, settings.project).items() if items != ["i1", "i20", "i39.9"]
        } == {}
        assert {
            name: len(items) for name, items in seen(ever, settings.project).items() if len(items) != len(ages)
        } == {}

    def test_a_page_whose_beginning_has_expired_is_empty(
        self, shop: Wired, api: httpx2.Client, clock: FakeClock, settings: Settings
    ) -> None:
        shop.services.events.accept(settings.project, [happened(30 + n, f"i{n}") for n in range(4)])
        paths = ["/v1/users/ann/events", "/v1/events", "/v1/events?user_id=ann"]
        cursors = {path: api.get(path, params={"limit": 2}).raise_for_status().json()["next_cursor"] for path in paths}
        assert all(cursors.values())

        clock.advance(10 * DAY)

        for path, cursor in cursors.items():
            page = api.get(path, params={"limit": 2, "cursor": cursor}).raise_for_status().json()
            assert (page["events"], page["next_cursor"]) == ([], None), path

    def test_an_export_continues_with_the_events_that_are_left(
        self, shop: Wired, clock: FakeClock, settings: Settings
    ) -> None:
        now = datetime.now(UTC)
        at = now.replace(day=20) if now.day > 20 else (now.replace(day=1) - timedelta(days=5))
        events = [Event("ann", f"i{n}", "view", at + timedelta(days=n), f"e{n}") for n in range(4)]
        shop.services.events.accept(settings.project, events)
        store = shop.services.events._store  # noqa: SLF001
        first = store.page(settings.project, None, 1)

        clock.advance((events[1].timestamp - now).total_seconds() + DAYS * DAY + SPARE_SECONDS)

        rest = every(lambda start: store.page(settings.project, start or first.next_start, 1))
        assert [event.item_id for event in first.records] == ["i0"]
        assert [event.item_id for event in rest] == ["i2", "i3"]

    def test_a_feed_of_a_time_that_has_expired_is_empty(
        self, ever: Wired, api: httpx2.Client, settings: Settings
    ) -> None:
        ever.services.events.accept(settings.project, [happened(100)])
        until_then = (datetime.now(UTC) - timedelta(days=90)).isoformat()

        page = api.get("/v1/events", params={"to_time": until_then}).raise_for_status().json()

        assert (page["events"], page["next_cursor"]) == ([], None)

    def test_models_learn_nothing_from_older_events(self, ever: Wired, shop: Wired, settings: Settings) -> None:
        ever.services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(12)])
        ever.services.events.accept(settings.project, two_tastes())  # of January

        with pytest.raises(NotEnoughData):
            shop.services.train.run(settings.project, shop.services.train.queue(settings.project))
        assert ever.services.train.run(settings.project, ever.services.train.queue(settings.project)).version

    def test_serving_reads_no_more(self, ever: Wired, shop: Wired, settings: Settings) -> None:
        ever.services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(4)])
        publish(ever, settings.project, {}, {f"i{n}": 9.0 - n for n in range(4)})
        ever.services.events.accept(settings.project, [happened(1, "i0"), happened(60, "i1", "purchase")])
        requests: list[dict[str, Any]] = []

        def kept(_operation: str, request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
            requests.append(request)
            return call()

        def listed(wired: Wired) -> list[str]:
            query = RecommendationQuery(limit=10)
            wired.services.recommend.for_user(settings.project, "ann", query)
            requests.clear()
            surround(wired.database, kept)
            answer = wired.services.recommend.for_user(settings.project, "ann", query)
            return [each.item_id for each in answer.recommendations]

        assert "i1" not in listed(ever)
        (before,) = requests
        assert "i1" in listed(shop)

        (request,) = requests
        assert request.keys() - before.keys() == set()
        assert request["ProjectionExpression"] == before["ProjectionExpression"]
        assert ">=" in request["KeyConditionExpression"]


class TestArrival:
    def test_an_event_that_is_too_old_is_refused_and_nothing_is_stored(
        self, shop: Wired, api: httpx2.Client, settings: Settings
    ) -> None:
        events = [
            {"user_id": "ann", "item_id": f"i{days}", "timestamp": happened(days).timestamp.isoformat()}
            for days in (1, 39.9, 40.1, 4_000)
        ]

        response = api.post("/v1/events", json={"events": events})

        assert response.status_code == 422
        problem = response.json()
        assert [error["pointer"] for error in problem["errors"]] == ["/events/2/timestamp", "/events/3/timestamp"]
        assert "40 days" in problem["errors"][0]["detail"]
        assert list(shop.services.events.all(settings.project)) == []
        (refusal,) = api.get("/v1/event-refusals").json()["refusals"]
        assert refusal["status"] == 422

    def test_younger_events_are_accepted(self, api: httpx2.Client) -> None:
        event = {"user_id": "ann", "item_id": "tea", "timestamp": happened(39.9).timestamp.isoformat()}

        assert api.post("/v1/events", json={"events": [event, {"user_id": "ann", "item_id": "tea"}]}).status_code == 202

    def test_messages_of_other_senders_are_refused_too(self, api: httpx2.Client) -> None:
        message = {
            "type": "track",
            "event": "Product Viewed",
            "userId": "ann",
            "messageId": "m1",
            "timestamp": happened(41).timestamp.isoformat(),
            "properties": {"product_id": "tea"},
        }

        response = api.post("/v1/events:segment", json=message)

        assert (response.status_code, "40 days" in response.text) == (422, True)


class TestDeletion:
    def test_an_erasure_deletes_and_counts_expired_events(self, ever: Wired, shop: Wired, settings: Settings) -> None:
        ever.services.events.accept(settings.project, [happened(1), happened(60), happened(600)])

        receipt = shop.services.erasure.erase_user(settings.project, "ann")

        assert receipt.removed["events"] == 3
        assert [row for row in tables.rows(shop, EventRow) if row["owner"]["S"] == f"{settings.project}#ann"] == []

    def test_a_deletion_deletes_events_that_were_stored_before_the_setting(
        self, ever: Wired, shop: Wired, api: httpx2.Client, settings: Settings
    ) -> None:
        ever.services.events.accept(settings.project, [happened(1), happened(60), happened(600)])

        job = api.delete("/v1/events", params={"to_time": happened(DAYS).timestamp.isoformat()}).raise_for_status()

        ended = shop.services.jobs.get(settings.project, job.json()["job_id"])
        assert ended.counts["deleted"] == 2
        assert [event.item_id for event in ever.services.events.all(settings.project)] == ["tea"]


def counted(wired: Wired, project: str) -> dict[tuple[int, str], int]:
    return dict(wired.services.lists.refresh(project, ()))


class TestStream:
    @pytest.mark.parametrize("of_lambda", [True, False], ids=["Lambda", "GetRecords"])
    def test_an_event_that_expires_is_not_taken_back(self, shop: Wired, settings: Settings, *, of_lambda: bool) -> None:
        project, consumer = settings.project, Consumer(shop.services, NoSockets())
        events = [happened(1, "mug", "purchase"), happened(1, "tea", "dislike"), happened(1, "cup")]
        shop.services.events.accept(project, events)
        consumer.apply([a_record(project, event) for event in events])
        before, verdicts = counted(shop, project), shop.services.verdicts._events.verdicts(project, ["ann"])  # noqa: SLF001
        shop.services.events._store.delete_many(project, events)  # noqa: SLF001 - as the database does

        assert consumer.apply([an_expiry(project, event, of_lambda=of_lambda) for event in events]) is None

        assert counted(shop, project) == before
        assert shop.services.verdicts._events.verdicts(project, ["ann"]) == verdicts != {}  # noqa: SLF001
        assert shop.services.failures.list_page(project, None, 10).records == ()

        consumer.apply([a_record(project, None, event) for event in events])  # a person deletes them

        assert counted(shop, project) != before
        assert shop.services.verdicts._events.verdicts(project, ["ann"]) == {}  # noqa: SLF001

    def test_no_socket_is_pushed_to(self, shop: Wired, settings: Settings) -> None:
        class Pushed(NoSockets):
            users: list[str] = []  # noqa: RUF012 - one test

            def any_of(self, project: str) -> bool:
                return bool(project)

            def push(self, project: str, user_id: str) -> int:
                assert project
                self.users.append(user_id)
                return 1

        consumer = Consumer(shop.services, Pushed())

        consumer.apply([an_expiry(settings.project, happened(1))])
        assert Pushed.users == []
        consumer.apply([a_record(settings.project, None, happened(1))])
        assert Pushed.users == ["ann"]

    def test_exclusions_of_expired_events_survive_a_later_removal(
        self, shop: Wired, clock: FakeClock, settings: Settings
    ) -> None:
        project, consumer = settings.project, Consumer(shop.services, NoSockets())
        items = ["mug", "cup", "tea"]
        shop.services.items.put_many(project, [an_item(item) for item in items])
        publish(shop, project, {}, {item: 9.0 - number for number, item in enumerate(items)})
        old, young = [happened(35, "mug", "purchase"), happened(35, "cup", "dislike")], happened(1, "tea", "purchase")
        shop.services.events.accept(project, [*old, young])
        consumer.apply([a_record(project, event) for event in [*old, young]])
        clock.advance(10 * DAY)
        shop.services.events._store.delete_many(project, [*old, young])  # noqa: SLF001

        consumer.apply([*(an_expiry(project, event) for event in old), a_record(project, None, young)])

        answer = shop.services.recommend.for_user(project, "ann", RecommendationQuery(limit=10))
        assert [each.item_id for each in answer.recommendations] == ["tea"]

    def test_an_old_event_that_a_person_deletes_excludes_no_longer(
        self, shop: Wired, clock: FakeClock, settings: Settings
    ) -> None:
        project, consumer = settings.project, Consumer(shop.services, NoSockets())
        events = [happened(35, "mug", "purchase"), happened(34, "cup", "purchase")]
        shop.services.events.accept(project, events)
        consumer.apply([a_record(project, event) for event in events])
        clock.advance(10 * DAY)

        consumer.apply([a_record(project, None, events[0])])
        (left,) = shop.services.verdicts._events.verdicts(project, ["ann"]).values()  # noqa: SLF001
        consumer.apply([a_record(project, None, events[1])])

        assert left
        assert shop.services.verdicts._events.verdicts(project, ["ann"]) == {}  # noqa: SLF001

    def test_dynamodb_local_deletes_expired_rows_and_what_they_did_stays(
        self, settings: Settings, own_emulator: Emulator
    ) -> None:
        """It deletes them about ten seconds after they have expired, later if it has many tables."""
        own = settings.model_copy(update={"endpoint": own_emulator.endpoint, "event_days": DAYS})
        with closing(wired_on(own)) as wired:
            a_project(wired, "p")
            services = wired.services
            follower = Follower(
                wired.services.settings, CheckpointStore(wired.database), Consumer(services, NoSockets()), int
            )
            soon = happened(DAYS - 3 / DAY, "mug", "purchase")
            services.events.accept("p", [soon, happened(1)])
            until(lambda: follower.step() > 0)
            before = counted(wired, "p")
            verdicts = services.verdicts._events.verdicts("p", ["ann"])  # noqa: SLF001

            until(lambda: not [row for row in tables.rows(wired, EventRow) if row.get("item_id") == {"S": "mug"}])
            sleep(1)
            until(lambda: follower.step() > 0)

            assert counted(wired, "p") == before != {}
            assert services.verdicts._events.verdicts("p", ["ann"]) == verdicts != {}  # noqa: SLF001
            assert services.failures.list_page("p", None, 10).records == ()


class TestSetting:
    @pytest.mark.parametrize(
        ("days", "window"), [("36", "30"), ("0", "30"), ("-1", "30"), ("96", "90"), ("soon", "30")]
    )
    def test_days_that_are_too_few_are_refused_and_the_error_says_why(self, days: str, window: str) -> None:
        values = {"SERENDIP_SECRET": "x" * 32, "SERENDIP_EVENT_DAYS": days, "SERENDIP_POPULAR_WINDOW_DAYS": window}

        with pytest.raises(ValueError, match=r"event_days[\s\S]*(at least|integer)"):
            Settings.from_environment(values)

    def test_the_default_keeps_events_for_ever(self) -> None:
        values = {"SERENDIP_SECRET": "x" * 32}

        assert Settings.from_environment(values).event_days is None
        assert Settings.from_environment({**values, "SERENDIP_EVENT_DAYS": "37"}).event_days == 37
