"""Erasure of users and projects: complete, lasting, with a receipt that is true."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event as Signal
from typing import Any

import httpx2
import orjson
import pytest

from app.api.handshake import Handshake
from app.api.socket import SocketApi
from app.config import Settings
from app.deadline import within
from app.domain import ADMINISTRATION, Event, Limits, ProjectState, Scope
from app.entry.stream import Consumer
from app.errors import NotFound
from app.wiring import Wired
from tests import tables
from tests.build import a_key, a_project, an_event, an_item, client_of, two_tastes, wired_on
from tests.streams import a_record

ANN = "ann@example.com"


def fill(client: httpx2.Client, events: int = 230) -> None:
    """A profile, events and traces in every feature that takes a user id."""
    client.put(f"/v1/users/{ANN}", json={"properties": {"mail": ANN}})
    client.patch(f"/v1/users/{ANN}", json={"properties": {"plan": "paid"}}, headers={"Idempotency-Key": "p"})
    sent = [{"user_id": ANN, "item_id": f"i{n % 12}", "timestamp": 1769860800 + n} for n in range(events)]
    assert client.post("/v1/events", json={"events": sent}, headers={"Idempotency-Key": "e"}).status_code == 202
    client.get(f"/v1/users/{ANN}/recommendations")
    client.post("/v1/rankings", json={"user_id": ANN, "item_ids": ["i1"]})
    client.post(f"/v1/users/{ANN}/tokens", json={}, headers={"Idempotency-Key": "t"})


def connected(wired: Wired, project: str, key: str) -> list[str]:
    """Somebody's socket that watches her, her own socket, and a record of hers that the stream could not apply."""
    sockets = SocketApi(wired.services, NoPusher())
    ticket = client_of(wired, key).post("/v1/tickets", json={"user_id": ANN}).json()["ticket"]
    names = [f"{project}-shop", f"{project}-own"]
    sockets.connect(names[0], Handshake({"x-api-key": key}))
    sockets.connect(names[1], Handshake(ticket=ticket))
    for name in names:
        for user in (ANN, "u2"):
            sockets.receive(name, orjson.dumps({"action": "subscribe", "user_id": user}))
    poison = a_record(project, an_event(ANN, "i1"))
    del poison["dynamodb"]["NewImage"]
    Consumer(wired.services, sockets).apply([poison, a_record(project, an_event("u2", "i1"))])
    return names


class NoPusher:
    """Its frames go nowhere."""

    def post(self, connection_id: str, frame: bytes) -> None: ...

    def close(self, connection_id: str) -> None: ...


def export(client: httpx2.Client) -> tuple[Any, list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    params = {"limit": "100"}
    while True:
        page = client.get(f"/v1/users/{ANN}/export", params=params).json()
        found += page["events"]
        if page["next_cursor"] is None:
            return page["profile"], found
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
    def test_nothing_that_names_him_stays_and_the_receipt_counts_it(self, peopled: httpx2.Client, wired: Wired) -> None:
        profile, events = export(peopled)
        assert tables.naming(wired, ANN)

        receipt = peopled.delete(f"/v1/users/{ANN}").json()

        assert receipt["complete"]
        assert receipt["removed"] == {"profile": 1, "events": 235} == {"profile": bool(profile), "events": len(events)}
        assert tables.naming(wired, ANN) == []
        assert export(peopled) == (None, [])
        assert peopled.get(f"/v1/users/{ANN}").status_code == 404

    def test_sockets_and_failures_forget_him_too(
        self, peopled: httpx2.Client, wired: Wired, settings: Settings, key: str
    ) -> None:
        shop, own = connected(wired, settings.project, key)

        receipt = peopled.delete(f"/v1/users/{ANN}").json()

        assert receipt["removed"] == {"profile": 1, "events": 235, "connections": 2, "failures": 1}
        assert tables.naming(wired, ANN) == []
        assert tables.naming(wired, own) == []
        assert [one.user_id for one in wired.services.sockets.subscriptions(wired.services.sockets.find(shop))] == [
            "u2"
        ]

    def test_others_stay(self, peopled: httpx2.Client, wired: Wired) -> None:
        before = len(tables.naming(wired, "u2"))

        peopled.delete(f"/v1/users/{ANN}")

        assert len(tables.naming(wired, "u2")) == before > 0

    def test_late_data_is_refused_and_leaves_no_trace(self, peopled: httpx2.Client, wired: Wired) -> None:
        peopled.delete(f"/v1/users/{ANN}")
        late = {"user_id": ANN, "item_id": "i1"}

        refused = [
            peopled.post("/v1/events", json=late),
            peopled.post("/v1/events", json={"events": [{"user_id": "bob", "item_id": "i1"}, late]}),
            peopled.put(f"/v1/users/{ANN}", json={}),
            peopled.post("/v1/users:batch", json={"users": [{"user_id": "new"}, {"user_id": ANN}]}),
        ]

        assert [(answer.status_code, answer.json()["title"]) for answer in refused] == [(409, "Erased")] * 4
        assert "0: 1." in refused[1].json()["detail"]
        assert tables.naming(wired, ANN) == []
        assert peopled.get("/v1/users/bob/events").json()["events"] == []
        assert peopled.get("/v1/users/new").status_code == 404

    def test_erasing_again_gives_the_same_receipt(self, peopled: httpx2.Client) -> None:
        first = peopled.delete(f"/v1/users/{ANN}").json()

        assert peopled.delete(f"/v1/users/{ANN}").json() == first
        assert peopled.get(f"/v1/users/{ANN}/erasure").json() == first

    def test_he_can_be_let_in_again(self, peopled: httpx2.Client) -> None:
        peopled.delete(f"/v1/users/{ANN}")

        assert peopled.delete(f"/v1/users/{ANN}/erasure").status_code == 204

        assert peopled.put(f"/v1/users/{ANN}", json={}).status_code == 200
        assert peopled.get(f"/v1/users/{ANN}/erasure").status_code == 404

    def test_an_unfinished_erasure_goes_on(self, wired: Wired, settings: Settings) -> None:
        services, project = wired.services, settings.project
        services.events.accept(project, [an_event("ann", f"x{n}", minutes=n) for n in range(1_200)])
        steps = 0
        while True:
            with within(2.0):  # enough for one page, and then the spare time begins
                receipt = services.erasure.erase_user(project, "ann")
            steps += 1
            if receipt.complete:
                break

        assert steps > 1
        assert receipt.removed["events"] == 1_200

    def test_events_written_while_he_is_erased_do_not_survive(self, wired: Wired, settings: Settings) -> None:
        services, project = wired.services, settings.project
        store = services.events._store  # noqa: SLF001
        checked, erased = Signal(), Signal()
        put_many = store.put_many

        def put_late(name: str, events: list[Event]) -> None:
            checked.set()
            assert erased.wait(60)
            put_many(name, events)

        store.put_many = put_late  # type: ignore[method-assign, assignment]
        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(services.events.accept, project, [an_event("ann"), an_event("bob")])
            assert checked.wait(60)
            services.erasure.erase_user(project, "ann")
            erased.set()
            writing.result()

        assert services.events.list_page(project, "ann", None, 10).records == ()
        assert len(services.events.list_page(project, "bob", None, 10).records) == 1


class TestProject:
    @pytest.fixture
    def quick(self, settings: Settings) -> Settings:
        return settings.model_copy(
            update={"key_ttl_seconds": 0.0, "request_deadline_seconds": 10.0, "project": settings.project + "-p"}
        )

    def test_nothing_of_it_stays_but_the_receipt(self, quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.services.erasure.CLOCK_SKEW", -timedelta_of(quick))
        wired = wired_on(quick)
        key = a_project(wired, quick.project)
        services, client = wired.services, client_of(wired, key)
        services.catalog.put_items(quick.project, [an_item(f"i{n}", "all") for n in range(12)])
        services.catalog.delete_item(quick.project, "i11")
        services.events.accept(quick.project, two_tastes())
        services.train.run(quick.project, services.train.queue(quick.project))
        fill(client, 30)
        client.delete("/v1/users/u1")
        limited = a_key(wired, quick.project, Scope.WRITE, limits=Limits(1.0))
        client_of(wired, limited).get("/v1/items")
        services.usage.write()
        connected(wired, quick.project, key)
        services.lists._counters.mark_due(quick.project, [0], 0)  # noqa: SLF001
        bystander = a_project(wired, quick.project + "-2")
        client_of(wired, bystander).put("/v1/items/tea", json={})
        administrator = client_of(wired, a_key(wired, ADMINISTRATION, Scope.ADMIN))
        url = f"/v1/projects/{quick.project}"

        answer = administrator.delete(url)
        while answer.status_code == 202:
            answer = administrator.delete(url)

        assert answer.json()["state"] == "deleted"
        removed = answer.json()["deletion"]["removed"]
        filled = (
            "items",
            "users",
            "events",
            "neighbours",
            "lists",
            "versions",
            "keys",
            "buckets",
            "idempotency",
            "usage",
            "counters",
            "connections",
            "failures",
        )
        assert {name for name in filled if not removed.get(name)} == set()
        left = [row for row in tables.rows(wired) if names(row, quick.project)]
        assert [row["key"]["S"] for row in left] == [f"project#{quick.project}"]
        assert client.get("/v1/items").status_code == 401
        assert client_of(wired, bystander).get("/v1/items/tea").status_code == 200
        assert administrator.delete(url).json() == answer.json()
        assert administrator.post("/v1/projects", json={"project_id": quick.project}).status_code == 409
        wired.close()

    def test_it_is_not_complete_while_its_keys_may_still_be_remembered(self, wired: Wired, settings: Settings) -> None:
        project = settings.project + "-s"
        a_project(wired, project)

        first = wired.services.erasure.delete_project(project)
        second = wired.services.erasure.delete_project(project)

        assert [one.state for one in (first, second)] == [ProjectState.DELETING] * 2
        with pytest.raises(NotFound):
            wired.services.events.accept(project, [an_event()])

    def test_it_goes_on_where_it_was_interrupted(self, wired: Wired, settings: Settings) -> None:
        project = settings.project + "-r"
        a_project(wired, project)
        wired.services.catalog.put_items(project, [an_item("tea")])

        with within(1.0):  # less than what a slice leaves over: one page of one table
            first = wired.services.erasure.delete_project(project)

        assert first.resume_at
        assert first.resume_at["place"]["table"] <= 1
        with within(60):
            wired.services.erasure.delete_project(project)
        assert [row for row in tables.rows(wired) if names(row, project) and "project#" not in str(row)] == []


def timedelta_of(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.key_ttl_seconds + settings.request_deadline_seconds)


def names(row: dict[str, Any], project: str) -> bool:
    """Whether a row is one of the project."""
    values = [value["S"] for value in row.values() if "S" in value]
    return any(
        value == project or value.startswith(project + "#") or f"#{project}" in value
        for value in values
        if not value.endswith("-2")
    )


class TestExport:
    def test_it_gives_all_items_users_and_events_once(
        self, peopled: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        peopled.post("/v1/items:batch", json={"items": [{"item_id": f"i{n}"} for n in range(12)]})
        peopled.post("/v1/events", json={"user_id": "old", "item_id": "i1", "timestamp": "2024-02-29T00:00:00Z"})
        found: dict[str, list[str]] = {"items": [], "users": [], "events": []}
        params = {"limit": "7"}
        while True:
            page = peopled.get("/v1/export", params=params).json()
            for kind, records in found.items():
                records += [str(record) for record in page[kind]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]

        stored = list(wired.services.events.all(settings.project))
        assert len(found["events"]) == len(set(found["events"])) == len(stored) == 160 + 5 + 230 + 1
        assert [len(found[kind]) for kind in ("items", "users")] == [12, 1]
        assert len(set(found["items"])) == 12

    def test_its_cursor_is_no_listings(self, peopled: httpx2.Client) -> None:
        cursor = peopled.get("/v1/export").json()["next_cursor"]

        assert peopled.get("/v1/items", params={"cursor": cursor}).status_code == 400


class TestProjects:
    def test_each_is_made_with_a_key_and_sees_its_own_data(self, wired: Wired, settings: Settings) -> None:
        administrator = client_of(wired, a_key(wired, ADMINISTRATION, Scope.ADMIN))
        limits = {"requests_per_second": 50.0, "burst": None, "requests_per_day": 1000}
        clients = []
        for letter in "ab":
            body = {"project_id": f"{settings.project}-{letter}", "name": letter.upper(), "limits": limits}
            made = administrator.post("/v1/projects", json=body)
            assert made.status_code == 201
            assert made.json()["key"]["limits"] == limits
            clients.append(client_of(wired, made.json()["key"]["key"]))
            assert administrator.post("/v1/projects", json=body).status_code == 409

        clients[0].put("/v1/items/tea", json={})

        assert [len(client.get("/v1/items").json()["items"]) for client in clients] == [1, 0]
        assert administrator.get(f"/v1/projects/{settings.project}-a").json()["name"] == "A"
        url = f"/v1/projects/{settings.project}-a"
        assert administrator.patch(url, json={"name": "Shop"}).json()["limits"] == limits
        assert administrator.patch(url, json={"limits": {}}).json()["name"] == "Shop"
        assert administrator.get("/v1/projects/unknown").status_code == 404
        listed, cursor = [], None
        while True:
            page = administrator.get("/v1/projects", params={"cursor": cursor} if cursor else {}).json()
            listed += [project["project_id"] for project in page["projects"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert {f"{settings.project}-a", f"{settings.project}-b"} <= set(listed)
        assert len(listed) == len(set(listed))

    def test_the_administration_is_no_project(self, wired: Wired) -> None:
        administrator = client_of(wired, a_key(wired, ADMINISTRATION, Scope.ADMIN))

        assert administrator.post("/v1/projects", json={"project_id": ADMINISTRATION}).status_code == 409
        assert administrator.delete(f"/v1/projects/{ADMINISTRATION}").status_code == 404
