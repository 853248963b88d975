"""Calls of the HTTP API that many tests make."""

from typing import Any

import httpx2

from app.domain.access import Scope
from app.domain.events import Event
from app.wiring import Wired
from tests.support.builders import a_key, client_of, two_tastes

CATALOG = [
    {
        "item_id": f"i{n}",
        "title": f"Item {n}",
        "categories": ["even" if n % 2 == 0 else "odd"],
        "properties": {"price": n, "brand": "abc"[n % 3]},
    }
    for n in range(12)
]


def train(client: httpx2.Client) -> None:
    client.post("/v1/items:batch", json={"items": CATALOG})
    client.post("/v1/events", json={"events": [body(event) for event in two_tastes()]})
    assert client.post("/v1/models").status_code == 202


def put(client: httpx2.Client, name: str = "home", **settings: Any) -> dict[str, Any]:
    response = client.put(f"/v1/scenarios/{name}", json=settings)
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


def body(event: Event) -> dict[str, Any]:
    facts = {name: value for name, value in event._asdict().items() if name != "attribution"}
    return {**facts, "timestamp": event.timestamp.isoformat()}


def recommended(client: httpx2.Client, user: str, **params: Any) -> dict[str, Any]:
    response = client.get(f"/v1/users/{user}/recommendations", params=params)
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def browser_of(wired: Wired, project: str, path: str = "users/ann", **more: Any) -> httpx2.Client:
    """A client with a token of a user or session, whose key allows events of their own."""
    key = a_key(wired, project, Scope.WRITE, Scope.OWN_EVENTS, **more)
    token = client_of(wired, key).post(f"/v1/{path}/tokens", json={}).json()["token"]
    browser = client_of(wired)
    browser.headers["Authorization"] = f"Bearer {token}"
    return browser
