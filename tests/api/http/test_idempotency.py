"""Idempotency-Key: one effect and one answer, whatever happens in between."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx2
import orjson
import pytest

from app.config import Settings
from app.domain.access import Scope
from app.wiring import Wired
from tests.support.builders import a_key, client_of, two_tastes
from tests.support.datasets import ROOT
from tests.support.server_process import environment

EVENT = {"user_id": "ann", "item_id": "tea"}
CLAIM_SECONDS = 4.0
"""Long enough that the killed request is still taken for alive when the next one comes, on a slow machine too."""
DIE_BEFORE_RECORD = """
import os, signal, sys
from fastapi.testclient import TestClient
from app.api.application import create_application
from app.config import Settings
from app.entry.oidc_client import fetch
from app.wiring import wire
from tests.support.builders import IdleLauncher

wired = wire(Settings.from_environment(os.environ), IdleLauncher(), fetch)
wired.services.idempotency.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
method, url, body, key, idempotency = sys.argv[1:]
TestClient(create_application(wired.services)).request(
    method, url, content=body,
    headers={"X-API-Key": key, "Idempotency-Key": idempotency, "Content-Type": "application/json"})
"""


def send(client: httpx2.Client, key: str, url: str = "/v1/events", body: Any = EVENT) -> httpx2.Response:
    return client.post(url, json=body, headers={"Idempotency-Key": key})


def events(client: httpx2.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/users/ann/events").json()["events"]
    return found


class TestReplay:
    @pytest.mark.parametrize(
        ("url", "body"),
        [
            ("/v1/events", EVENT),
            ("/v1/items:batch", {"items": [{"item_id": "tea"}]}),
            ("/v1/keys", {"name": "k", "scopes": ["recommend"]}),
            ("/v1/users/ann/tokens", {}),
        ],
    )
    def test_the_second_answer_is_the_first_byte_by_byte(self, client: httpx2.Client, url: str, body: Any) -> None:
        first, again = (send(client, "once", url, body) for _ in range(2))

        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
        assert again.headers["content-type"] == first.headers["content-type"]

    def test_it_has_one_effect(self, client: httpx2.Client) -> None:
        for _ in range(3):
            send(client, "once")
        send(client, "twice")
        send(client, '"once"')  # the same, as the draft's structured field

        assert len(events(client)) == 2

    def test_another_body_is_refused(self, client: httpx2.Client) -> None:
        send(client, "once")

        answer = send(client, "once", body={**EVENT, "item_id": "mug"})

        assert (answer.status_code, answer.json()["title"]) == (422, "Idempotency key reused")
        assert send(client, "once", "/v1/items:batch", {"items": [{"item_id": "tea"}]}).status_code == 422

    def test_each_credential_has_keys_of_its_own(self, client: httpx2.Client, wired: Wired, settings: Settings) -> None:
        other = client_of(wired, a_key(wired, settings.project, Scope.WRITE))

        assert [send(one, "once").headers.get("idempotency-replayed") for one in (client, other)] == [None, None]

    def test_a_refused_request_leaves_its_key_free(self, client: httpx2.Client) -> None:
        assert send(client, "once", body={"user_id": "a/b"}).status_code == 422

        assert send(client, "once").status_code == 202

    def test_a_forbidden_request_leaves_no_trace(self, wired: Wired, settings: Settings) -> None:
        reader = client_of(wired, a_key(wired, settings.project, Scope.RECOMMEND))

        answer = send(reader, "once")

        assert answer.status_code == 403
        rows = wired.database.call("Scan", {"TableName": "serendip-idempotency"})["Items"]
        assert [row for row in rows if row["key"]["S"].startswith(f"{settings.project}#")] == []

    @pytest.mark.parametrize("text", ["", "a b", "x" * 256, '"'])
    def test_a_bad_key_is_named(self, client: httpx2.Client, text: str) -> None:
        answer = client.post("/v1/events", json=EVENT, headers={"Idempotency-Key": text})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "Idempotency-Key")
        assert events(client) == []

    def test_the_stored_answer_does_not_show_the_new_key(self, client: httpx2.Client, wired: Wired) -> None:
        made = send(client, "once", "/v1/keys", {"name": "k", "scopes": ["recommend"]}).json()

        rows = wired.database.call("Scan", {"TableName": "serendip-idempotency"})["Items"]
        assert made["key"] not in str(rows)
        assert made["key"].encode() not in b"".join(bytes(row["answer"]["B"]) for row in rows if "answer" in row)


class TestInFlight:
    def test_the_second_of_two_at_once_gets_409_and_there_is_one_effect(
        self, client: httpx2.Client, wired: Wired
    ) -> None:
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

    def test_many_at_once_have_one_effect(self, client: httpx2.Client) -> None:
        with ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(lambda _: send(client, "once"), range(24)))

        assert {answer.status_code for answer in answers} <= {202, 409}
        assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
        assert len(events(client)) == 1


class TestKill:
    @pytest.mark.parametrize(
        ("url", "body", "count"),
        [
            ("/v1/events", EVENT, "/v1/users/ann/events"),
            ("/v1/keys", {"name": "k", "scopes": ["recommend"]}, "/v1/keys"),
            ("/v1/models", {}, "/v1/models"),
        ],
    )
    def test_killed_between_effect_and_record_it_has_one_effect(
        self, key: str, client: httpx2.Client, settings: Settings, wired: Wired, url: str, body: Any, count: str
    ) -> None:
        values = environment(settings, settings.project) | {
            "SERENDIP_CLAIM_SECONDS": str(CLAIM_SECONDS),
            "PYTHONPATH": str(ROOT),
        }
        arguments = ["POST", url, orjson.dumps(body).decode(), key, "once"]
        if url == "/v1/models":
            wired.services.events.accept(settings.project, two_tastes())

        def size() -> int:
            return sum(len(found) for found in client.get(count).json().values() if isinstance(found, list))

        before = size()
        killed = subprocess.run(
            [sys.executable, "-c", DIE_BEFORE_RECORD, *arguments], env=values, cwd=ROOT, check=False
        )
        assert killed.returncode == -signal.SIGKILL
        assert size() == before + 1

        in_flight = send(client, "once", url, body)
        time.sleep(CLAIM_SECONDS)
        again = send(client, "once", url, body)

        assert in_flight.status_code == 409
        assert again.status_code < 300, again.json()
        assert size() == before + 1
        assert send(client, "once", url, body).content == again.content
        if url == "/v1/keys":
            assert client_of(wired, again.json()["key"]).get("/v1/lists/latest").status_code == 200
