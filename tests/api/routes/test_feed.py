"""The newest events of all users."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.config import Settings
from app.domain.events import Event
from app.domain.users import of_session
from app.services.failures import Refusals
from app.storage.failures import FailureStore
from app.wiring import Wired
from tests.support.builders import NOON, a_project, an_event, client_of
from tests.support.fake_clock import FakeClock

YEAR = 60 * 24 * 365


def feed(client: httpx2.Client, **params: Any) -> list[dict[str, Any]]:
    """All pages."""
    events: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = client.get("/v1/events", params={**params, **({"cursor": cursor} if cursor else {})})
        events += page.raise_for_status().json()["events"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return events


@pytest.fixture
def stored(wired: Wired, settings: Settings) -> list[Event]:
    """Newest first: a busy user, others, equal times, months that are far apart."""
    events = [an_event("busy", f"i{n % 7}", "view", n) for n in range(90)]
    events += [an_event(f"u{n}", "tea", "purchase", n * 7) for n in range(30)]
    events += [Event(f"twin{n}", "tea", "view", NOON + timedelta(minutes=30), "same-id") for n in range(6)]
    events += [an_event(of_session("anonymous"), "i1", "wish", -n * YEAR // 4) for n in range(1, 7)]
    wired.services.events.accept(settings.project, events)
    return sorted(events, key=lambda event: (event.timestamp, event.event_id, event.user_id), reverse=True)


class TestList:
    @pytest.mark.parametrize("limit", [1, 7, 100])
    def test_pages_have_all_events_once_newest_first(
        self, client: httpx2.Client, stored: list[Event], limit: int
    ) -> None:
        listed = feed(client, limit=limit)

        assert [(event["user_id"] or of_session(event["session_id"]), event["event_id"]) for event in listed] == [
            (event.user_id, event.event_id) for event in stored
        ]

    def test_pages_say_how_far_they_have_searched(self, client: httpx2.Client, stored: list[Event]) -> None:
        first = client.get("/v1/events", params={"limit": 3}).json()
        rare = client.get("/v1/events", params={"event_type": "wish", "item_id": "tea"}).json()
        month = max(event.timestamp for event in stored if event.event_type == "wish").replace(day=1)

        assert datetime.fromisoformat(first["searched_to"]) == stored[2].timestamp
        assert (rare["events"], datetime.fromisoformat(rare["searched_to"]) <= month) == ([], True)
        assert client.get("/v1/events", params={"limit": 100, "user_id": "busy"}).json()["searched_to"] is None

    @pytest.mark.parametrize(
        ("params", "keep"),
        [
            ({"user_id": "busy"}, lambda event: event.user_id == "busy"),
            ({"session_id": "anonymous"}, lambda event: event.session_id == "anonymous"),
            ({"item_id": "tea"}, lambda event: event.item_id == "tea"),
            ({"event_type": "wish", "item_id": "i1"}, lambda event: event.event_type == "wish"),
            ({"user_id": "busy", "item_id": "i3"}, lambda event: event.user_id == "busy" and event.item_id == "i3"),
            (
                {"from_time": NOON.isoformat(), "to_time": (NOON + timedelta(minutes=30)).isoformat()},
                lambda event: NOON <= event.timestamp < NOON + timedelta(minutes=30),
            ),
        ],
    )
    def test_only_events_that_meet_all_conditions(
        self, client: httpx2.Client, stored: list[Event], params: dict[str, str], keep: Any
    ) -> None:
        listed = feed(client, limit=20, **params)

        assert [event["event_id"] for event in listed] == [event.event_id for event in stored if keep(event)]

    def test_a_page_reads_a_bounded_number_of_events(
        self, client: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        events = [an_event(f"u{n % 50}", "tea", "view", n) for n in range(1_200)]
        wired.services.events.accept(settings.project, [*events, an_event("u1", "rare", "view", -1)])

        page = client.get("/v1/events", params={"item_id": "rare"}).json()

        assert page["events"] == []
        rest = client.get("/v1/events", params={"item_id": "rare", "cursor": page["next_cursor"]}).json()
        assert [event["item_id"] for event in rest["events"]] == ["rare"]
        assert rest["next_cursor"] is None

    def test_it_says_what_is_unknown(self, client: httpx2.Client) -> None:
        for item_id in ("tea", "gone"):
            client.put(f"/v1/items/{item_id}", json={"title": item_id.title()})
        client.delete("/v1/items/gone")
        client.put("/v1/event-types/teleport", json={"serving": 2})
        sent = [("tea", "view"), ("gone", "AddToCart"), ("never", "teleport"), ("tea", "levitate")]
        times = [(NOON + timedelta(seconds=n)).isoformat() for n in range(len(sent))]
        body = [
            {"user_id": "ann", "item_id": item_id, "event_type": event_type, "timestamp": time}
            for (item_id, event_type), time in zip(sent, times, strict=True)
        ]
        client.post("/v1/events", json={"events": body}).raise_for_status()

        listed = feed(client)[::-1]

        assert [(event["title"], event["item_known"], event["type_known"]) for event in listed] == [
            ("Tea", True, True),
            (None, False, True),
            (None, False, True),
            ("Tea", True, False),
        ]

    @pytest.mark.parametrize(
        "params",
        [
            {"user_id": "a", "session_id": "b"},
            {"from_time": "2026-02-01T00:00:00Z", "to_time": "2026-01-01T00:00:00Z"},
            {"limit": 101},
        ],
    )
    def test_conditions_that_nothing_meets_are_refused(self, client: httpx2.Client, params: dict[str, Any]) -> None:
        assert client.get("/v1/events", params=params).status_code == 422

    def test_a_cursor_is_bound_to_its_conditions(self, client: httpx2.Client, stored: list[Event]) -> None:
        cursor = client.get("/v1/events", params={"limit": 3}).json()["next_cursor"]

        assert client.get("/v1/events", params={"item_id": stored[0].item_id, "cursor": cursor}).status_code == 400


class TestFailures:
    def test_they_have_reasons(self, client: httpx2.Client, wired: Wired, settings: Settings) -> None:
        keys = {"owner": {"S": f"{settings.project}#ann"}, "moment": {"S": "x"}}
        wired.services.failures.put({"eventID": "r1", "dynamodb": {"Keys": keys}}, "ValueError: broken")

        listed = client.get("/v1/event-failures").json()

        assert listed == {
            "failures": [{"record_id": "r1", "user_id": "ann", "reason": "ValueError: broken"}],
            "next_cursor": None,
        }


def test_other_projects_are_not_listed(wired: Wired, settings: Settings, stored: list[Event]) -> None:
    other = client_of(wired, a_project(wired, f"other-{settings.project}"))

    assert stored
    assert feed(other) == []


class TestRefusals:
    def test_a_refused_request_is_listed_with_its_faults(self, client: httpx2.Client) -> None:
        sent = [{"events": [{"user_id": "ann", "item_id": "a b"}]}, {"events": [{"user_id": "ann"}]}, {}]
        assert [client.post("/v1/events", json=body).status_code for body in sent] == [422, 422, 422]
        client.post("/v1/events", json={"events": [{"user_id": "ann", "item_id": "tea"}]}).raise_for_status()

        [refusal] = client.get("/v1/event-refusals").json()["refusals"]

        assert (refusal["status"], refusal["others"]) == (422, 0)
        assert [place["pointer"] for place in refusal["errors"]] == ["/events/0/item_id"]

    def test_a_forged_recommendation_id_is_listed(self, client: httpx2.Client) -> None:
        body = {"events": [{"user_id": "ann", "item_id": "tea", "recommendation_id": "forged"}]}
        assert client.post("/v1/events", json=body).status_code == 400

        [refusal] = client.get("/v1/event-refusals").json()["refusals"]

        assert [place["pointer"] for place in refusal["errors"]] == ["/events/0/recommendation_id"]

    def test_many_refusals_write_once_in_ten_seconds(self, wired: Wired, settings: Settings) -> None:
        clock = FakeClock()
        refusals = Refusals(FailureStore(wired.database), clock)
        for seconds in (0, 1, 3, 10):
            clock.advance(seconds)
            refusals.add(settings.project, 422, "bad", ())

        assert [refusal.others for refusal in refusals.newest(settings.project, 10)] == [2, 0]
