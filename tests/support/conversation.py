"""Thirty requests that touch every route, in a sensible order."""

import orjson

from tests.support.payloads import Request

JSON = {"content-type": "application/json"}
AT = "2026-01-31T12:00:0"


def _send(method: str, target: str, body: object) -> Request:
    return method, target, JSON, orjson.dumps(body)


def _get(target: str) -> Request:
    return "GET", target, {}, None


REQUESTS: list[Request] = [
    _get("/health/live"),
    _get("/health/ready"),
    _send("PUT", "/v1/items/tea", {"title": "Té", "categories": ["hot"], "properties": {"price": 4.5}}),
    _send("PUT", "/v1/items/a~b:c|d@e", {"title": "Odd id"}),
    _get("/v1/items/tea"),
    _get("/v1/items/a~b:c%7Cd@e"),
    _send("PATCH", "/v1/items/tea", {"properties": {"price": None, "size": "L"}}),
    _send("POST", "/v1/items:batch", {"items": [{"item_id": f"i{n}", "categories": ["cold"]} for n in range(5)]}),
    _get("/v1/items?category=cold&limit=3"),
    _get("/v1/items?cursor=nonsense"),
    _get("/v1/items/missing"),
    _send("PUT", "/v1/users/ann", {"properties": {"plan": "free"}}),
    _get("/v1/users/ann"),
    _send("POST", "/v1/users:batch", {"users": [{"user_id": "bob"}]}),
    _get("/v1/users?limit=1"),
    _send(
        "POST",
        "/v1/events",
        {"events": [{"user_id": "ann", "item_id": "tea", "event_type": "view", "timestamp": AT + "1Z"}]},
    ),
    _send("POST", "/v1/events", {"events": [{"user_id": "bob", "item_id": "i1", "timestamp": AT + "2Z"}]}),
    _send("POST", "/v1/events", {"events": [{"user_id": "bob"}, {"user_id": "b/b", "item_id": "x"}]}),
    ("POST", "/v1/events", JSON, b'{"user_id": '),
    ("POST", "/v1/events", {"content-type": "text/plain"}, b"hello"),
    _get("/v1/users/ann/events"),
    _get("/v1/users/ann/recommendations?limit=3&exclude=i1&exclude=i2"),
    _get("/v1/users/ann/recommendations?limit=1000"),
    _send("POST", "/v1/recommendations", {"events": [{"item_id": "tea", "timestamp": AT + "3Z"}], "limit": 2}),
    _send("POST", "/v1/rankings", {"user_id": "ann", "item_ids": ["i1", "tea"]}),
    _get("/v1/lists/latest?limit=2&properties=true"),
    _get("/v1/models"),
    _send("POST", "/v1/models/none:activate", {}),
    ("DELETE", "/v1/items/tea", {}, None),
    ("PUT", "/nowhere", {}, None),
]
VOLATILE = {"created_at", "updated_at", "freshness_token", "recommendation_id", "next_cursor", "instance", "receipt_id"}


def steady(value: object) -> object:
    """Masks the values of a response that differ between runs."""
    if isinstance(value, dict):
        return {name: "…" if name in VOLATILE and field else steady(field) for name, field in value.items()}
    return [steady(element) for element in value] if isinstance(value, list) else value
