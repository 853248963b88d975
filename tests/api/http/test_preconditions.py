"""ETags of items and users."""

import httpx2
import pytest

from app.config import Settings
from app.wiring import Wired
from tests.support.builders import a_project, client_of, wired_on

BOTH = pytest.mark.parametrize("url", ["/v1/items/tea", "/v1/users/ann"])


def changed(client: httpx2.Client, url: str, size: int, **headers: str) -> httpx2.Response:
    return client.put(
        url, json={"properties": {"size": size}}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


@BOTH
class TestRead:
    def test_an_unchanged_one_is_304_without_a_body(self, client: httpx2.Client, url: str) -> None:
        tag = changed(client, url, 1).headers["etag"]

        answer = client.get(url, headers={"If-None-Match": f'"other", W/{tag}'})

        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert client.get(url).headers["etag"] == tag

    def test_a_changed_one_has_another_tag(self, client: httpx2.Client, url: str) -> None:
        tag = changed(client, url, 1).headers["etag"]
        changed(client, url, 2)

        answer = client.get(url, headers={"If-None-Match": tag})

        assert (answer.status_code, answer.json()["properties"]) == (200, {"size": 2})
        assert answer.headers["etag"] != tag


@BOTH
class TestWrite:
    def test_if_match_lets_pass_only_who_saw_the_present_state(self, client: httpx2.Client, url: str) -> None:
        old = changed(client, url, 1).headers["etag"]
        new = changed(client, url, 2, If_Match=old).headers["etag"]

        for refused in (
            changed(client, url, 3, If_Match=old),
            client.patch(url, json={"properties": {"size": 3}}, headers={"If-Match": old}),
        ):
            assert (refused.status_code, refused.json()["title"]) == (412, "Precondition failed")
        assert client.get(url).json()["properties"] == {"size": 2}
        assert client.patch(url, json={"properties": {"size": 4}}, headers={"If-Match": new}).status_code == 200

    def test_if_none_match_creates_only(self, client: httpx2.Client, url: str) -> None:
        statuses = [changed(client, url, size, If_None_Match="*").status_code for size in (1, 2)]

        assert statuses == [200, 412]
        assert client.get(url).json()["properties"] == {"size": 1}

    def test_if_match_any_replaces_only(self, client: httpx2.Client, url: str) -> None:
        assert changed(client, url, 1, If_Match="*").status_code == 412
        changed(client, url, 1)
        assert changed(client, url, 2, If_Match="*").status_code == 200

    def test_a_header_that_is_no_tag_is_named(self, client: httpx2.Client, url: str) -> None:
        assert changed(client, url, 1, If_Match="abc").status_code == 422
        assert changed(client, url, 1, If_None_Match='"abc"').status_code == 422

    def test_a_strict_deployment_wants_them(self, wired: Wired, settings: Settings, url: str) -> None:
        strict = wired_on(settings.model_copy(update={"require_if_match": True}))
        client = client_of(strict, a_project(wired, settings.project))

        assert changed(client, url, 1).status_code == 428
        assert changed(client, url, 1, If_None_Match="*").status_code == 200
        assert client.patch(url, json={}).json()["title"] == "Precondition required"
        strict.close()


class TestDelete:
    def test_an_item_that_was_changed_stays(self, client: httpx2.Client) -> None:
        tag = changed(client, "/v1/items/tea", 1).headers["etag"]
        changed(client, "/v1/items/tea", 2)

        assert client.delete("/v1/items/tea", headers={"If-Match": tag}).status_code == 412
        assert client.get("/v1/items/tea").status_code == 200
