"""Pushes to live sockets: when, to which clients, for how long, and what is logged."""

from collections.abc import Iterator

import orjson
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.api.sockets.frames import MAX_FRAME_BYTES
from app.api.sockets.handshake import Handshake
from app.api.sockets.push import Busy, Gone, TooLarge
from app.api.sockets.session import SocketApi
from app.config import Settings
from app.domain.access import Scope
from app.domain.items import Item
from app.domain.scenarios import ScenarioSettings
from app.domain.sockets import Subscription, WatchedList
from app.domain.users import User
from app.entry.aws.websocket import ManagementApi
from app.entry.stream import Consumer
from app.services.sockets import MAX_SUBSCRIPTIONS
from app.storage.connections import ConnectionRow
from app.storage.decisions import DecisionRow
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import an_event, an_item, two_tastes, until, wired_on
from tests.support.fake_clock import FakeClock
from tests.support.management_api import Gateway
from tests.support.server_process import SOCKETS, running
from tests.support.stream_records import a_record


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
    services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(12)])
    services.events.accept(settings.project, two_tastes())
    services.train.run(settings.project, services.train.queue(settings.project))
    return SocketApi(services, ManagementApi(settings.model_copy(update={"socket_endpoint": gateway.endpoint})))


@pytest.fixture
def c1(settings: Settings) -> str:
    """A connection's id."""
    return f"{settings.project}-c1"


def say(sockets: SocketApi, connection: str, action: str, **more: object) -> None:
    sockets.receive(connection, orjson.dumps({"action": action, **more}).decode())


class TestPush:
    def test_cold_instances_push_lists_of_scenarios_with_rules_and_a_decision_log(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        """The stream's function does this after a cold start."""
        project, services = settings.project, wired.services
        services.users.put_many(project, [User("u2", {"likes": "i"})])
        scenario = ScenarioSettings(filter="item.id.startsWith(user.properties.likes)", limit=11, log_sample_rate=1.0)
        services.scenarios.put(project, "home", scenario)
        sockets.connect(c1, Handshake({"x-api-key": key}))
        say(sockets, c1, "subscribe", user_id="u2", scenario="home")
        services.items.put_many(project, [an_item("inew", properties={"text": "a new one"}), an_item("other")])
        event = an_event("u2", gateway.frames()[-1]["items"][0]["item_id"], minutes=60)
        services.events.accept(project, [event])
        eager = settings.model_copy(update={"retrain_events": 1, "most_trainings": 1_000})
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

    def test_lists_are_pushed_only_when_they_changed(
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

    def test_clients_that_are_gone_are_forgotten(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        say(sockets, c1, "subscribe", user_id="u2")
        say(sockets, c1, "subscribe", user_id="u3")
        wired.services.events.accept(settings.project, [an_event("u2", "i4", minutes=60)])
        gateway.answers = [410]

        assert sockets.push(settings.project, "u2") == 0

        assert [row for row in tables.naming(wired, settings.project, ConnectionRow) if c1 in str(row)] == []

    def test_subscriptions_without_a_connection_are_forgotten_at_the_first_push(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        connection = wired.services.sockets.find(c1)
        sockets.disconnect(c1)
        orphan = Subscription(
            settings.project, c1, connection.expires_at, WatchedList("u2", limit=10), connection.principal
        )
        wired.services.sockets._connections.put_subscription(orphan)  # noqa: SLF001 - as if it was written while the connection ended
        gateway.answers = [410]

        assert [sockets.push(settings.project, "u2"), sockets.push(settings.project, "u2")] == [0, 0]

        assert tables.naming(wired, c1) == []
        assert gateway.posted == []

    def test_subscribers_with_a_revoked_key_get_no_more_frames(
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

    def test_busy_gateways_are_retried_and_then_the_event_is_returned_to_the_stream(
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

    def test_frames_never_exceed_the_limit_of_the_gateway(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        items = [Item(f"{'x' * 120}{n:03d}", "é" * 500, ("c" * 100,) * 20, {"text": "y" * 5_000}) for n in range(100)]
        wired.services.items.put_many(settings.project, items)
        sockets.connect(c1, Handshake({"x-api-key": key}))

        say(sockets, c1, "recommend", user_id="unknown", limit=100, properties=True)

        [(_, frame)] = gateway.posted
        assert len(frame) <= MAX_FRAME_BYTES
        assert len(orjson.loads(frame)["items"]) == 100
        assert orjson.loads(frame)["trimmed"]
        api = ManagementApi(settings.model_copy(update={"socket_endpoint": gateway.endpoint}))
        with pytest.raises(TooLarge):
            api.post(c1, b"x" * (MAX_FRAME_BYTES + 1))

    def test_a_frame_chooses_what_its_items_carry(
        self, sockets: SocketApi, gateway: Gateway, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))

        say(sockets, c1, "recommend", user_id="u2", limit=3, fields=["title", "reasons.share"])
        say(sockets, c1, "recommend", user_id="u2", fields=["titel"])

        [listed, refused] = gateway.frames()
        assert [item.keys() for item in listed["items"]] == [{"item_id", "title", "reasons"}] * 3
        assert all(reason.keys() == {"share"} for item in listed["items"] for reason in item["reasons"])
        assert refused["errors"][0]["pointer"] == "/fields/0"
        assert "did you mean title?" in refused["errors"][0]["detail"]

    @pytest.mark.parametrize(
        ("statuses", "error"), [([410], Gone), ([413], TooLarge), ([429] * 4, Busy), ([500] * 4, Busy)]
    )
    @pytest.mark.usefixtures("sockets")
    def test_refusals_of_the_gateway_raise_different_errors(
        self, gateway: Gateway, settings: Settings, statuses: list[int], error: type[Exception], c1: str
    ) -> None:
        api = ManagementApi(settings.model_copy(update={"socket_endpoint": gateway.endpoint}))
        gateway.answers = statuses

        with pytest.raises(error):
            api.post(c1, b"{}")

    def test_frames_that_the_gateway_finds_too_large_are_refused_once(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        gateway.answers = [413]
        say(sockets, c1, "recommend", user_id="u1")
        [refusal] = [orjson.loads(frame) for _, frame in gateway.posted]
        say(sockets, c1, "subscribe", user_id="u1", limit=3)
        shown = orjson.loads(gateway.posted[-1][1])["items"][0]["item_id"]
        wired.services.events.accept(settings.project, [an_event("u1", shown)])

        gateway.answers = [413]
        pushed = sockets.push(settings.project, "u1")

        assert (refusal["action"], refusal["title"]) == ("error", "Invalid input")
        assert (pushed, gateway.answers) == (0, [])


class TestTelemetry:
    def test_logs_of_frames_hold_no_content_and_follow_their_trace(
        self, sockets: SocketApi, key: str, c1: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        with caplog.at_level("INFO", logger="serendip"):
            sockets.connect(c1, Handshake({"x-api-key": key, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}))
            say(sockets, c1, "subscribe", user_id="secret@person", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
            say(sockets, c1, "secret@action")

        lines = [orjson.loads(message) for message in caplog.messages]
        assert [(line["route"], line["status"]) for line in lines] == [
            ("SOCKET socket connect", 200),
            ("SOCKET socket subscribe", 200),
            ("SOCKET socket unreadable", 422),
        ]
        assert [line["trace_id"] for line in lines[:2]] == [trace] * 2
        assert [word for word in ("secret", key, c1) if word in " ".join(caplog.messages)] == []


class TestLife:
    def test_connections_that_open_twice_and_never_end_leak_nothing(
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
        # The remaining row says that the project had a connection.
        assert len(tables.naming(wired, settings.project, ConnectionRow)) == before + 1
        say(sockets, c1, "ping")
        assert gateway.frames()[-1]["status"] == 401
        assert gateway.deleted == [c1]

    def test_expired_connections_end_with_a_token_that_loses_no_push(
        self, sockets: SocketApi, gateway: Gateway, wired: Wired, settings: Settings, key: str, c1: str
    ) -> None:
        clock = FakeClock()
        services = wired.services
        services.sockets._clock = clock  # noqa: SLF001
        sockets.connect(c1, Handshake({"x-api-key": key}))
        say(sockets, c1, "subscribe", user_id="u2", limit=3)
        say(sockets, c1, "subscribe", user_id="u3", limit=2)
        of_u3 = gateway.frames()[-1]["items"][0]["item_id"]
        clock.advance(settings.connection_seconds - 60)

        say(sockets, c1, "ping")
        goodbye = gateway.frames()[-1]
        assert (goodbye["action"], gateway.deleted) == ("goodbye", [c1])
        services.events.accept(settings.project, [an_event("u2", "i4", minutes=60), an_event("u2", "i8", minutes=61)])
        sockets.connect(c1 + "b", Handshake({"x-api-key": key}))
        gateway.posted.clear()
        say(sockets, c1 + "b", "resume", token=goodbye["resume"])

        frames = gateway.frames()
        assert [frame["action"] for frame in frames] == ["resumed", "recommendations"]
        assert frames[1]["user_id"] == "u2"  # the client was shown the list of u3 already
        services.events.accept(settings.project, [an_event("u3", of_u3, minutes=60)])
        sockets.push(settings.project, "u3")
        assert gateway.frames()[-1]["user_id"] == "u3"

    def test_the_local_server_says_goodbye_by_itself(self, wired: Wired, settings: Settings, key: str) -> None:
        with (
            running(settings, settings.project, {"SERENDIP_CONNECTION_SECONDS": "10"}, SOCKETS) as server,
            connect(server.socket, additional_headers={"X-API-Key": key}) as socket,
        ):
            assert orjson.loads(socket.recv(60))["action"] == "goodbye"
            with pytest.raises(ConnectionClosed):
                socket.recv(60)
            until(lambda: "connection#" not in str(tables.naming(wired, settings.project, ConnectionRow)))

    def test_connections_have_a_bounded_number_of_subscriptions(
        self, sockets: SocketApi, gateway: Gateway, key: str, c1: str
    ) -> None:
        sockets.connect(c1, Handshake({"x-api-key": key}))
        for number in range(MAX_SUBSCRIPTIONS + 1):
            say(sockets, c1, "subscribe", user_id=f"w{number}")

        assert [frame.get("status") for frame in gateway.frames()] == [None] * MAX_SUBSCRIPTIONS + [422]
