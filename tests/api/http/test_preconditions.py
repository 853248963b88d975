"""ETags of items and users."""

import httpx2
import pytest

from app.config import Settings
from app.wiring import Wired
from tests.support.builders import a_project, client_of, wired_on

BOTH = pytest.mark.parametrize("url", ["/v1/items/tea", "/v1/users/ann"])


def put(client: httpx2.Client, url: str, size: int, **headers: str) -> httpx2.Response:
    return client.put(
        url, json={"properties": {"size": size}}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


@BOTH
class TestRead:
    def test_unchanged_records_are_answered_with_304_and_no_body(self, client: httpx2.Client, url: str) -> None:
        tag = put(client, url, 1).headers["etag"]

        response = client.get(url, headers={"If-None-Match": f'"other", W/{tag}'})

        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
        assert client.get(url).headers["etag"] == tag

    def test_changed_records_have_another_etag(self, client: httpx2.Client, url: str) -> None:
        tag = put(client, url, 1).headers["etag"]
        put(client, url, 2)

        response = client.get(url, headers={"If-None-Match": tag})

        assert (response.status_code, response.json()["properties"]) == (200, {"size": 2})
        assert response.headers["etag"] != tag


@BOTH
class TestWrite:
    def test_if_match_accepts_only_the_current_etag(self, client: httpx2.Client, url: str) -> None:
        old = put(client, url, 1).headers["etag"]
        new = put(client, url, 2, If_Match=old).headers["etag"]

        for refused in (
            put(client, url, 3, If_Match=old),
            client.patch(url, json={"properties": {"size": 3}}, headers={"If-Match": old}),
        ):
            assert (refused.status_code, refused.json()["title"]) == (412, "Precondition failed")
        assert client.get(url).json()["properties"] == {"size": 2}
        assert client.patch(url, json={"properties": {"size": 4}}, headers={"If-Match": new}).status_code == 200

    def test_if_none_match_any_only_creates(self, client: httpx2.Client, url: str) -> None:
        statuses = [put(client, url, size, If_None_Match="*").status_code for size in (1, 2)]

        assert statuses == [200, 412]
        assert client.get(url).json()["properties"] == {"size": 1}

    def test_if_match_any_only_replaces(self, client: httpx2.Client, url: str) -> None:
        assert put(client, url, 1, If_Match="*").status_code == 412
        put(client, url, 1)
        assert put(client, url, 2, If_Match="*").status_code == 200

    def test_headers_without_an_etag_are_refused(self, client: httpx2.Client, url: str) -> None:
        assert put(client, url, 1, If_Match="abc").status_code == 422
        assert put(client, url, 1, If_None_Match='"abc"').status_code == 422

    def test_a_strict_deployment_requires_preconditions(self, wired: Wired, settings: Settings, url: str) -> None:
        strict = wired_on(settings.model_copy(update={"require_if_match": True}))
        client = client_of(strict, a_project(wired, settings.project))

        assert put(client, url, 1).status_code == 428
        assert put(client, url, 1, If_None_Match="*").status_code == 200
        assert client.patch(url, json={}).json()["title"] == "Precondition required"
        strict.close()


class TestDelete:
    def test_an_item_changed_since_is_not_deleted(self, client: httpx2.Client) -> None:
        tag = put(client, "/v1/items/tea", 1).headers["etag"]
        put(client, "/v1/items/tea", 2)

        assert client.delete("/v1/items/tea", headers={"If-Match": tag}).status_code == 412
        assert client.get("/v1/items/tea").status_code == 200
