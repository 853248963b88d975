"""Sockets: the same conversation through uvicorn and through API Gateway's events."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from app.api.frames import MAX_FRAME_BYTES
from app.api.handshake import Handshake
from app.api.socket import SocketApi
from app.config import Settings
from app.domain import Item, Limits, Placement, Principal, Scope, Subscription, User
from app.entry.stream import Consumer
from app.entry.websocket import ManagementApi
from app.push import Busy, Gone, TooLarge
from app.services.sockets import MAX_SUBSCRIPTIONS
from app.storage.connections import ConnectionRow
from app.storage.decisions import DecisionRow
from app.wiring import Wired
from tests import tables
from tests.build import NOON, a_key, a_project, an_event, an_item, client_of, two_tastes, wired_on
from tests.data import ROOT
from tests.entry.conversation import steady
from tests.gateway import Gateway
from tests.payloads import websocket
from tests.serving import SOCKETS, environment, running
from tests.streams import a_record

AT = NOON.isoformat()


def _event(user: str, item: str, **more: object) -> dict[str, Any]:
    return {"action": "event", "user_id": user, "item_id": item, "timestamp": AT, **more}


FRAMES: list[object] = [
    {"action": "ping"},
    {"action": "ping", "id": "p-1"},
    {"action": "recommend", "user_id": "u1", "limit": 3},
    {"action": "recommend", "user_id": "u2", "limit": 2, "exclude": ["i4"], "explain": True, "id": "r"},
    {"action": "recommend", "user_id": "nobody", "limit": 1, "properties": True},
    {"action": "recommend", "session_id": "s1"},
    {"action": "subscribe", "user_id": "u1", "limit": 3, "id": "s"},
    {"action": "subscribe", "user_id": "u1", "limit": 2},
    {"action": "subscribe", "session_id": "s1", "limit": 1},
    _event("u1", "i1"),
    _event("u1", "i1", id="again"),
    _event("u2", "i2", event_type="purchase", value=2.5),
    {"action": "event", "session_id": "s1", "item_id": "i3", "timestamp": AT},
    {"action": "recommend", "session_id": "s1", "limit": 2},
    {"action": "unsubscribe", "user_id": "u1"},
    {"action": "unsubscribe", "user_id": "u1"},
    {"action": "unsubscribe", "session_id": "s1", "id": "u"},
    {"action": "recommend", "user_id": "u1", "include_seen": True, "event_types": ["view"]},
    {"action": "subscribe", "user_id": "u3", "limit": 1, "properties": True},
    # what is wrong, in every way
    {"action": "fly"},
    {"actions": "ping"},
    [],
    "ping",
    None,
    7,
    {},
    {"action": "subscribe"},
    {"action": "subscribe", "user_id": "u1", "session_id": "s1"},
    {"action": "subscribe", "user_id": "u/1"},
    {"action": "subscribe", "user_id": "u1", "limit": 0},
    {"action": "subscribe", "user_id": "u1", "limit": "3"},
    {"action": "ping", "id": "with blanks"},
    {"action": "ping", "more": 1},
    _event("u1", ""),
    _event("u1", "i1", value="5"),
    _event("erased", "i1", id="e"),
    {"action": "recommend", "user_id": "u1", "after": "nonsense"},
    {"action": "resume", "token": "nonsense"},
    {"action": "event", "user_id": "u1", "item_id": "i1", "event_id": "x"},
    {"action": "ping", "id": "last"},
]


def prepared(wired: Wired, project: str) -> str:
    key = a_project(wired, project)
    services = wired.services
    services.catalog.put_items(project, [an_item(f"i{n}", "c") for n in range(12)])
    services.events.accept(project, two_tastes())
    services.train.run(project, services.train.queue(project))
    services.erasure.erase_user(project, "erased")
    return key


def still(frame: dict[str, Any]) -> Any:
    """A frame without what differs between two equal conversations."""
    frame = {name: value for name, value in frame.items() if name not in {"resume", "model_version"}}
    return steady(
        {**frame, "items": [{**item, "reasons": []} for item in frame["items"]]} if "items" in frame else frame
    )


ANSWER_ALL = """
import json, sys
from app.entry.aws import handler
for line in sys.stdin:
    print("answer " + json.dumps(handler(json.loads(line), None)), flush=True)
"""


def through_lambda(settings: Settings, project: str, endpoint: str, events: list[dict[str, Any]]) -> list[Any]:
    more = {"SERENDIP_SOCKET_ENDPOINT": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ANSWER_ALL],
        env=environment(settings, project) | more,
        input=b"\n".join(map(orjson.dumps, events)),
        capture_output=True,
        check=False,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = [line for line in done.stdout.splitlines() if line.startswith(b"answer ")]
    return [orjson.loads(line.removeprefix(b"answer ")) for line in lines]


class TestConversation:
    def test_forty_frames_are_answered_alike_by_uvicorn_and_lambda(self, wired: Wired, settings: Settings) -> None:
        texts = [orjson.dumps(frame).decode() for frame in FRAMES]
        assert len(texts) == 40
        here, there = f"{settings.project}-u", f"{settings.project}-l"
        keys = {project: prepared(wired, project) for project in (here, there)}

        with running(settings, here, mode=SOCKETS) as server:
            headers = {"X-API-Key": keys[here]}
            with connect(server.socket, additional_headers=headers, subprotocols=[Subprotocol("serendip")]) as socket:
                assert socket.subprotocol == "serendip"
                local = []
                for text in texts:
                    socket.send(text)
                    local.append(orjson.loads(socket.recv(10)))
        gateway = Gateway()
        with gateway.serving() as endpoint:
            events = [
                websocket.connect("c1=", {"X-API-Key": keys[there], "Sec-WebSocket-Protocol": "serendip"}),
                *(websocket.message("c1=", text) for text in texts),
                websocket.disconnect("c1="),
            ]
            answers = through_lambda(settings, there, endpoint, events)

        assert answers[0] == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "serendip"}}
        assert {answer["statusCode"] for answer in answers} == {200}
        assert {connection for connection, _ in gateway.posted} == {"c1="}
        remote = [orjson.loads(frame) for _, frame in gateway.posted]
        assert [still(frame) for frame in remote] == [still(frame) for frame in local]
        assert [frame["action"] for frame in local].count("error") == 20
        assert all(frame.get("status", 200) in {200, 400, 409, 422} for frame in local)


class TestConnect:
    """Who gets in, and by which door."""

    def ways(self, client: httpx2.Client, key: str) -> dict[str, tuple[dict[str, str], list[str], str]]:
        """Headers, subprotocols and query of every way that is right."""
        token = client.post("/v1/users/u1/tokens", json={}).json()["token"]
        ticket = client.post("/v1/tickets", json={"user_id": "u1"}).json()["ticket"]
        return {
            "key in a header": ({"X-API-Key": key}, [], ""),
            "token in a header": ({"Authorization": f"Bearer {token}"}, [], ""),
            "key as a subprotocol": ({}, ["serendip", f"serendip.key.{key}"], ""),
            "token as a subprotocol": ({}, ["serendip", f"serendip.bearer.{token}"], ""),
            "ticket": ({}, [], f"?ticket={ticket}"),
        }

    def test_every_way_in_and_none_by_a_key_in_the_address(
        self, wired: Wired, settings: Settings, client: httpx2.Client, key: str
    ) -> None:
        wired.services.catalog.put_items(settings.project, [an_item("i1")])
        ways = self.ways(client, key)
        with running(settings, settings.project, mode=SOCKETS) as server:
            for name, (headers, protocols, query) in ways.items():
                offered = [Subprotocol(one) for one in protocols] or None
                with connect(server.socket + query, additional_headers=headers, subprotocols=offered) as socket:
                    assert socket.subprotocol == (protocols[0] if protocols else None), name
                    socket.send('{"action": "recommend", "user_id": "u1"}')
                    assert orjson.loads(socket.recv(10))["action"] == "recommendations", name
            wrong = [
                f"?ticket={ways['ticket'][2][8:]}",  # used
                "?ticket=made-up",
                f"?api_key={key}",
                f"?X-API-Key={key}",
                f"?token={key}",
                f"?ticket={key}",
                "",
            ]
            for query in wrong:
                with pytest.raises(InvalidStatus) as refused:
                    connect(server.socket + query)
                assert refused.value.response.status_code == 401
                assert b"urn:serendip:problem:not-authenticated" in refused.value.response.body

    def test_an_identity_stays_the_same_until_it_ends(
        self, wired: Wired, settings: Settings, client: httpx2.Client
    ) -> None:
        wired.services.catalog.put_items(settings.project, [an_item("i1")])
        made = client.post("/v1/keys", json={"name": "k", "scopes": ["write"]}).json()
        ticket = client.post("/v1/tickets", json={"user_id": "u1"}).json()["ticket"]
        with running(settings, settings.project, {"SERENDIP_KEY_TTL_SECONDS": "0"}, SOCKETS) as server:
            with connect(f"{server.socket}?ticket={ticket}") as socket:
                for frame, expected in (
                    ({"action": "subscribe", "user_id": "u1"}, None),
                    ({"action": "subscribe", "user_id": "u2"}, 403),
                    ({"action": "recommend", "session_id": "s1"}, 403),
                    ({"action": "event", "user_id": "u1", "item_id": "i1"}, 403),
                ):
                    socket.send(orjson.dumps(frame).decode())
                    assert orjson.loads(socket.recv(10)).get("status") == expected, frame
            with connect(server.socket, additional_headers={"X-API-Key": made["key"]}) as socket:
                client.delete(f"/v1/keys/{made['key_id']}")
                socket.send('{"action": "ping"}')
                assert orjson.loads(socket.recv(10))["status"] == 401
                with pytest.raises(ConnectionClosed):
                    socket.recv(10)

    def test_a_key_for_browsers_gets_no_ticket_for_anybody(self, client: httpx2.Client, wired: Wired) -> None:
        made = client.post("/v1/keys", json={"name": "k", "scopes": ["recommend"], "needs_user_token": True}).json()
        browser = client_of(wired, made["key"])

        assert browser.post("/v1/tickets", json={"user_id": "u1"}).status_code == 403
        token = client.post("/v1/users/u1/tokens", json={}).json()["token"]
        with_token = {"Authorization": f"Bearer {token}"}
        assert browser.post("/v1/tickets", json={"user_id": "u1"}, headers=with_token).status_code == 201
        assert browser.post("/v1/tickets", json={"user_id": "u2"}, headers=with_token).status_code == 403

    def test_limits_hold_for_frames_too(self, wired: Wired, settings: Settings) -> None:
        limited = a_key(wired, settings.project, Scope.RECOMMEND, limits=Limits(0.01, 3))
        with (
            running(settings, settings.project, mode=SOCKETS) as server,
            connect(server.socket, additional_headers={"X-API-Key": limited}) as socket,
        ):
            found = []
            for _ in range(4):
                socket.send('{"action": "recommend", "user_id": "u1"}')
                found.append(orjson.loads(socket.recv(10)))

        assert [frame.get("status") for frame in found] == [None, None, 429, 429]
        assert found[-1]["retry_after"] > 0


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    with gateway.serving() as endpoint:
        gateway.endpoint = endpoint
        yield gateway


@pytest.fixture
def sockets(wired: Wired, settings: Settings, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> SocketApi:
    """The handlers over API Gateway, in this process."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    services = wired.services
    services.catalog.put_items(settings.project, [an_item(f"i{n}") for n in range(12)])
    services.events.accept(settings.project, two_tastes())
    services.train.run(settings.project, services.train.queue(settings.project))
    return SocketApi(services, ManagementApi(settings.model_copy(update={"socket_endpoint": gateway.endpoint})))


@pytest.fixture
def c1(settings: Settings) -> str:
    """A connection's id."""
    return f"{settings.project}-c1"


def say(sockets: SocketApi, connection: str, action: str, **more: object) -> None:
    sockets.receive(connection, orjson.dumps({"action": action, **more}).decode())


def wish(principal: Principal) -> dict[str, Any]:
    return {"limit": 3, "properties": False, "principal": principal.facts()}


class TestPush:
    def test_an_instance_that_knows_nothing_yet_follows_a_scenario_with_rules_and_a_log(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        """As the stream's function does after a cold start: all that it needs is read there."""
        project, services = settings.project, wired.services
        services.catalog.put_users(project, [User("u2", {"likes": "i"})])
        placement = Placement(filter="item.id.startsWith(user.properties.likes)", limit=11, log_share=1.0)
        services.scenarios.put(project, "home", placement)
        sockets.connect(c1, Handshake({"x-api-key": key}))
        say(sockets, c1, "subscribe", user_id="u2", scenario="home")
        services.catalog.put_items(project, [an_item("inew", properties={"text": "a new one"}), an_item("other")])
        event = an_event("u2", gateway.frames()[-1]["items"][0]["item_id"], minutes=60)
        services.events.accept(project, [event])
        eager = settings.model_copy(update={"retrain_events": 1})
        cold = wired_on(eager)

        pusher = ManagementApi(settings.model_copy(update={"socket_endpoint": gateway.endpoint}))
        failed = Consumer(cold.services, SocketApi(cold.services, pusher)).apply([a_record(project, event)])
        cold.services.usage.write()
        cold.close()

        assert failed is None
        frames = gateway.frames()
        assert len(frames) == 2
        assert {item["item_id"] for item in frames[1]["items"]} >= {"inew"} - {"other"}
        assert "other" not in {item["item_id"] for item in frames[1]["items"]}
        logged = tables.rows(wired, DecisionRow)
        assert [row for row in logged if row["owner"]["S"].startswith(project)]

    def test_it_goes_out_only_when_the_list_changed(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        say(sockets, c1, "subscribe", user_id="u2", limit=3)
        shown = gateway.frames()[-1]["items"][0]["item_id"]

        assert sockets.push(settings.project, "u2") == 0
        wired.services.events.accept(settings.project, [an_event("u2", shown, minutes=60)])
        assert [sockets.push(settings.project, "u2"), sockets.push(settings.project, "u2")] == [1, 0]

        [first, second] = gateway.frames()
        assert [item["item_id"] for item in second["items"]] != [item["item_id"] for item in first["items"]]
        assert sockets.push(settings.project, "u4") == 0

    def test_a_client_that_is_gone_is_forgotten(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        say(sockets, c1, "subscribe", user_id="u2")
        say(sockets, c1, "subscribe", user_id="u3")
        wired.services.events.accept(settings.project, [an_event("u2", "i4", minutes=60)])
        gateway.answers = [410]

        assert sockets.push(settings.project, "u2") == 0

        assert [row for row in tables.naming(wired, settings.project, ConnectionRow) if c1 in str(row)] == []

    def test_a_subscription_without_its_connection_is_forgotten_at_the_first_push(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        connection = wired.services.sockets.find(c1)
        sockets.disconnect(c1)
        orphan = Subscription(settings.project, "u2", c1, connection.expires_at, wish(connection.principal))
        wired.services.sockets._connections.put_subscription(orphan)  # noqa: SLF001 - it was just being made
        gateway.answers = [410]

        assert [sockets.push(settings.project, "u2"), sockets.push(settings.project, "u2")] == [0, 0]

        assert tables.naming(wired, c1) == []
        assert gateway.posted == []

    def test_a_watcher_whose_key_was_revoked_is_told_nothing_more(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, c1: str
    ) -> None:
        other, text = wired.services.keys.create(settings.project, "k", frozenset({Scope.RECOMMEND}))
        sockets.connect(c1, Handshake({"x-api-key": text}))
        say(sockets, c1, "subscribe", user_id="u2", limit=3)
        shown = gateway.frames()[-1]["items"][0]["item_id"]
        wired.services.keys.revoke(settings.project, other.key_id)
        wired.services.events.accept(settings.project, [an_event("u2", shown, minutes=60)])

        assert sockets.push(settings.project, "u2") == 0

        assert (len(gateway.posted), gateway.deleted) == (1, [c1])
        assert tables.naming(wired, c1) == []

    def test_a_gateway_that_is_busy_is_asked_again_and_then_the_event_is_given_back(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        say(sockets, c1, "subscribe", user_id="u2")
        wired.services.events.accept(settings.project, [an_event("u2", "i4", minutes=60)])
        gateway.answers = [429, 429]
        assert sockets.push(settings.project, "u2") == 1
        seen = an_event("u2", gateway.frames()[-1]["items"][0]["item_id"], minutes=61)
        wired.services.events.accept(settings.project, [seen])
        gateway.answers = [429] * 8
        record = a_record(settings.project, seen)

        assert Consumer(wired.services, sockets).apply([record]) == record["dynamodb"]["SequenceNumber"]

        gateway.answers = []
        assert Consumer(wired.services, sockets).apply([record]) is None
        assert len(gateway.frames()) == 3

    def test_no_frame_is_larger_than_the_gateway_takes(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        items = [Item(f"{'x' * 120}{n:03d}", "é" * 500, ("c" * 100,) * 20, {"text": "y" * 5_000}) for n in range(100)]
        wired.services.catalog.put_items(settings.project, items)
        sockets.connect(c1, Handshake({"x-api-key": key}))

        say(sockets, c1, "recommend", user_id="nobody", limit=100, properties=True)

        [(_, frame)] = gateway.posted
        assert len(frame) <= MAX_FRAME_BYTES
        assert len(orjson.loads(frame)["items"]) == 100
        assert orjson.loads(frame)["trimmed"]
        api = ManagementApi(settings.model_copy(update={"socket_endpoint": gateway.endpoint}))
        with pytest.raises(TooLarge):
            api.post(c1, b"x" * (MAX_FRAME_BYTES + 1))

    @pytest.mark.parametrize(
        ("statuses", "error"), [([410], Gone), ([413], TooLarge), ([429] * 4, Busy), ([500] * 4, Busy)]
    )
    @pytest.mark.usefixtures("sockets")
    def test_refusals_of_the_gateway_are_told_apart(
        self, gateway: Gateway, settings: Settings, statuses: list[int], error: type[Exception], c1: str
    ) -> None:
        api = ManagementApi(settings.model_copy(update={"socket_endpoint": gateway.endpoint}))
        gateway.answers = statuses

        with pytest.raises(error):
            api.post(c1, b"{}")


class TestTelemetry:
    def test_frames_are_told_without_what_they_say_and_follow_their_trace(
        self, sockets: SocketApi, key: str, c1: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        with caplog.at_level("INFO", logger="serendip"):
            sockets.connect(c1, Handshake({"x-api-key": key, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}))
            say(sockets, c1, "subscribe", user_id="secret@person", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
            say(sockets, c1, "secret@action")

        told = [orjson.loads(message) for message in caplog.messages]
        assert [(line["route"], line["status"]) for line in told] == [
            ("SOCKET socket connect", 200),
            ("SOCKET socket subscribe", 200),
            ("SOCKET socket unreadable", 422),
        ]
        assert [line["trace_id"] for line in told[:2]] == [trace] * 2
        assert [word for word in ("secret", key, c1) if word in " ".join(caplog.messages)] == []


class TestLife:
    def test_a_connection_that_is_announced_twice_and_never_ends_leaks_nothing(
        self, sockets: SocketApi, wired: Wired, settings: Settings, key: str, gateway: Gateway, c1: str
    ) -> None:
        before = len(tables.naming(wired, settings.project, ConnectionRow))
        sockets.connect(c1, Handshake({"x-api-key": key}))
        once = len(tables.naming(wired, settings.project, ConnectionRow))
        sockets.connect(c1, Handshake({"x-api-key": key}))
        assert len(tables.naming(wired, settings.project, ConnectionRow)) == once
        say(sockets, c1, "subscribe", user_id="u2")
        assert all("expires_at" in row for row in tables.naming(wired, c1))

        sockets.disconnect(c1)
        sockets.disconnect(c1)

        assert tables.naming(wired, c1) == []
        # What stays says that the project had a connection.
        assert len(tables.naming(wired, settings.project, ConnectionRow)) == before + 1
        say(sockets, c1, "ping")
        assert gateway.frames()[-1]["status"] == 401
        assert gateway.deleted == [c1]

    def test_after_its_time_a_connection_ends_with_a_token_that_loses_no_push(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        clock = Clock()
        services = wired.services
        services.sockets._clock = clock  # noqa: SLF001
        sockets.connect(c1, Handshake({"x-api-key": key}))
        say(sockets, c1, "subscribe", user_id="u2", limit=3)
        say(sockets, c1, "subscribe", user_id="u3", limit=2)
        of_u3 = gateway.frames()[-1]["items"][0]["item_id"]
        clock.now += timedelta(seconds=settings.connection_seconds - 60)

        say(sockets, c1, "ping")
        goodbye = gateway.frames()[-1]
        assert (goodbye["action"], gateway.deleted) == ("goodbye", [c1])
        services.events.accept(settings.project, [an_event("u2", "i4", minutes=60), an_event("u2", "i8", minutes=61)])
        sockets.connect(c1 + "b", Handshake({"x-api-key": key}))
        gateway.posted.clear()
        say(sockets, c1 + "b", "resume", token=goodbye["resume"])

        found = gateway.frames()
        assert [frame["action"] for frame in found] == ["resumed", "recommendations"]
        assert found[1]["user_id"] == "u2"  # the list of u3 is the one that he was shown
        services.events.accept(settings.project, [an_event("u3", of_u3, minutes=60)])
        sockets.push(settings.project, "u3")
        assert gateway.frames()[-1]["user_id"] == "u3"

    def test_the_local_server_says_goodbye_by_itself(self, wired: Wired, settings: Settings, key: str) -> None:
        with (
            running(settings, settings.project, {"SERENDIP_CONNECTION_SECONDS": "10"}, SOCKETS) as server,
            connect(server.socket, additional_headers={"X-API-Key": key}) as socket,
        ):
            assert orjson.loads(socket.recv(15))["action"] == "goodbye"
            with pytest.raises(ConnectionClosed):
                socket.recv(5)
        assert [row for row in tables.naming(wired, settings.project, ConnectionRow) if "connection#" in str(row)] == []

    def test_it_has_a_bounded_number_of_subscriptions(
        self, sockets: SocketApi, gateway: Gateway, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        for number in range(MAX_SUBSCRIPTIONS + 1):
            say(sockets, c1, "subscribe", user_id=f"w{number}")

        assert [frame.get("status") for frame in gateway.frames()] == [None] * MAX_SUBSCRIPTIONS + [422]


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now
