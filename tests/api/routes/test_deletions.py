"""Deleting events by conditions, through the API and step by step."""

from typing import Any

import httpx2
import pytest

from app.config import Settings
from app.domain.events import Event
from app.domain.jobs import DeletionRequest, JobState
from app.domain.users import of_session
from app.entry.jobs import deletions, worker
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import an_event, client_of, idle_on

EVENTS = [
    an_event("ann", "tea", "view", 0),
    an_event("ann", "tea", "purchase", 1),
    an_event("ann", "milk", "view", 60 * 24 * 40),
    an_event("bob", "tea", "view", 2),
    an_event("bob", "milk", "purchase", 3),
    an_event(of_session("ann"), "tea", "view", 4),
]


@pytest.fixture
def client(wired: Wired, key: str, settings: Settings) -> httpx2.Client:
    wired.services.events.accept(settings.project, EVENTS)
    return client_of(wired, key)


def left(wired: Wired, settings: Settings) -> list[Event]:
    return sorted(wired.services.events.all(settings.project), key=lambda event: event.timestamp)


def deleted(client: httpx2.Client, **params: Any) -> dict[str, Any]:
    response = client.delete("/v1/events", params=params)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = client.get(response.headers["location"]).raise_for_status().json()
    return job


class TestDelete:
    @pytest.mark.parametrize(
        ("params", "positions"),
        [
            ({"user_id": "ann"}, {0, 1, 2}),
            ({"session_id": "ann"}, {5}),
            ({"item_id": "tea"}, {0, 1, 3, 5}),
            ({"event_type": "purchase"}, {1, 4}),
            ({"user_id": "ann", "item_id": "tea", "event_type": "view"}, {0}),
            ({"user_id": "ann", "from_time": EVENTS[1].timestamp.isoformat()}, {1, 2}),
            ({"user_id": "ann", "to_time": EVENTS[1].timestamp.isoformat()}, {0}),
            ({"from_time": "2026-03-01T00:00:00Z"}, {2}),
            ({"to_time": EVENTS[3].timestamp.isoformat()}, {0, 1}),
            ({"from_time": EVENTS[1].timestamp.isoformat(), "to_time": EVENTS[4].timestamp.isoformat()}, {1, 3}),
            ({"item_id": "coffee"}, set()),
        ],
    )
    def test_the_events_that_meet_all_conditions_are_deleted(
        self, client: httpx2.Client, wired: Wired, settings: Settings, params: dict[str, str], positions: set[int]
    ) -> None:
        job = deleted(client, **params)

        assert (job["kind"], job["state"], job["counts"]["deleted"]) == ("deletion", "succeeded", len(positions))
        expected = [event for position, event in enumerate(EVENTS) if position not in positions]
        assert left(wired, settings) == sorted(expected, key=lambda event: event.timestamp)

    @pytest.mark.parametrize("params", [{"user_id": "bob"}, {"item_id": "tea"}])
    def test_pages_of_all_sizes_are_deleted_whole(
        self, wired: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str, params: dict[str, str]
    ) -> None:
        monkeypatch.setattr(deletions, "PAGE", 7)
        events = [an_event("bob", "tea" if n % 3 else "milk", f"t{n}", minutes=n // 4) for n in range(100)]
        events += [an_event(f"u{n}", "tea" if n % 3 else "milk", minutes=60 * n) for n in range(800)]
        wired.services.events.accept(settings.project, events)

        job = deleted(client_of(wired, key), **params)

        meeting = [event for event in events if all(getattr(event, name) == value for name, value in params.items())]
        assert job["counts"] == {"read": 100 if "user_id" in params else 900, "deleted": len(meeting)}
        assert len(left(wired, settings)) == len(events) - len(meeting)

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            ({}, "at least one condition"),
            ({"user_id": "ann", "session_id": "s1"}, "both a user and a session"),
            ({"from_time": "2026-02-01T00:00:00Z", "to_time": "2026-02-01T00:00:00Z"}, "both times"),
            ({"from_time": "yesterday"}, "not as expected"),
            ({"user_id": ""}, "not as expected"),
            ({"user": "ann", "item_id": "tea"}, "not as expected"),
        ],
    )
    def test_a_deletion_without_clear_conditions_is_refused(
        self, client: httpx2.Client, wired: Wired, settings: Settings, params: dict[str, str], reason: str
    ) -> None:
        refused = client.delete("/v1/events", params=params)

        assert refused.status_code == 422
        assert reason in refused.json()["detail"]
        assert len(left(wired, settings)) == len(EVENTS)

    def test_a_user_is_accepted_after_their_events_were_deleted(self, client: httpx2.Client) -> None:
        deleted(client, user_id="bob")

        sent = client.post("/v1/events", json={"events": [{"user_id": "bob", "item_id": "tea"}]})

        assert sent.status_code == 202
        assert len(client.get("/v1/users/bob/events").json()["events"]) == 1

    def test_a_finished_deletion_names_no_user(self, wired: Wired, settings: Settings, key: str) -> None:
        name = f"{settings.project}@example.com"
        wired.services.events.accept(settings.project, [an_event(name), an_event("bob")])

        job = deleted(client_of(wired, key), user_id=name)

        assert (job["counts"]["deleted"], job["request"]["user_id"]) == (1, "")
        assert tables.naming(wired, name) == []


class TestSteps:
    def test_a_cancelled_deletion_keeps_the_rest_and_names_no_user(
        self, wired: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str
    ) -> None:
        monkeypatch.setattr(deletions, "PAGE", 10)
        idle = idle_on(settings)
        services, project, name = idle.services, settings.project, f"{settings.project}@example.com"
        services.events.accept(project, [an_event(name, f"i{n}", minutes=n) for n in range(50)])
        job = services.jobs.create(project, DeletionRequest(name))
        for _ in range(3):
            worker.work(services, project, job.job_id, remaining=lambda: 0.0)

        services.jobs.cancel(project, job.job_id)

        ended = services.jobs.get(project, job.job_id)
        assert (ended.state, ended.counts) == (JobState.CANCELLED, {"read": 30, "deleted": 20})
        assert len(left(wired, settings)) == 30
        idle.close()
        client_of(wired, key).delete("/v1/events", params={"user_id": name}).raise_for_status()
        assert tables.naming(wired, name) == []
