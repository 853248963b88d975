"""The Python client: retries, pages, batches of events, errors; generated from the document, and installable alone."""

import asyncio
import logging
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import UnionType
from typing import Any, assert_type, get_args, get_type_hints

import httpx2
import pytest
from pydantic import BaseModel, ValidationError
from serendip_client import (
    AsyncEventSender,
    AsyncSerendip,
    EventSender,
    Retries,
    Serendip,
    SerendipError,
    UnsentEvents,
    live,
    pages,
    pages_async,
)
from serendip_client.models import (
    EventIn,
    ItemIn,
    ItemPatch,
    ItemView,
    RankingIn,
    RecommendationListView,
    SelectedItem,
    SelectedItemPage,
    SelectedRecommendationList,
)
from serendip_client.waiting import Waiting, log_refused

from tests import clients
from tests.clients.conftest import Place, example
from tests.clients.python_source import MODELS, OPERATIONS
from tests.clients.scripted_server import DROPPED, Answer, Script, scripted
from tests.clients.uses import REFUSED, uses
from tests.support.datasets import ROOT

PROBLEM = {
    "type": "urn:serendip:problem:invalid-input",
    "title": "Invalid input",
    "status": 422,
    "detail": "The events are invalid.",
    "instance": "r1",
    "errors": [{"pointer": "/events/1/item_id", "detail": "must be an id"}],
}
STORED: Answer = (200, {}, {"changed": 1})
ACCEPTED: Answer = (202, {}, {"accepted": 2, "freshness_token": "t"})
CONFLICT: Answer = (409, {}, PROBLEM)
IN_FLIGHT: Answer = (409, {"Retry-After": "0"}, PROBLEM)
"""An earlier try with the same Idempotency-Key is still running."""
BUSY: Answer = (503, {"Retry-After": "0"}, PROBLEM)
ITEMS = {"items": [{"item_id": "tea"}]}


def client_of(script: Script, times: int = 3) -> Serendip:
    return Serendip(script.base, "sk_test", retries=Retries(times=times, max_wait_seconds=1))


class TestGeneratedModules:
    def test_they_are_those_of_the_document(self, tmp_path: Path) -> None:
        clients.generate_python(tmp_path)

        for name in (MODELS, OPERATIONS):
            assert (clients.PYTHON_PACKAGE / name).read_text() == (tmp_path / name).read_text(), "run `make clients`"

    def test_a_model_sends_only_what_was_set(self) -> None:
        """Defaults of the document would make a hidden item visible."""
        with scripted((404, {}, PROBLEM)) as script, client_of(script) as client:
            with pytest.raises(SerendipError):
                client.request("POST", "/v1/anything", body=ItemPatch(title="Tea"))

            assert script.requests[0][2] == {"title": "Tea"}


class TestRetries:
    @pytest.mark.parametrize(
        "answer", [BUSY, IN_FLIGHT, (429, {"Retry-After": "0"}, PROBLEM), (502, {}, b"<html>"), (DROPPED, {}, b"")]
    )
    def test_a_post_is_repeated_with_its_idempotency_key(self, answer: Answer) -> None:
        with scripted(answer, answer, STORED) as script, client_of(script) as client:
            assert client.put_items(ITEMS).changed == 1

            keys = script.values("Idempotency-Key")
            assert len(keys) == 3
            assert len(set(keys)) == 1
            assert None not in keys

    def test_calls_have_keys_of_their_own(self) -> None:
        with scripted(STORED) as script, client_of(script) as client:
            client.put_items(ITEMS)
            client.put_items(ITEMS)
            client.put_items(ITEMS, idempotency_key="mine")

            keys = script.values("Idempotency-Key")
            assert len(set(keys)) == 3
            assert keys[2] == "mine"

    def test_the_server_decides_how_long_to_wait(self) -> None:
        with scripted((503, {"Retry-After": "1"}, PROBLEM), STORED) as script, client_of(script) as client:
            started = time.monotonic()
            client.put_items(ITEMS)

            assert time.monotonic() - started >= 1

    @pytest.mark.parametrize(
        ("answer", "times", "sent"),
        [
            (BUSY, 2, 3),
            (BUSY, 0, 1),
            (CONFLICT, 2, 1),
            ((503, {"Retry-After": "60"}, PROBLEM), 2, 1),
            ((422, {}, PROBLEM), 2, 1),
        ],
        ids=["used up", "off", "conflict", "too long a wait", "final"],
    )
    def test_a_refusal_is_raised_in_the_end(self, answer: Answer, times: int, sent: int) -> None:
        with scripted(answer) as script, client_of(script, times) as client:
            with pytest.raises(SerendipError) as raised:
                client.put_items(ITEMS)

            assert raised.value.status == answer[0]
            assert len(script.requests) == sent

    def test_waits_stay_bounded_however_long_an_outage_is(self) -> None:
        waiting = Waiting(max_events=1, max_seconds=1, max_waiting=1, on_refused=log_refused)
        waiting.failures = 5_000

        repeating = Retries(times=5_000, max_wait_seconds=20).wait_seconds(5_000, None)

        assert waiting.wait_seconds == 60
        assert 0 <= live.wait_seconds(5_000) <= 30
        assert repeating is not None
        assert 0 <= repeating <= 20

    def test_an_asynchronous_client_repeats_as_well(self) -> None:
        async def put() -> int:
            async with AsyncSerendip(script.base, "sk_test") as client:
                return (await client.put_items(ITEMS)).changed

        with scripted(BUSY, (DROPPED, {}, b""), STORED) as script:
            assert asyncio.run(put()) == 1
            assert len(set(script.values("Idempotency-Key"))) == 1


class TestErrors:
    def test_an_error_has_the_fields_of_its_problem(self) -> None:
        with scripted((422, {}, PROBLEM)) as script, client_of(script) as client:
            with pytest.raises(SerendipError, match="422 Invalid input: The events are invalid") as raised:
                client.send_events({"events": []})

            error = raised.value
            assert (error.status, error.type, error.title) == (422, PROBLEM["type"], PROBLEM["title"])
            assert (error.detail, error.instance) == (PROBLEM["detail"], PROBLEM["instance"])
            assert [(each.pointer, each.detail) for each in error.errors] == [("/events/1/item_id", "must be an id")]

    def test_a_gateways_page_is_an_error_as_well(self) -> None:
        with scripted((413, {}, b"<h1>Too large</h1>")) as script, client_of(script) as client:
            with pytest.raises(SerendipError) as raised:
                client.live()

            assert (raised.value.status, raised.value.detail) == (413, "<h1>Too large</h1>")

    def test_an_unreachable_server_is_a_transport_error(self) -> None:
        with scripted((DROPPED, {}, b"")) as script, client_of(script, 1) as client:
            with pytest.raises(httpx2.TransportError):
                client.live()

            assert len(script.requests) == 2

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"api_key": "sk"}, "SERENDIP_URL"),
            ({"base_url": "http://a"}, "SERENDIP_API_KEY"),
            ({"base_url": "http://a", "api_key": "sk", "token": "ut"}, "not both"),
        ],
    )
    def test_a_client_needs_an_address_and_one_credential(
        self, arguments: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SERENDIP_URL", raising=False)
        monkeypatch.delenv("SERENDIP_API_KEY", raising=False)

        with pytest.raises(ValueError, match=message):
            Serendip(**arguments)  # type: ignore[arg-type] # of strings


class TestEventSender:
    def test_refused_events_are_reported_and_the_others_sent(self) -> None:
        refused: list[EventIn] = []

        def keep(_: SerendipError, events: Sequence[EventIn]) -> None:
            refused.extend(events)

        with scripted((422, {}, PROBLEM), BUSY, ACCEPTED) as script, client_of(script, 1) as client:
            with EventSender(client, max_seconds=30, on_refused=keep) as events:
                for item_id in ("tea", "no id!", "milk"):
                    events.add(user_id="ann", item_id=item_id)

            assert [event.item_id for event in refused] == ["no id!"]
            bodies = [[event["item_id"] for event in body["events"]] for _, _, body in script.requests]
            assert bodies == [["tea", "no id!", "milk"], ["tea", "milk"], ["tea", "milk"]]
            assert all("timestamp" in event for event in script.requests[0][2]["events"])

    def test_events_outlast_credentials(self) -> None:
        with scripted((401, {}, PROBLEM), ACCEPTED) as script, client_of(script) as client:
            with EventSender(client, max_seconds=0.1) as events:
                events.add(user_id="ann", item_id="tea")

            assert [len(body["events"]) for _, _, body in script.requests] == [1, 1]

    def test_a_full_batch_is_sent_at_once(self) -> None:
        with scripted(ACCEPTED) as script, client_of(script) as client:
            with EventSender(client, max_events=2, max_seconds=3600) as events:
                for number in range(5):
                    events.add(user_id="ann", item_id=f"i{number}")

            assert [len(body["events"]) for _, _, body in script.requests] == [2, 2, 1]

    def test_what_cannot_be_sent_is_raised(self) -> None:
        with scripted((DROPPED, {}, b"")) as script, client_of(script, 0) as client:
            events = EventSender(client, max_waiting=2, max_seconds=3600)
            events.add(user_id="ann", item_id="tea")
            events.add(EventIn(user_id="ann", item_id="milk"))

            with pytest.raises(BufferError):
                events.add(user_id="ann", item_id="rum")
            with pytest.raises(UnsentEvents) as raised:
                events.close(timeout_seconds=0.2)

            assert [event.item_id for event in raised.value.events] == ["tea", "milk"]
            assert isinstance(raised.value.__cause__, httpx2.TransportError)
            with pytest.raises(RuntimeError, match="closed"):
                events.add(user_id="ann", item_id="rum")

    def test_the_end_of_the_process_sends_what_waits(self) -> None:
        program = """
import sys
from serendip_client import EventSender, Serendip
EventSender(Serendip(sys.argv[1], "sk_test"), max_seconds=3600).add(user_id="ann", item_id="tea")
"""
        with scripted(ACCEPTED) as script:
            clients.run([sys.executable, "-c", program, script.base], clients.PYTHON)

            assert [body["events"][0]["item_id"] for _, _, body in script.requests] == ["tea"]

    def test_a_forked_process_sends_its_own_events(self) -> None:
        program = """
import os, sys
from serendip_client import EventSender, Serendip
sender = EventSender(Serendip(sys.argv[1], "sk_test"), max_seconds=3600)
sender.add(user_id="ann", item_id="tea")
sender.flush()
if child := os.fork():
    sys.exit(os.waitpid(child, 0)[1])
sender.add(user_id="ann", item_id="milk")
sender.close()
"""
        with scripted(ACCEPTED) as script:
            clients.run([sys.executable, "-c", program, script.base], clients.PYTHON)

            assert [body["events"][0]["item_id"] for _, _, body in script.requests] == ["tea", "milk"]

    def test_a_report_that_fails_stops_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        def fail(*_: object) -> None:
            raise LookupError

        with scripted((422, {}, PROBLEM), ACCEPTED) as script, client_of(script) as client:
            with EventSender(client, on_refused=fail) as events:
                for item_id in ("tea", "no id!"):
                    events.add(user_id="ann", item_id=item_id)

            assert [len(body["events"]) for _, _, body in script.requests] == [2, 1]
            assert "no id!" in caplog.text

    def test_an_asynchronous_sender_does_the_same(self, caplog: pytest.LogCaptureFixture) -> None:
        async def send() -> None:
            async with (
                AsyncSerendip(script.base, "sk_test", retries=Retries(times=0)) as client,
                AsyncEventSender(client, max_events=3, max_seconds=0.1) as events,
            ):
                for item_id in ("tea", "no id!", "milk", "rum"):
                    events.add(user_id="ann", item_id=item_id)

        with scripted((422, {}, PROBLEM), BUSY, ACCEPTED) as script, caplog.at_level(logging.ERROR):
            asyncio.run(send())

            bodies = [[event["item_id"] for event in body["events"]] for _, _, body in script.requests]
            assert bodies[0] == ["tea", "no id!", "milk"]
            assert bodies[-1] == ["tea", "milk", "rum"]
            assert "refused 1 events" in caplog.text

    def test_an_asynchronous_sender_raises_what_cannot_be_sent(self) -> None:
        async def send() -> None:
            async with AsyncSerendip(script.base, "sk_test", retries=Retries(times=0)) as client:
                events = AsyncEventSender(client)
                events.add(user_id="ann", item_id="tea")
                await events.close(timeout_seconds=0.2)

        with scripted((DROPPED, {}, b"")) as script, pytest.raises(UnsentEvents, match="1 events"):
            asyncio.run(send())


def model_of(body: Any, of: UnionType) -> BaseModel | list[BaseModel]:
    """Returns the first model of a union that takes a body, or the models of a list."""
    if isinstance(body, list):
        return [model for part in body if isinstance(model := model_of(part, of), BaseModel)]
    for model in get_args(of):
        if isinstance(model, type) and issubclass(model, BaseModel):
            with suppress(ValidationError):
                return model.model_validate(body)
    raise AssertionError(f"no model of {of} takes {body}")


class TestEveryOperation:
    def test_it_takes_models_and_returns_its_type(self, server: Place) -> None:
        key, administrators_key, names = server.furnished()

        refused = {}
        with Serendip(server.base, key) as client, Serendip(server.base, administrators_key) as administrator:
            for use in (use.with_names(names) for use in uses()):
                method = getattr(administrator if use.needs_administrator else client, use.python_name)
                types = get_type_hints(method)
                body = [] if use.body is None else [model_of(use.body, types["body"])]
                try:
                    answer = method(*use.values.values(), *body, **use.query)
                    assert isinstance(answer, types["return"]), use
                except SerendipError as error:
                    refused[use.operation_id] = error.status

        assert refused == REFUSED

    def test_it_takes_objects_and_works_asynchronously_behind_a_gateway(self, gateway: Place) -> None:
        key, administrators_key, names = gateway.furnished()
        refused = {}

        async def call_all() -> None:
            client, administrator = AsyncSerendip(gateway.base, key), AsyncSerendip(gateway.base, administrators_key)
            async with client, administrator:
                for use in (use.with_names(names) for use in uses()):
                    method = getattr(administrator if use.needs_administrator else client, use.python_name)
                    body = [] if use.body is None else [use.body]
                    try:
                        answer = await method(*use.values.values(), *body, **use.query)
                        assert isinstance(answer, get_type_hints(method)["return"]), use
                    except SerendipError as error:
                        refused[use.operation_id] = error.status

        asyncio.run(call_all())

        assert refused == REFUSED


class TestServer:
    def test_fields_decide_the_type_of_the_response(self, server: Place) -> None:
        body = {"user_id": "ann", "item_ids": ["tea", "milk"]}
        with Serendip(server.base, server.key()) as client:
            client.put_item("tea", {"title": "Tea", "properties": {"price": 4, "long": "x" * 999}})

            page = assert_type(client.list_items(fields=["properties.price"]), SelectedItemPage)
            (item,) = [assert_type(each, SelectedItem) for each in client.iter_items(fields=["title", "hidden"])]
            (whole,) = [assert_type(each, ItemView) for each in client.iter_items()]
            ranked = assert_type(client.rank_items(body, fields=["score"]), SelectedRecommendationList)
            listed = assert_type(client.rank_items(RankingIn(**body)), RecommendationListView)

            assert page.items[0].model_dump(exclude_unset=True) == {"item_id": "tea", "properties": {"price": 4}}
            assert item.model_dump(exclude_unset=True) == {"item_id": "tea", "title": "Tea", "hidden": False}
            assert whole.properties["price"] == 4
            assert [each.model_dump(exclude_unset=True) for each in ranked.items] == [
                {"item_id": each.item_id, "score": each.score} for each in listed.items
            ]
            with pytest.raises(ValueError, match="as an argument"):
                client.rank_items({**body, "fields": ["score"]})

    def test_pages_and_records_are_iterated(self, server: Place) -> None:
        with Serendip(server.base, server.key()) as client:
            client.put_items({"items": [{"item_id": f"i{number}"} for number in range(5)]})

            sizes = [len(page.items) for page in pages(client.list_items, limit=2)]
            ids = {item.item_id for item in client.iter_items(limit=2)}

            assert sum(sizes) == 5
            assert max(sizes) == 2
            assert ids == {f"i{number}" for number in range(5)}

    def test_pages_are_iterated_asynchronously(self, server: Place) -> None:
        async def read() -> tuple[list[int], set[str]]:
            async with AsyncSerendip(server.base, server.key()) as client:
                await client.put_users({"users": [{"user_id": f"u{number}"} for number in range(5)]})
                sizes = [len(page.users) async for page in pages_async(client.list_users, limit=2)]
                return sizes, {user.user_id async for user in client.iter_users(limit=2)}

        sizes, ids = asyncio.run(read())

        assert sum(sizes) == 5
        assert ids == {f"u{number}" for number in range(5)}

    def test_a_request_returns_the_etag_with_which_an_item_is_changed_once(self, server: Place) -> None:
        with Serendip(server.base, server.key()) as client:
            etag = client.request("PUT", "/v1/items/tea", body=ItemIn(title="Tea", hidden=True)).headers["ETag"]

            changed = client.patch_item("tea", ItemPatch(title="Green tea"), if_match=etag)

            assert (changed.title, changed.hidden) == ("Green tea", True)
            with pytest.raises(SerendipError) as raised:
                client.patch_item("tea", {"title": "Black tea"}, if_match=etag)
            assert raised.value.status == 412
            with pytest.raises(SerendipError) as unchanged:
                client.get_item("tea", if_none_match=client.request("GET", "/v1/items/tea").headers["ETag"])
            assert unchanged.value.status == 304

    def test_a_sent_event_is_stored_once(self, server: Place) -> None:
        with Serendip(server.base, server.key()) as client:
            with EventSender(client) as events:
                for _ in range(3):
                    events.add(user_id="ann", item_id="tea", timestamp="2026-01-31T12:00:00Z")

            assert [event.item_id for event in client.iter_user_events("ann")] == ["tea"]


class TestPackage:
    def test_the_wheel_runs_the_readmes_example_without_the_server(self, server: Place, tmp_path: Path) -> None:
        """In the environment of the generator, which has the client's dependencies and not the server's."""
        python, uv = str(clients.PYTHON_TOOLS / "python"), [sys.executable, "-m", "uv", "--quiet", "--offline"]
        build = [*uv, "build", "--wheel", "--no-build-isolation", "--python", python, "--out-dir", str(tmp_path)]
        clients.run([*build, str(clients.PYTHON)], tmp_path)
        (wheel,) = tmp_path.glob("*.whl")
        clients.run([*uv, "pip", "install", "--no-deps", "--target", str(tmp_path / "lib"), str(wheel)], tmp_path)
        program = "import importlib.util; assert importlib.util.find_spec('fastapi') is None\n"
        program += example(clients.PYTHON / "README.md", "python")

        output = clients.run(
            [python, "-c", program],
            tmp_path,
            PYTHONPATH=str(tmp_path / "lib"),
            SERENDIP_URL=server.base,
            SERENDIP_API_KEY=server.key(),
        )

        assert output.startswith("[")
        assert (tmp_path / "lib" / "serendip_client" / "py.typed").exists()

    def test_the_clients_have_the_version_of_the_server(self) -> None:
        files = (ROOT / "pyproject.toml", clients.PYTHON / "pyproject.toml", clients.TYPESCRIPT / "package.json")

        versions = [re.findall(r'^ *"?version"?[ =:]+"(.+?)"', file.read_text(), re.MULTILINE) for file in files]

        assert versions[1:] == [versions[0]] * 2
