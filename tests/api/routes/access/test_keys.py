"""API keys are shown once, stored as a hash and revoked on every instance."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app import clock
from app.config import Settings
from app.domain.access import Scope
from app.storage.access import AccessRow
from app.wiring import Wired
from tests.support.builders import a_key, client_of, until, wired_on


def make(client: httpx2.Client, **more: Any) -> dict[str, Any]:
    response = client.post("/v1/keys", json={"name": "shop", "scopes": ["write"], **more})
    assert response.status_code == 201, response.json()
    key: dict[str, Any] = response.json()
    return key


class TestCreate:
    def test_a_new_key_works_is_shown_once_and_stored_as_a_hash(self, client: httpx2.Client, wired: Wired) -> None:
        made = make(client)

        assert client_of(wired, made["key"]).put("/v1/items/tea", json={}).status_code == 200
        assert "key" not in client.get(f"/v1/keys/{made['key_id']}").json()
        assert made["key"] not in client.get("/v1/keys").text
        row = wired.database.call(
            "GetItem", {"TableName": AccessRow.Meta.table_name, "Key": {"key": {"S": f"key#{made['key_id']}"}}}
        )
        assert made["key"][15:] not in json.dumps(row["Item"])

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"scopes": ["root"]}, "/scopes/0"),
            ({"scopes": []}, "/scopes"),
            ({"name": ""}, "/name"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
            ({"origins": ["shop.example"]}, "/origins/0"),
            ({"limits": {"requests_per_second": 0}}, "/limits/requests_per_second"),
            ({"key_id": "abc"}, "/key_id"),
            ({"created_at": "2020-01-01T00:00:00Z"}, "/created_at"),
        ],
    )
    def test_invalid_and_read_only_fields_are_named(
        self, client: httpx2.Client, body: dict[str, Any], pointer: str
    ) -> None:
        answer = client.post("/v1/keys", json={"name": "shop", "scopes": ["write"], **body})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
        assert len(client.get("/v1/keys").json()["keys"]) == 1

    def test_a_project_has_at_most_a_hundred_keys(
        self, client: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        for _ in range(99):
            a_key(wired, settings.project, Scope.RECOMMEND)

        assert client.post("/v1/keys", json={"name": "k", "scopes": ["write"]}).status_code == 409


class TestPatch:
    def test_a_patch_changes_only_the_fields_that_it_names(self, client: httpx2.Client) -> None:
        made = make(client, limits={"requests_per_day": 1000})

        changed = client.patch(f"/v1/keys/{made['key_id']}", json={"limits": {"requests_per_second": 0.01, "burst": 1}})

        del made["key"]
        limits = {"requests_per_second": 0.01, "burst": 1, "requests_per_day": None}
        assert made["use"] == {"requests_today": 0, "left_at_once": None, "most_at_once": None}
        use = {"requests_today": 0, "left_at_once": 1, "most_at_once": 1}
        assert changed.json() == made | {"limits": limits, "use": use}
        assert client.get(f"/v1/keys/{made['key_id']}").json() == changed.json()

    def test_new_limits_apply_at_once_on_the_same_instance(self, client: httpx2.Client, wired: Wired) -> None:
        made = make(client)
        mine = client_of(wired, made["key"])
        assert mine.get("/v1/items").status_code == 200
        client.patch(f"/v1/keys/{made['key_id']}", json={"limits": {"requests_per_second": 0.01, "burst": 1}})

        assert [mine.get("/v1/items").status_code for _ in range(2)] == [200, 429]

    @pytest.mark.parametrize("body", [{"scopes": ["admin"]}, {"key": "sk_"}, {"name": None}, {"limits": None}])
    def test_other_fields_cannot_be_changed(self, client: httpx2.Client, body: dict[str, Any]) -> None:
        assert client.patch(f"/v1/keys/{make(client)['key_id']}", json=body).status_code == 422

    def test_a_revoked_key_cannot_be_changed(self, client: httpx2.Client) -> None:
        made = make(client)
        client.delete(f"/v1/keys/{made['key_id']}")

        assert client.patch(f"/v1/keys/{made['key_id']}", json={}).status_code == 409


class TestRevoke:
    def test_a_revoked_key_is_refused_at_once_on_the_same_instance(self, client: httpx2.Client, wired: Wired) -> None:
        made = make(client)
        mine = client_of(wired, made["key"])
        assert mine.get("/v1/items").status_code == 200

        assert client.delete(f"/v1/keys/{made['key_id']}").status_code == 204

        assert mine.get("/v1/items").status_code == 401
        assert client.get(f"/v1/keys/{made['key_id']}").json()["revoked_at"]

    def test_a_revoked_key_is_refused_by_other_instances_within_the_time_to_live(
        self, client: httpx2.Client, settings: Settings
    ) -> None:
        made = make(client)
        assert Settings.model_fields["key_ttl_seconds"].default <= 60
        elsewhere = wired_on(settings.model_copy(update={"key_ttl_seconds": 0.3}))
        other = client_of(elsewhere, made["key"])
        assert other.get("/v1/items").status_code == 200
        client.delete(f"/v1/keys/{made['key_id']}")

        until(lambda: other.get("/v1/items").status_code != 200, 20)

        elsewhere.close()


class TestRotate:
    def test_both_keys_work_during_the_overlap_and_then_only_the_new_one(
        self, client: httpx2.Client, wired: Wired
    ) -> None:
        old = make(client, origins=["https://shop.example"], limits={"requests_per_day": 1000})

        new = client.post(f"/v1/keys/{old['key_id']}:rotate", json={"overlap_seconds": 3600}).json()
        last = client.post(f"/v1/keys/{new['key_id']}:rotate", json={"overlap_seconds": 0}).json()

        inherited = ("name", "scopes", "origins", "limits", "needs_user_token")
        assert [new[name] for name in inherited] == [old[name] for name in inherited]
        web = {"Origin": "https://shop.example"}
        statuses = [client_of(wired, key["key"]).get("/v1/items", headers=web).status_code for key in (old, new, last)]
        assert statuses == [200, 401, 200]
        assert client.post(f"/v1/keys/{new['key_id']}:rotate", json={}).status_code == 409

    def test_an_interrupted_rotation_can_be_repeated(self, wired: Wired, settings: Settings) -> None:
        keys, none = wired.services.keys, timedelta(0)
        old, _ = keys.create(settings.project, "shop", frozenset({Scope.WRITE}))
        at = datetime.now(UTC)

        with clock.frozen(at, b"seed"):
            first = keys.rotate(settings.project, old.key_id, none)
        with clock.frozen(at, b"seed"):
            again = keys.rotate(settings.project, old.key_id, none)

        assert again == first


class TestLastUsed:
    def test_the_last_use_of_a_key_is_a_day(self, client: httpx2.Client, wired: Wired) -> None:
        made, at = make(client), datetime.now(UTC)

        with clock.frozen(at, b"seed"):
            client_of(wired, made["key"]).get("/v1/items")
            wired.services.usage.write()

        assert client.get(f"/v1/keys/{made['key_id']}").json()["last_used"] == at.date().isoformat()


class TestBrowser:
    def test_a_key_with_origins_works_only_from_them(self, client: httpx2.Client, wired: Wired) -> None:
        mine = client_of(wired, make(client, scopes=["recommend"], origins=["https://shop.example"])["key"])

        statuses = [
            mine.get("/v1/lists/latest", headers=headers).status_code
            for headers in ({"Origin": "https://shop.example"}, {"Origin": "https://evil.example"}, {})
        ]

        assert statuses == [200, 403, 403]

    def test_a_public_key_needs_a_user_token_and_reads_only_the_list_of_that_user(
        self, client: httpx2.Client, wired: Wired
    ) -> None:
        public = make(client, scopes=["recommend"], needs_user_token=True)
        token = client.post("/v1/users/ann/tokens", json={"key_id": public["key_id"]}).json()["token"]
        mine = client_of(wired, public["key"])
        bearer = {"Authorization": f"Bearer {token}"}

        assert mine.get("/v1/users/ann/recommendations").status_code == 403
        assert mine.get("/v1/users/ann/recommendations", headers=bearer).status_code == 200
        assert mine.get("/v1/users/bob/recommendations", headers=bearer).status_code == 403
        assert client_of(wired).get("/v1/users/ann/recommendations", headers=bearer).status_code == 200
        client.delete(f"/v1/keys/{public['key_id']}")
        assert client_of(wired).get("/v1/users/ann/recommendations", headers=bearer).status_code == 401

    def test_a_public_key_alone_accesses_nothing(self, client: httpx2.Client, wired: Wired) -> None:
        public = client_of(wired, make(client, scopes=["recommend", "events:own"], needs_user_token=True)["key"])

        for url in ("/v1/lists/latest", "/v1/items/i1/similar", "/v1/sessions/s1/recommendations"):
            assert public.get(url).status_code == 403, url
        assert public.post("/v1/recommendations", json={"events": []}).status_code == 403
        assert public.post("/v1/events", json={"events": []}).status_code == 403

    def test_only_keys_for_pages_may_need_a_user_token(self, client: httpx2.Client) -> None:
        response = client.post("/v1/keys", json={"name": "k", "scopes": ["write"], "needs_user_token": True})

        assert response.status_code == 422
        assert "without scopes beyond recommend" in response.text

    def test_ended_keys_do_not_count_and_the_oldest_are_deleted(
        self, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.services.access.keys.MAX_KEYS", 3)
        monkeypatch.setattr("app.services.access.keys.MAX_ENDED", 2)
        made = []
        for _ in range(4):  # beside the key of the client
            made.append(make(client)["key_id"])
            client.delete(f"/v1/keys/{made[-1]}")
        more = [make(client)["key_id"] for _ in range(2)]

        assert client.post("/v1/keys", json={"name": "k", "scopes": ["write"]}).status_code == 409
        listed = {key["key_id"] for key in client.get("/v1/keys").json()["keys"]}
        assert listed >= {*made[2:], *more}
        assert listed.isdisjoint(made[:2])

    def test_a_user_token_expires(self, client: httpx2.Client, wired: Wired) -> None:
        made = client.post("/v1/users/ann/tokens", json={"expires_in_seconds": 1}).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}

        while datetime.now(UTC) < datetime.fromisoformat(made["expires_at"]):
            pass

        assert client_of(wired).get("/v1/users/ann/recommendations", headers=bearer).status_code == 401

    def test_a_token_for_an_unknown_key_is_refused(self, client: httpx2.Client) -> None:
        assert client.post("/v1/users/ann/tokens", json={"key_id": "0" * 12}).status_code == 404
