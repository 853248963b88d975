"""What a user bought, rated, hid or disliked stays excluded, however many other events follow."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from app.config import Settings
from app.domain.access import Limits
from app.domain.events import Event
from app.domain.recommendations import RecommendationQuery
from app.domain.users import of_session
from app.entry.stream import Consumer
from app.storage.events import EventRow
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import an_event, an_item, wired_on
from tests.support.call_recorder import Recorder
from tests.support.planted_models import publish
from tests.support.stream_records import NoSockets, a_record

LATER = 12
ITEMS = [f"i{number}" for number in range(6)]


@pytest.fixture
def shop(settings: Settings) -> Iterator[Wired]:
    """Reads only the 5 newest events of a user, so that few later events hide the first ones."""
    wired = wired_on(settings.model_copy(update={"history_events": 5}))
    wired.services.projects.create(settings.project, None, Limits())
    wired.services.items.put_many(settings.project, [an_item(item_id) for item_id in ITEMS])
    publish(wired, settings.project, {}, {item_id: 9.0 - number for number, item_id in enumerate(ITEMS)})
    yield wired
    wired.close()


def happen(wired: Wired, project: str, events: Sequence[Event]) -> None:
    """Stores events and lets the stream apply them."""
    wired.services.events.accept(project, events)
    assert Consumer(wired.services, NoSockets()).apply([a_record(project, event) for event in events]) is None


def later(user_id: str = "ann") -> list[Event]:
    """Many later events with another item."""
    return [an_event(user_id, "i5", minutes=100 + n)._replace(event_id=f"later-{n}") for n in range(LATER)]


def listed(wired: Wired, project: str, query: RecommendationQuery | None = None, user_id: str = "ann") -> list[str]:
    answer = wired.services.recommend.for_user(project, user_id, query or RecommendationQuery(limit=10))
    return [recommendation.item_id for recommendation in answer.recommendations]


AGAIN = RecommendationQuery(limit=10, include_seen=True)


class TestExclusion:
    @pytest.mark.parametrize(
        ("event_type", "is_shown_again"),
        [("purchase", True), ("rating", True), ("hide", False), ("dislike", False)],
    )
    def test_later_events_do_not_bring_an_item_back(
        self,
        shop: Wired,
        settings: Settings,
        event_type: str,
        is_shown_again: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        happen(shop, settings.project, [an_event("ann", "i0", event_type, value=5.0), *later()])

        assert "i0" not in listed(shop, settings.project)
        assert ("i0" in listed(shop, settings.project, AGAIN)) == is_shown_again

    def test_a_positive_event_lifts_a_rejection_for_good(self, shop: Wired, settings: Settings) -> None:
        happen(shop, settings.project, [an_event("ann", "i0", "hide"), an_event("ann", "i0", "like", 1), *later()])

        assert "i0" in listed(shop, settings.project, AGAIN)

    def test_rejected_items_come_last_in_rankings(self, shop: Wired, settings: Settings) -> None:
        happen(shop, settings.project, [an_event("ann", "i0", "hide"), *later()])

        ranked = shop.services.recommend.rank(settings.project, "ann", ["i0", "i1", "i2"], RecommendationQuery())

        assert [recommendation.item_id for recommendation in ranked.recommendations] == ["i1", "i2", "i0"]

    def test_the_newest_events_decide_before_the_stream_reports_them(self, shop: Wired, settings: Settings) -> None:
        happen(shop, settings.project, [an_event("ann", "i0", "hide"), *later()])
        shop.services.events.accept(settings.project, [an_event("ann", "i0", "like", 500)])

        assert "i0" in listed(shop, settings.project, AGAIN)

    def test_a_list_without_an_event_is_without_its_verdict(self, shop: Wired, settings: Settings) -> None:
        bought = an_event("ann", "i0", "purchase", 500)
        happen(shop, settings.project, [*later(), bought])

        assert "i0" not in listed(shop, settings.project)
        assert "i0" in listed(
            shop, settings.project, RecommendationQuery(limit=10, without_events=frozenset({bought.event_id}))
        )

    def test_the_exclusion_costs_a_warm_instance_no_call(self, shop: Wired, settings: Settings) -> None:
        happen(shop, settings.project, [an_event("ann", "i0", "purchase"), *later()])
        listed(shop, settings.project)
        recorder = Recorder(shop.database)

        assert "i0" not in listed(shop, settings.project)

        assert [name for name, _, _ in recorder.calls] == ["Query"]


class TestRemoval:
    def test_a_removed_purchase_no_longer_excludes_its_item(self, shop: Wired, settings: Settings) -> None:
        project, bought = settings.project, an_event("ann", "i0", "purchase")
        hidden = an_event("ann", "i1", "hide")
        happen(shop, project, [bought, hidden, *later()])
        shop.services.events._store.delete_many(project, [bought])  # noqa: SLF001 - as jobs delete events

        Consumer(shop.services, NoSockets()).apply([a_record(project, None, bought)])

        assert "i0" in listed(shop, project)
        assert "i1" not in listed(shop, project)

    def test_verdicts_follow_a_session_to_its_user(self, shop: Wired, settings: Settings) -> None:
        project, session = settings.project, of_session("s1")
        events = [an_event(session, "i0", "purchase"), *later(session)]
        happen(shop, project, events)

        shop.services.sessions.merge(project, "s1", "ann")
        consumer = Consumer(shop.services, NoSockets())
        moved = [event._replace(user_id="ann") for event in events]
        consumer.apply([a_record(project, event) for event in moved])
        consumer.apply([a_record(project, None, event) for event in events])

        assert "i0" not in listed(shop, project)
        assert "i0" in listed(shop, project, user_id=session)

    def test_an_erased_user_leaves_no_verdict_even_if_the_stream_is_late(self, shop: Wired, settings: Settings) -> None:
        project, bought = settings.project, an_event("ann", "i0", "purchase")
        happen(shop, project, [bought])
        receipt = shop.services.erasure.erase_user(project, "ann")

        Consumer(shop.services, NoSockets()).apply([a_record(project, bought, name="late")])

        assert receipt.removed["events"] == 1
        assert [row for row in tables.rows(shop, EventRow) if row["owner"]["S"] == f"{project}#ann"] == []


class TestListing:
    def test_a_history_lists_events_only(self, shop: Wired, settings: Settings) -> None:
        at = datetime.now(UTC) - timedelta(hours=1)
        bought = an_event("ann", "i0", "purchase")._replace(timestamp=at)
        happen(shop, settings.project, [bought])

        page = shop.services.events.list_page(settings.project, "ann", None, 10)

        assert page.records == (bought,)
        assert [event.event_id for event in shop.services.events.all(settings.project)] == [bought.event_id]
