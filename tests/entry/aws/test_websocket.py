"""WebSockets: uvicorn and API Gateway's events lead to the same conversation."""

from typing import Any

import httpx2
import orjson
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from app.config import Settings
from app.domain.access import Limits, Scope
from app.wiring import Wired
from tests.support.builders import NOON, a_key, a_project, an_item, client_of, two_tastes
from tests.support.conversation import steady
from tests.support.management_api import Gateway
from tests.support.payloads import websocket
from tests.support.programs import forked
from tests.support.server_process import SOCKETS, environment, running

AT = NOON.isoformat()


def _event(user: str, item: str, **more: object) -> dict[str, Any]:
    return {"action": "event", "user_id": user, "item_id": item, "timestamp": AT, **more}


FRAMES: list[object] = [
    {"action": "ping"},
    {"action": "ping", "id": "p-1"},
    {"action": "recommend", "user_id": "u1", "limit": 3},
    {"action": "recommend", "user_id": "u2", "limit": 2, "exclude": ["i4"], "explain": True, "id": "r"},
    {"action": "recommend", "user_id": "unknown", "limit": 1, "properties": True},
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
    # every kind of invalid frame
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
    {"action": "recommend", "user_id": "u1", "fresh_after": "nonsense"},
    {"action": "resume", "token": "nonsense"},
    {"action": "event", "user_id": "u1", "item_id": "i1", "event_id": "x"},
    {"action": "ping", "id": "last"},
]


def prepared(wired: Wired, project: str) -> str:
    key = a_project(wired, project)
    services = wired.services
    services.items.put_many(project, [an_item(f"i{n}", "c") for n in range(12)])
    services.events.accept(project, two_tastes())
    services.train.run(project, services.train.queue(project))
    services.erasure.erase_user(project, "erased")
    return key


def still(frame: dict[str, Any]) -> Any:
    """Removes the values that differ between two equal conversations."""
    frame = {name: value for name, value in frame.items() if name not in {"resume", "model_version"}}
    return steady(
        {**frame, "items": [{**item, "reasons": []} for item in frame["items"]]} if "items" in frame else frame
    )


ANSWER_ALL = """
import json, sys
from app.entry.aws.handler import handler
for line in sys.stdin:
    print("answer " + json.dumps(handler(json.loads(line), None)), flush=True)
"""


def through_lambda(settings: Settings, project: str, endpoint: str, events: list[dict[str, Any]]) -> list[Any]:
    more = {"SERENDIP_SOCKET_ENDPOINT": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    lines = "\n".join(orjson.dumps(event).decode() for event in events)
    output = forked(ANSWER_ALL, environment(settings, project) | more, lines)
    answers = [line.removeprefix("answer ") for line in output.splitlines() if line.startswith("answer ")]
    return [orjson.loads(answer) for answer in answers]


class TestConversation:
    def test_uvicorn_and_lambda_answer_forty_frames_alike(self, wired: Wired, settings: Settings) -> None:
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
                    local.append(orjson.loads(socket.recv(60)))
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
    """Credentials of a connection."""

    def ways(self, client: httpx2.Client, key: str) -> dict[str, tuple[dict[str, str], list[str], str]]:
        """Headers, subprotocols and query of every valid way to connect."""
        token = client.post("/v1/users/u1/tokens", json={}).json()["token"]
        ticket = client.post("/v1/tickets", json={"user_id": "u1"}).json()["ticket"]
        return {
            "key in a header": ({"X-API-Key": key}, [], ""),
            "token in a header": ({"Authorization": f"Bearer {token}"}, [], ""),
            "key as a subprotocol": ({}, ["serendip", f"serendip.key.{key}"], ""),
            "token as a subprotocol": ({}, ["serendip", f"serendip.bearer.{token}"], ""),
            "ticket": ({}, [], f"?ticket={ticket}"),
        }

    def test_every_valid_credential_connects_and_keys_in_the_url_are_refused(
        self, wired: Wired, settings: Settings, client: httpx2.Client, key: str
    ) -> None:
        wired.services.items.put_many(settings.project, [an_item("i1")])
        ways = self.ways(client, key)
        with running(settings, settings.project, mode=SOCKETS) as server:
            for name, (headers, protocols, query) in ways.items():
                offered = [Subprotocol(protocol) for protocol in protocols] or None
                with connect(server.socket + query, additional_headers=headers, subprotocols=offered) as socket:
                    assert socket.subprotocol == (protocols[0] if protocols else None), name
                    socket.send('{"action": "recommend", "user_id": "u1"}')
                    assert orjson.loads(socket.recv(60))["action"] == "recommendations", name
            wrong = [
                f"?ticket={ways['ticket'][2][8:]}",  # already used
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

    def test_a_connection_keeps_its_identity_until_the_key_is_revoked(
        self, wired: Wired, settings: Settings, client: httpx2.Client
    ) -> None:
        wired.services.items.put_many(settings.project, [an_item("i1")])
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
                    assert orjson.loads(socket.recv(60)).get("status") == expected, frame
            sender = a_key(wired, settings.project, Scope.WRITE, Scope.OWN_EVENTS)
            token = client.post("/v1/users/u1/tokens", json={"key_id": sender[3:15]}).json()["token"]
            with connect(server.socket, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
                for frame, expected in (
                    ({"action": "event", "item_id": "i1"}, None),
                    ({"action": "event", "user_id": "u2", "item_id": "i1"}, 403),
                    ({"action": "event", "item_id": "i1", "event_type": "teleport"}, 422),
                    ({"action": "subscribe"}, None),
                ):
                    socket.send(orjson.dumps(frame).decode())
                    assert orjson.loads(socket.recv(60)).get("status") == expected, frame
            with connect(server.socket, additional_headers={"X-API-Key": made["key"]}) as socket:
                client.delete(f"/v1/keys/{made['key_id']}")
                socket.send('{"action": "ping"}')
                assert orjson.loads(socket.recv(60))["status"] == 401
                with pytest.raises(ConnectionClosed):
                    socket.recv(60)

    def test_a_browser_key_gets_tickets_for_the_tokens_user_only(self, client: httpx2.Client, wired: Wired) -> None:
        made = client.post("/v1/keys", json={"name": "k", "scopes": ["recommend"], "needs_user_token": True}).json()
        browser = client_of(wired, made["key"])

        assert browser.post("/v1/tickets", json={"user_id": "u1"}).status_code == 403
        token = client.post("/v1/users/u1/tokens", json={}).json()["token"]
        with_token = {"Authorization": f"Bearer {token}"}
        assert browser.post("/v1/tickets", json={"user_id": "u1"}, headers=with_token).status_code == 201
        assert browser.post("/v1/tickets", json={"user_id": "u2"}, headers=with_token).status_code == 403

    def test_rate_limits_apply_to_frames(self, wired: Wired, settings: Settings) -> None:
        limited = a_key(wired, settings.project, Scope.RECOMMEND, limits=Limits(0.01, 3))
        with (
            running(settings, settings.project, mode=SOCKETS) as server,
            connect(server.socket, additional_headers={"X-API-Key": limited}) as socket,
        ):
            frames = []
            for _ in range(4):
                socket.send('{"action": "recommend", "user_id": "u1"}')
                frames.append(orjson.loads(socket.recv(60)))

        assert [frame.get("status") for frame in frames] == [None, None, 429, 429]
        assert frames[-1]["retry_after"] > 0
