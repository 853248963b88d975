"""Idempotency-Key: repeated requests have one effect and get the same response."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx2
import pytest

from app.api.application import create_application
from app.api.http.idempotency import RepeatableRoute
from app.api.http.routing.lazy_routes import load_all
from app.config import Settings
from app.domain.access import Scope
from app.errors import Unavailable
from app.storage.events import EventRow
from app.wiring import Wired
from tests.support.builders import a_key, client_of, idle_on, two_tastes
from tests.support.fake_clock import FakeClock
from tests.support.processes import PROCESSES

EVENTS = {"events": [{"user_id": "ann", "item_id": "tea"}]}


def send(client: httpx2.Client, key: str, url: str = "/v1/events", body: Any = EVENTS) -> httpx2.Response:
    return client.post(url, json=body, headers={"Idempotency-Key": key})


def die_before_record(settings: Settings, key: str, url: str, body: Any) -> None:
    """Sends a request to an application in this process, which is killed before the response is stored."""
    wired = idle_on(settings)
    wired.services.idempotency.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    send(client_of(wired, key), "once", url, body)


def events(client: httpx2.Client) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/v1/users/ann/events").json()["events"]
    return rows


class TestReplay:
    @pytest.mark.parametrize(
        ("url", "body"),
        [
            ("/v1/events", EVENTS),
            ("/v1/items:batch", {"items": [{"item_id": "tea"}]}),
            ("/v1/keys", {"name": "k", "scopes": ["recommend"]}),
            ("/v1/users/ann/tokens", {}),
        ],
    )
    def test_a_repeated_request_gets_the_same_bytes(self, client: httpx2.Client, url: str, body: Any) -> None:
        first, second = (send(client, "once", url, body) for _ in range(2))

        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert (first.headers.get("idempotency-replayed"), second.headers["idempotency-replayed"]) == (None, "true")
        assert second.headers["content-type"] == first.headers["content-type"]

    def test_repeated_requests_have_one_effect(self, client: httpx2.Client) -> None:
        for _ in range(3):
            send(client, "once")
        send(client, "twice")
        send(client, '"once"')  # the same key, as the draft's structured field

        assert len(events(client)) == 2

    def test_a_request_of_which_a_part_was_stored_before_a_503_is_completed_without_doubling(
        self, client: httpx2.Client, wired: Wired, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = {"events": [{"user_id": "ann", "item_id": f"i{n}"} for n in range(60)]}
        call, writes = wired.database.call, list[int]()

        def failing(operation: str, request: dict[str, Any]) -> dict[str, Any]:
            if operation == "BatchWriteItem" and EventRow.Meta.table_name in request["RequestItems"]:
                writes.append(1)
                if len(writes) > 2:  # the first writes the row of the month
                    raise Unavailable("The disk is full.")
            return call(operation, request)

        with monkeypatch.context() as outage:
            outage.setattr(wired.database, "call", failing)
            refused = send(client, "once", body=body)
        stored = len(events(client))
        completed = send(client, "once", body=body)

        assert (refused.status_code, refused.json()["detail"], completed.status_code) == (503, "The disk is full.", 202)
        assert 0 < stored < 60
        assert len(wired.services.events.list_page(wired.services.settings.project, "ann", None, 100).records) == 60

    def test_a_key_with_another_body_is_refused(self, client: httpx2.Client) -> None:
        send(client, "once")

        response = send(client, "once", body={"events": [{"user_id": "ann", "item_id": "mug"}]})

        assert (response.status_code, response.json()["title"]) == (422, "Idempotency key reused")
        assert send(client, "once", "/v1/items:batch", {"items": [{"item_id": "tea"}]}).status_code == 422

    def test_each_credential_has_its_own_keys(self, client: httpx2.Client, wired: Wired, settings: Settings) -> None:
        other = client_of(wired, a_key(wired, settings.project, Scope.WRITE))

        assert [send(caller, "once").headers.get("idempotency-replayed") for caller in (client, other)] == [None, None]

    def test_the_key_of_an_invalid_request_can_be_used_again(self, client: httpx2.Client) -> None:
        assert send(client, "once", body={"user_id": "a/b"}).status_code == 422

        assert send(client, "once").status_code == 202

    def test_a_forbidden_request_stores_nothing(self, wired: Wired, settings: Settings) -> None:
        reader = client_of(wired, a_key(wired, settings.project, Scope.RECOMMEND))

        response = send(reader, "once")

        assert response.status_code == 403
        rows = wired.database.call("Scan", {"TableName": "serendip-idempotency"})["Items"]
        assert [row for row in rows if row["key"]["S"].startswith(f"{settings.project}#")] == []

    def test_every_post_that_can_be_repeated_documents_the_header(self, wired: Wired) -> None:
        application = create_application(wired.services)
        load_all(application)
        repeatable = {
            route.operation_id
            for route in application.routes
            if isinstance(route, RepeatableRoute) and route.methods == {"POST"}
        }

        documented = {
            operation["operationId"]
            for path in application.openapi()["paths"].values()
            for operation in path.values()
            if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
            and "409" in operation["responses"]
        }

        assert documented == repeatable
        assert {"sendEvents", "startJob", "cancelJob", "activateModel", "cancelModel"} <= documented

    @pytest.mark.parametrize("url", ["/v1/jobs/j1:start", "/v1/jobs/j1:cancel", "/v1/models/v1:activate"])
    def test_an_invalid_key_is_refused_where_no_body_is_sent(self, client: httpx2.Client, url: str) -> None:
        response = client.post(url, headers={"Idempotency-Key": "a b"})

        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "Idempotency-Key")

    @pytest.mark.parametrize("text", ["", "a b", "x" * 256, '"'])
    def test_an_invalid_key_is_refused_by_name(self, client: httpx2.Client, text: str) -> None:
        response = client.post("/v1/events", json=EVENTS, headers={"Idempotency-Key": text})

        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "Idempotency-Key")
        assert events(client) == []

    def test_the_stored_response_does_not_reveal_the_new_key(self, client: httpx2.Client, wired: Wired) -> None:
        made = send(client, "once", "/v1/keys", {"name": "k", "scopes": ["recommend"]}).json()

        rows = wired.database.call("Scan", {"TableName": "serendip-idempotency"})["Items"]
        assert made["key"] not in str(rows)
        assert made["key"].encode() not in b"".join(bytes(row["answer"]["B"]) for row in rows if "answer" in row)


class TestInFlight:
    def test_a_concurrent_repetition_gets_409_and_has_no_effect(self, client: httpx2.Client, wired: Wired) -> None:
        entered, leave = Event(), Event()
        accept = wired.services.events.accept

        def slowly(*arguments: Any) -> None:
            entered.set()
            leave.wait(60)
            accept(*arguments)

        wired.services.events.accept = slowly  # type: ignore[method-assign, assignment]
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(send, client, "once")
            assert entered.wait(60)
            second = send(client, "once")
            leave.set()

        assert (second.status_code, second.json()["title"]) == (409, "Request in flight")
        assert "retry-after" in second.headers
        assert first.result().status_code == 202
        assert send(client, "once").content == first.result().content
        assert len(events(client)) == 1

    def test_many_concurrent_requests_have_one_effect(self, client: httpx2.Client) -> None:
        with ThreadPoolExecutor(12) as threads:
            responses = list(threads.map(lambda _: send(client, "once"), range(24)))

        assert {response.status_code for response in responses} <= {202, 409}
        assert len({response.content for response in responses if response.status_code == 202}) == 1
        assert len(events(client)) == 1


class TestKill:
    def test_a_claim_of_a_clock_that_was_ahead_ends_with_it(
        self, key: str, client: httpx2.Client, settings: Settings, wired: Wired
    ) -> None:
        clock = FakeClock()
        wired.services.idempotency._clock = clock  # noqa: SLF001
        clock.jump(-3_600)  # that of the process which is killed is right, and an hour ahead of this one
        process = PROCESSES.Process(target=die_before_record, args=(settings, key, "/v1/events", EVENTS))
        process.start()
        process.join(60)

        again = send(client, "once")

        assert again.status_code == 202
        assert len(events(client)) == 1

    @pytest.mark.parametrize(
        ("url", "body", "count"),
        [
            ("/v1/events", EVENTS, "/v1/users/ann/events"),
            ("/v1/keys", {"name": "k", "scopes": ["recommend"]}, "/v1/keys"),
            ("/v1/models", {}, "/v1/models"),
        ],
    )
    def test_a_request_killed_before_its_response_is_stored_has_one_effect(
        self, key: str, client: httpx2.Client, settings: Settings, wired: Wired, url: str, body: Any, count: str
    ) -> None:
        clock = FakeClock()
        wired.services.idempotency._clock = clock  # noqa: SLF001
        if url == "/v1/models":
            wired.services.events.accept(settings.project, two_tastes())

        def size() -> int:
            return sum(len(value) for value in client.get(count).json().values() if isinstance(value, list))

        before = size()
        process = PROCESSES.Process(target=die_before_record, args=(settings, key, url, body))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert size() == before + 1

        in_flight = send(client, "once", url, body)
        clock.advance(settings.claim_seconds)
        again = send(client, "once", url, body)

        assert in_flight.status_code == 409
        assert again.status_code < 300, again.json()
        assert size() == before + 1
        assert send(client, "once", url, body).content == again.content
        if url == "/v1/keys":
            assert client_of(wired, again.json()["key"]).get("/v1/lists/latest").status_code == 200
