"""Erasure and export of users are complete, and the receipt is correct."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from typing import Any

import httpx2
import pytest

from app.config import Settings
from app.deadline import within
from app.domain.events import Event
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import an_event, two_tastes
from tests.support.personal_data import ANN, connected, fill


def export(client: httpx2.Client) -> tuple[Any, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    params = {"limit": "100"}
    while True:
        page = client.get(f"/v1/users/{ANN}/export", params=params).json()
        events += page["events"]
        if page["next_cursor"] is None:
            return page["profile"], events
        params["cursor"] = page["next_cursor"]


@pytest.fixture
def peopled(client: httpx2.Client, wired: Wired, settings: Settings) -> httpx2.Client:
    services = wired.services
    services.events.accept(settings.project, two_tastes())
    services.events.accept(settings.project, [an_event(ANN, f"i{n}") for n in range(5)])
    services.train.run(settings.project, services.train.queue(settings.project))
    fill(client)
    return client


class TestUser:
    def test_erasing_a_user_removes_every_row_that_names_them_and_the_receipt_counts_them(
        self, peopled: httpx2.Client, wired: Wired
    ) -> None:
        profile, events = export(peopled)
        assert tables.naming(wired, ANN)

        receipt = peopled.delete(f"/v1/users/{ANN}").json()

        assert receipt["complete"]
        assert receipt["removed"] == {"profile": 1, "events": 235} == {"profile": bool(profile), "events": len(events)}
        assert tables.naming(wired, ANN) == []
        assert export(peopled) == (None, [])
        assert peopled.get(f"/v1/users/{ANN}").status_code == 404

    def test_erasing_a_user_removes_their_connections_and_failures(
        self, peopled: httpx2.Client, wired: Wired, settings: Settings, key: str
    ) -> None:
        shop, own = connected(wired, settings.project, key)

        receipt = peopled.delete(f"/v1/users/{ANN}").json()

        assert receipt["removed"] == {"profile": 1, "events": 235, "connections": 2, "failures": 1}
        assert tables.naming(wired, ANN) == []
        assert tables.naming(wired, own) == []
        subscriptions = wired.services.sockets.subscriptions(wired.services.sockets.find(shop))
        assert [subscription.user_id for subscription in subscriptions] == ["u2"]

    def test_erasing_a_user_keeps_other_users(self, peopled: httpx2.Client, wired: Wired) -> None:
        before = len(tables.naming(wired, "u2"))

        peopled.delete(f"/v1/users/{ANN}")

        assert len(tables.naming(wired, "u2")) == before > 0

    def test_late_data_of_erased_users_is_refused_and_leaves_no_trace(
        self, peopled: httpx2.Client, wired: Wired
    ) -> None:
        peopled.delete(f"/v1/users/{ANN}")
        late = {"user_id": ANN, "item_id": "i1"}

        refused = [
            peopled.post("/v1/events", json={"events": [late]}),
            peopled.post("/v1/events", json={"events": [{"user_id": "bob", "item_id": "i1"}, late]}),
            peopled.put(f"/v1/users/{ANN}", json={}),
            peopled.post("/v1/users:batch", json={"users": [{"user_id": "new"}, {"user_id": ANN}]}),
            peopled.post("/v1/events", json={"events": [late, {**late, "item_id": "i2"}]}),
            peopled.post("/v1/tickets", json={"user_id": ANN}),
        ]

        assert [(answer.status_code, answer.json()["title"]) for answer in refused] == [(409, "Erased")] * 6
        assert refused[4].json()["detail"] == "The user was erased. Nothing was stored."
        assert "records 1 (positions" in refused[1].json()["detail"]
        assert tables.naming(wired, ANN) == []
        assert peopled.get("/v1/users/bob/events").json()["events"] == []
        assert peopled.get("/v1/users/new").status_code == 404

    def test_erasing_again_gives_the_same_receipt(self, peopled: httpx2.Client) -> None:
        first = peopled.delete(f"/v1/users/{ANN}").json()

        assert peopled.delete(f"/v1/users/{ANN}").json() == first
        assert peopled.get(f"/v1/users/{ANN}/erasure").json() == first

    def test_erased_users_can_be_readmitted(self, peopled: httpx2.Client) -> None:
        peopled.delete(f"/v1/users/{ANN}")

        assert peopled.post(f"/v1/users/{ANN}:readmit").status_code == 204

        assert peopled.put(f"/v1/users/{ANN}", json={}).status_code == 200
        assert peopled.get(f"/v1/users/{ANN}/erasure").status_code == 404

    def test_a_readmission_can_be_repeated_with_its_idempotency_key(self, peopled: httpx2.Client) -> None:
        peopled.delete(f"/v1/users/{ANN}")
        key = {"Idempotency-Key": "readmit-1"}

        statuses = [peopled.post(f"/v1/users/{ANN}:readmit", headers=headers).status_code for headers in (key, key, {})]

        assert statuses == [204, 204, 404]

    def test_an_unfinished_erasure_is_resumed(
        self, wired: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services, project = wired.services, settings.project
        services.events.accept(project, [an_event("ann", f"x{n}", minutes=n) for n in range(1_200)])
        monkeypatch.setattr("app.services.privacy.erasure.SPARE_SECONDS", 60.0)
        steps = 0
        while True:
            with within(60.0):  # enough for one page
                receipt = services.erasure.erase_user(project, "ann")
            steps += 1
            if receipt.complete:
                break

        assert steps > 1
        assert receipt.removed["events"] == 1_200

    def test_events_written_during_an_erasure_do_not_survive(self, wired: Wired, settings: Settings) -> None:
        services, project = wired.services, settings.project
        store = services.events._store  # noqa: SLF001
        checked, erased = Signal(), Signal()
        put_many = store.put_many

        def put_late(name: str, events: list[Event], import_id: str | None) -> None:
            checked.set()
            assert erased.wait(60)
            put_many(name, events, import_id)

        store.put_many = put_late  # type: ignore[method-assign, assignment]
        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(services.events.accept, project, [an_event("ann"), an_event("bob")])
            assert checked.wait(60)
            services.erasure.erase_user(project, "ann")
            erased.set()
            writing.result()

        assert services.events.list_page(project, "ann", None, 10).records == ()
        assert len(services.events.list_page(project, "bob", None, 10).records) == 1


class TestExport:
    def test_the_export_contains_all_items_users_and_events_once(
        self, peopled: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        peopled.post("/v1/items:batch", json={"items": [{"item_id": f"i{n}"} for n in range(12)]})
        peopled.post(
            "/v1/events", json={"events": [{"user_id": "old", "item_id": "i1", "timestamp": "2024-02-29T00:00:00Z"}]}
        )
        exported: dict[str, list[str]] = {"items": [], "users": [], "events": []}
        params = {"limit": "7"}
        while True:
            page = peopled.get("/v1/export", params=params).json()
            for kind, records in exported.items():
                records += [str(record) for record in page[kind]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]

        stored = list(wired.services.events.all(settings.project))
        assert len(exported["events"]) == len(set(exported["events"])) == len(stored) == 160 + 5 + 230 + 1
        assert [len(exported[kind]) for kind in ("items", "users")] == [12, 1]
        assert len(set(exported["items"])) == 12

    def test_a_cursor_of_an_export_is_refused_by_a_listing(self, peopled: httpx2.Client) -> None:
        cursor = peopled.get("/v1/export").json()["next_cursor"]

        assert peopled.get("/v1/items", params={"cursor": cursor}).status_code == 400
