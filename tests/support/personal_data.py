"""A user with data in every feature."""

import httpx2
import orjson

from app.api.sockets.handshake import Handshake
from app.api.sockets.session import SocketApi
from app.entry.stream import Consumer
from app.wiring import Wired
from tests.support.builders import an_event, client_of
from tests.support.stream_records import a_record

ANN = "ann@example.com"


def fill(client: httpx2.Client, events: int = 230) -> None:
    """Sends a profile, events and calls of every feature that takes a user id."""
    client.put(f"/v1/users/{ANN}", json={"properties": {"mail": ANN}})
    client.patch(f"/v1/users/{ANN}", json={"properties": {"plan": "paid"}}, headers={"Idempotency-Key": "p"})
    sent = [{"user_id": ANN, "item_id": f"i{n % 12}", "timestamp": 1769860800 + n} for n in range(events)]
    assert client.post("/v1/events", json={"events": sent}, headers={"Idempotency-Key": "e"}).status_code == 202
    client.get(f"/v1/users/{ANN}/recommendations")
    client.post("/v1/rankings", json={"user_id": ANN, "item_ids": ["i1"]})
    client.post(f"/v1/users/{ANN}/tokens", json={}, headers={"Idempotency-Key": "t"})


def connected(wired: Wired, project: str, key: str) -> list[str]:
    """Opens a shop's socket that watches ANN and ANN's own socket, and lets the stream fail on a record of ANN's."""
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
    """Drops every frame."""

    def post(self, connection_id: str, frame: bytes) -> None: ...

    def close(self, connection_id: str) -> None: ...
