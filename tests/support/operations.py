"""A request for every operation of the API, for tests that try them all."""

from dataclasses import dataclass
from typing import Any

from app.domain.users import User
from app.wiring import Wired
from tests.support.builders import an_item, client_of, two_tastes


@dataclass(frozen=True)
class Call:
    """A request that uses an operation."""

    method: str
    url: str
    body: Any = None
    elsewhere: int = 200
    """The status for a valid key of another project, which sees its own, empty project."""
    personal: bool = False
    """Whether the response belongs to one user, so that tokens of other users are refused."""


CALLS: dict[str, Call] = {
    "putItem": Call("PUT", "/v1/items/i1", {}),
    "getItem": Call("GET", "/v1/items/i4", elsewhere=404),
    "patchItem": Call("PATCH", "/v1/items/i4", {}, elsewhere=404),
    "deleteItem": Call("DELETE", "/v1/items/i2", elsewhere=404),
    "listItems": Call("GET", "/v1/items"),
    "searchItems": Call("GET", "/v1/items:search?text=i"),
    "putItems": Call("POST", "/v1/items:batch", {"items": [{"item_id": "i3"}]}),
    "similarItems": Call("GET", "/v1/items/i4/similar", elsewhere=404),
    "boughtTogether": Call("GET", "/v1/items/i4/bought-together", elsewhere=404),
    "putUser": Call("PUT", "/v1/users/u1", {}),
    "getUser": Call("GET", "/v1/users/u3", elsewhere=404),
    "patchUser": Call("PATCH", "/v1/users/u3", {}, elsewhere=404),
    "listUsers": Call("GET", "/v1/users"),
    "putUsers": Call("POST", "/v1/users:batch", {"users": [{"user_id": "u1"}]}),
    "listUserEvents": Call("GET", "/v1/users/u1/events"),
    "createUserToken": Call("POST", "/v1/users/u1/tokens", {}, elsewhere=201),
    "exportUser": Call("GET", "/v1/users/u1/export"),
    "exportProject": Call("GET", "/v1/export"),
    "eraseUser": Call("DELETE", "/v1/users/u9"),
    "getErasure": Call("GET", "/v1/users/erased/erasure", elsewhere=404),
    "readmitUser": Call("POST", "/v1/users/erased:readmit", elsewhere=404),
    "sendEvents": Call("POST", "/v1/events", {"events": [{"user_id": "u1", "item_id": "i1"}]}, elsewhere=202),
    "sendSegmentMessages": Call(
        "POST",
        "/v1/events:segment",
        [{"type": "page", "userId": "u1", "properties": {"product_id": "i1"}}],
        elsewhere=202,
    ),
    "sendGa4Events": Call(
        "POST",
        "/v1/events:ga4",
        {"client_id": "1.2", "events": [{"name": "view_item", "params": {"items": [{"item_id": "i1"}]}}]},
        elsewhere=202,
    ),
    "listEvents": Call("GET", "/v1/events"),
    "listEventFailures": Call("GET", "/v1/event-failures"),
    "listEventRefusals": Call("GET", "/v1/event-refusals"),
    "deleteEvents": Call("DELETE", "/v1/events?item_id=i9", elsewhere=202),
    "undoImport": Call("DELETE", "/v1/imports/i0", elsewhere=202),
    "listEventTypes": Call("GET", "/v1/event-types"),
    "getEventType": Call("GET", "/v1/event-types/view"),
    "putEventType": Call("PUT", "/v1/event-types/wish", {"lists": 2}),
    "deleteEventType": Call("DELETE", "/v1/event-types/gone", elsewhere=404),
    "getSettings": Call("GET", "/v1/settings"),
    "putSettings": Call("PUT", "/v1/settings", {"recommend_unknown_items": True}),
    "recommendForUser": Call("GET", "/v1/users/u1/recommendations", personal=True),
    "getPage": Call("GET", "/v1/users/u1/pages/home", elsewhere=404, personal=True),
    "getSessionPage": Call("GET", "/v1/sessions/s1/pages/home", elsewhere=404),
    "replayRecommendations": Call("GET", "/v1/recommendations/{kept}", elsewhere=400),
    "putScenario": Call("PUT", "/v1/scenarios/home2", {}),
    "getScenario": Call("GET", "/v1/scenarios/home", elsewhere=404),
    "listScenarios": Call("GET", "/v1/scenarios"),
    "deleteScenario": Call("DELETE", "/v1/scenarios/gone", elsewhere=404),
    "recommendForStoredSession": Call("GET", "/v1/sessions/s1/recommendations"),
    "createSessionToken": Call("POST", "/v1/sessions/s1/tokens", {}, elsewhere=201),
    "eraseSession": Call("DELETE", "/v1/sessions/s9"),
    "mergeSession": Call("POST", "/v1/users/u1:merge", {"session_id": "s1"}),
    "getPrincipal": Call("GET", "/v1/principal"),
    "createTicket": Call("POST", "/v1/tickets", {"user_id": "u1"}, elsewhere=201, personal=True),
    "recommendForSession": Call("POST", "/v1/recommendations", {"events": []}),
    "rankItems": Call("POST", "/v1/rankings", {"user_id": "u1", "item_ids": ["i1"]}, personal=True),
    "getList": Call("GET", "/v1/lists/popular"),
    "trainModel": Call("POST", "/v1/models", {}, elsewhere=202),
    "listModels": Call("GET", "/v1/models"),
    "getModel": Call("GET", "/v1/models/{version}", elsewhere=404),
    "activateModel": Call("POST", "/v1/models/{version}:activate", elsewhere=404),
    "getRollout": Call("GET", "/v1/rollout", elsewhere=404),
    "putRollout": Call("PUT", "/v1/rollout", {"shares": {"{version}": 100}}, elsewhere=404),
    "getOutcomes": Call("GET", "/v1/outcomes"),
    "compareOutcomes": Call("GET", "/v1/outcomes/comparison?by=version&name=v2&against=v1"),
    "cancelModel": Call("POST", "/v1/models/{version}:cancel", elsewhere=404),
    "createJob": Call("POST", "/v1/jobs", {"kind": "export"}, elsewhere=202),
    "listJobs": Call("GET", "/v1/jobs"),
    "getJob": Call("GET", "/v1/jobs/{job}", elsewhere=404),
    "startJob": Call("POST", "/v1/jobs/{job}:start", elsewhere=404),
    "cancelJob": Call("POST", "/v1/jobs/{job}:cancel", elsewhere=404),
    "listJobFiles": Call("GET", "/v1/jobs/{job}/files", elsewhere=404),
    "createKey": Call("POST", "/v1/keys", {"name": "k", "scopes": ["recommend"]}, elsewhere=201),
    "listKeys": Call("GET", "/v1/keys"),
    "getKey": Call("GET", "/v1/keys/{key_id}", elsewhere=404),
    "patchKey": Call("PATCH", "/v1/keys/{key_id}", {}, elsewhere=404),
    "rotateKey": Call("POST", "/v1/keys/{key_id}:rotate", {}, elsewhere=404),
    "revokeKey": Call("DELETE", "/v1/keys/{key_id}", elsewhere=404),
    "getUsage": Call("GET", "/v1/usage"),
    "createProject": Call("POST", "/v1/projects", {"project_id": "{project}-new"}, elsewhere=403),
    "listProjects": Call("GET", "/v1/projects", elsewhere=403),
    "getProject": Call("GET", "/v1/projects/{project}", elsewhere=403),
    "patchProject": Call("PATCH", "/v1/projects/{project}", {}, elsewhere=403),
    "deleteProject": Call("DELETE", "/v1/projects/{project}", elsewhere=403),
}
"""A valid request for every operation that needs credentials, by operation id."""


def furnish(wired: Wired, project: str, key: str) -> dict[str, str]:
    """Stores what the requests of CALLS need; returns the values of the names in them.

    `{key_id}` is the id of the key, and `{kept}` the id of a stored response.
    """
    services, client = wired.services, client_of(wired, key)
    services.items.put_many(project, [an_item(f"i{n}") for n in range(12)])
    services.users.put_many(project, [User(f"u{n}") for n in range(4)])
    services.events.accept(project, two_tastes())
    version = services.train.run(project, services.train.queue(project)).version
    services.erasure.erase_user(project, "erased")
    for name in ("home", "gone"):
        client.put(f"/v1/scenarios/{name}", json={"log_sample_rate": 1, "rows": [{"kind": "latest", "title": "New"}]})
    client.put("/v1/event-types/gone", json={"lists": 2}).raise_for_status()
    kept = client.get("/v1/users/u1/recommendations?scenario=home").json()["recommendation_id"]
    job = client.post("/v1/jobs", json={"kind": "import", "records": "items"}).json()["job_id"]
    values = {"version": version, "key_id": key[3:15], "project": project, "kept": kept, "job": job}
    return {f"{{{name}}}": value for name, value in values.items()}
