"""Request bodies for the OpenAPI document, by operation id; each succeeds in the sample project of `serendip serve`."""

from typing import Any

REQUESTS: dict[str, Any] = {
    "putItem": {
        "title": "Copper Kettle",
        "categories": ["Kitchen", "Gifts"],
        "properties": {"price": 39.95, "brand": "Alder"},
    },
    "patchItem": {"properties": {"price": 34.95}},
    "putItems": {
        "items": [
            {"item_id": "sku-901", "title": "Enamel Teapot", "categories": ["Kitchen"], "properties": {"price": 24.95}},
            {"item_id": "sku-902", "title": "Trail Bottle", "categories": ["Outdoor"], "properties": {"price": 17.95}},
        ]
    },
    "putUser": {"properties": {"country": "NL"}},
    "patchUser": {"properties": {"newsletter": True}},
    "putUsers": {"users": [{"user_id": "user-901", "properties": {"country": "DE"}}, {"user_id": "user-902"}]},
    "mergeSession": {"session_id": "c2Vzc2lvbg"},
    "createUserToken": {"expires_in_seconds": 3600},
    "createSessionToken": {"expires_in_seconds": 3600},
    "sendEvents": {
        "events": [
            {
                "user_id": "user-001",
                "item_id": "sku-042",
                "event_type": "view",
                "timestamp": "2026-01-31T12:00:00Z",
            },
            {"user_id": "user-002", "item_id": "sku-007", "event_type": "rating", "value": 4.5},
            {"session_id": "c2Vzc2lvbg", "item_id": "sku-042", "event_type": "cart"},
        ]
    },
    "sendSegmentMessages": {
        "batch": [
            {
                "type": "track",
                "event": "Order Completed",
                "userId": "user-001",
                "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
                "timestamp": "2026-01-31T12:00:00Z",
                "properties": {"order_id": "7", "products": [{"product_id": "sku-042", "price": 19.0, "quantity": 2}]},
            },
            {"type": "identify", "userId": "user-001", "traits": {"plan": "free"}},
        ]
    },
    "sendGa4Events": {
        "client_id": "123456.7654321",
        "timestamp_micros": 1769860800000000,
        "events": [{"name": "add_to_cart", "params": {"items": [{"item_id": "sku-042", "item_name": "Tent"}]}}],
    },
    "recommendForSession": {
        "events": [{"item_id": "sku-042", "event_type": "view"}, {"item_id": "sku-007", "event_type": "cart"}],
        "limit": 5,
    },
    "rankItems": {"user_id": "user-001", "item_ids": ["sku-007", "sku-042", "sku-101"], "explain": True},
    "putScenario": {
        "limit": 12,
        "filter": "item.price < 50.0",
        "diversity": {"property": "brand", "max_per_value": 3},
        "rows": [
            {"kind": "recommendations", "title": "For you"},
            {"kind": "similar_to_recent", "title": "Because you liked {item}"},
        ],
    },
    "createTicket": {"user_id": "user-001"},
    "trainModel": {"force": False},
    "putRollout": {
        "shares": {"v20261123T101500123456-a1b2": 90, "v20261124T101500123456-c3d4": 10},
        "interleaved": False,
    },
    "putEventType": {"learning": 2.0, "serving": 2.0, "lists": 0.5},
    "putSettings": {"recommend_unknown_items": False},
    "createJob": {"kind": "export"},
    "createKey": {
        "name": "shop frontend",
        "scopes": ["recommend"],
        "origins": ["https://shop.example"],
        "limits": {"requests_per_second": 20, "burst": 50},
    },
    "patchKey": {"name": "shop frontend, EU", "limits": {"requests_per_day": 1000000}},
    "rotateKey": {"overlap_seconds": 3600},
    "createProject": {
        "project_id": "shop-staging",
        "name": "Shop, staging",
        "limits": {"requests_per_second": 50, "burst": 100},
    },
    "patchProject": {"name": "Shop, staging (EU)"},
}
PARAMETERS = {
    "item_id": "sku-042",
    "user_id": "user-001",
    "session_id": "c2Vzc2lvbg",
    "scenario_id": "home",
    "event_type": "add_to_cart",
    "kind": "popular",
    "recommendation_id": "AQ8fad5bd9cb469fa16570867728950e.c2lnbmF0dXJl",
    "project_id": "shop-staging",
    "key_id": "a1b2c3d4e5f6",
    "import_id": "i0f8fad5bd9cb469f",
    "job_id": "j20261126T101500123456-a1b2",
    "version": "v20261123T101500123456-a1b2",
}
"""Examples of path parameters, by name."""
PROBLEM = {
    "type": "urn:serendip:problem:not-found",
    "title": "Not found",
    "status": 404,
    "detail": "There is no item sku-042.",
    "instance": "0f8fad5bd9cb469fa16570867728950e",
}
