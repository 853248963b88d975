"""Requests of web pages of other origins: preflights, and who may read what."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from app.api.sockets.handshake import Handshake
from app.config import Settings
from app.domain.access import Scope
from app.errors import Forbidden
from app.wiring import Wired
from tests.support.builders import a_key, a_project, client_of, wired_on

SHOP, OTHER, EVIL = "https://shop.example", "http://127.0.0.1:3000", "https://evil.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
}
URL = "/v1/lists/latest"


def readable(response: httpx2.Response) -> str | None:
    """The origin whose pages may read the response."""
    return response.headers.get("access-control-allow-origin")


def from_page(client: httpx2.Client, origin: str, url: str = URL, **headers: str) -> httpx2.Response:
    return client.get(url, headers={"Origin": origin, **headers})


class TestPreflight:
    def test_it_needs_neither_credentials_nor_the_database(self) -> None:
        nowhere = wired_on(Settings(secret="x" * 32, endpoint="http://127.0.0.1:9"))

        answer = client_of(nowhere).options("/v1/events", headers={"Origin": SHOP, **PREFLIGHT})

        assert (answer.status_code, readable(answer)) == (204, SHOP)
        requested = PREFLIGHT["Access-Control-Request-Headers"].split(", ")
        assert set(requested) <= set(answer.headers["access-control-allow-headers"].split(", "))
        assert answer.headers["access-control-allow-methods"] == "GET, POST, PUT, PATCH, DELETE"
        assert answer.headers["vary"] == "Origin"
        assert int(answer.headers["access-control-max-age"]) >= 600
        assert "access-control-allow-credentials" not in answer.headers

    @pytest.mark.parametrize("origin", ["null", "https://a.example, https://b.example", "javascript:alert(1)", ""])
    def test_what_is_no_origin_gets_no_answer(self, client: httpx2.Client, origin: str) -> None:
        answer = client.options("/v1/events", headers={"Origin": origin, **PREFLIGHT})

        assert (answer.status_code, readable(answer)) == (405, None)

    def test_other_paths_take_none(self, client: httpx2.Client) -> None:
        assert readable(client.options("/docs", headers={"Origin": SHOP, **PREFLIGHT})) is None


class TestKeys:
    @pytest.fixture
    def page(self, wired: Wired) -> httpx2.Client:
        return client_of(wired, a_key(wired, wired.services.settings.project, Scope.RECOMMEND, origins=(SHOP, OTHER)))

    @pytest.mark.parametrize("url", [URL, "/v1/items/nothing/similar", f"{URL}?limit=0", "/v1/nowhere"])
    def test_pages_of_its_origins_read_responses_and_problems(self, page: httpx2.Client, url: str) -> None:
        for origin in (SHOP, OTHER):
            answer = from_page(page, origin, url)
            assert readable(answer) == origin
            assert "Origin" in answer.headers["vary"]
            exposed = set(answer.headers["access-control-expose-headers"].split(", "))
            assert {"date", "etag", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id"} <= exposed

    def test_no_one_else_is_answered(self, page: httpx2.Client) -> None:
        refused = from_page(page, EVIL)

        assert (refused.status_code, readable(refused)) == (403, None)
        assert "Origin" in refused.headers["vary"]

    def test_tokens_follow_their_key(self, wired: Wired, client: httpx2.Client, page: httpx2.Client) -> None:
        key_id = page.headers["X-API-Key"][3:15]
        token = client.post("/v1/users/ann/tokens", json={"key_id": key_id}).json()["token"]
        browser = client_of(wired)
        browser.headers["Authorization"] = f"Bearer {token}"

        url = "/v1/users/ann/recommendations"
        assert readable(from_page(browser, SHOP, url)) == SHOP
        assert (from_page(browser, EVIL, url).status_code, readable(from_page(browser, EVIL, url))) == (403, None)

    def test_every_page_may_read_that_its_credentials_are_not_valid(self, wired: Wired) -> None:
        """So that it can get a new token when one has expired."""
        refused = from_page(client_of(wired), EVIL, Authorization="Bearer ut_expired.x")

        assert (refused.status_code, readable(refused)) == (401, EVIL)

    def test_a_limited_page_may_read_when_to_try_again(self, wired: Wired, client: httpx2.Client) -> None:
        limits = {"requests_per_second": 0.01, "burst": 1}
        made = client.post(
            "/v1/keys", json={"name": "page", "scopes": ["recommend"], "origins": [SHOP], "limits": limits}
        ).json()
        page = client_of(wired, made["key"])

        answers = [from_page(page, SHOP) for _ in range(2)]

        assert [(answer.status_code, readable(answer)) for answer in answers] == [(200, SHOP), (429, SHOP)]


class TestProjects:
    @pytest.fixture
    def open_to_shop(self, client: httpx2.Client) -> httpx2.Client:
        client.put("/v1/settings", json={"origins": [SHOP]}).raise_for_status()
        return client

    def test_pages_of_other_origins_read_nothing_by_default(self, client: httpx2.Client) -> None:
        answer = from_page(client, SHOP)

        assert answer.status_code == 200
        assert [name for name in answer.headers if name.startswith("access-control")] == []

    def test_keys_without_origins_have_those_of_the_project(self, wired: Wired, open_to_shop: httpx2.Client) -> None:
        narrow = client_of(wired, a_key(wired, wired.services.settings.project, Scope.RECOMMEND, origins=(OTHER,)))

        assert readable(from_page(open_to_shop, SHOP)) == SHOP
        assert (from_page(open_to_shop, EVIL).status_code, readable(from_page(open_to_shop, EVIL))) == (403, None)
        assert open_to_shop.get(URL).status_code == 200, "servers have no origin"
        assert (from_page(narrow, SHOP).status_code, readable(from_page(narrow, OTHER))) == (403, OTHER)

    @pytest.mark.parametrize(
        "headers", [{"Origin": "http://testserver"}, {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"}]
    )
    def test_pages_of_the_server_itself_need_no_entry(
        self, open_to_shop: httpx2.Client, headers: dict[str, str]
    ) -> None:
        assert open_to_shop.get(URL, headers=headers).status_code == 200

    def test_origins_are_stored_and_replaced(self, open_to_shop: httpx2.Client) -> None:
        assert open_to_shop.get("/v1/settings").json() == {"recommend_unknown_items": None, "origins": [SHOP]}
        assert open_to_shop.put("/v1/settings", json={}).json() == {"recommend_unknown_items": None, "origins": []}
        refused = open_to_shop.put("/v1/settings", json={"origins": ["https://shop.example/"]})
        rule = "must be a web origin, such as https://shop.example: no path, no slash"
        assert refused.json()["errors"] == [{"pointer": "/origins/0", "detail": rule}]


class TestDeployment:
    @pytest.fixture
    def shop(self, settings: Settings, wired: Wired) -> Iterator[httpx2.Client]:
        open_to_shop = wired_on(settings.model_copy(update={"cors_origins": (SHOP,)}))
        yield client_of(open_to_shop, a_project(wired, settings.project))
        open_to_shop.close()

    @pytest.mark.parametrize("url", ["/v1/items", "/v1/items/unknown", "/nowhere", "/openapi.json"])
    def test_configured_origins_may_read_everything(self, shop: httpx2.Client, url: str) -> None:
        assert readable(from_page(shop, SHOP, url)) == SHOP
        assert readable(from_page(shop, EVIL, url)) is None

    @pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "javascript:alert(1)"])
    def test_the_setting_refuses_invalid_origins(self, origin: str) -> None:
        with pytest.raises(ValueError, match="cors_origins"):
            Settings.from_environment({"SERENDIP_SECRET": "x" * 32, "SERENDIP_CORS_ORIGINS": f'["{origin}"]'})


class TestSockets:
    @pytest.mark.parametrize(
        ("of_key", "of_project", "origin", "status"),
        [
            ((SHOP,), (), SHOP, 200),
            ((SHOP,), (), EVIL, 403),
            ((), (SHOP,), SHOP, 200),
            ((), (SHOP,), EVIL, 403),
            ((), (SHOP,), "https://api.example", 200),
            ((), (), EVIL, 200),
        ],
    )
    def test_a_ticket_opens_sockets_for_pages_of_its_key(
        self,
        wired: Wired,
        client: httpx2.Client,
        of_key: tuple[str, ...],
        of_project: tuple[str, ...],
        origin: str,
        status: int,
    ) -> None:
        client.put("/v1/settings", json={"origins": of_project}).raise_for_status()
        key = a_key(wired, wired.services.settings.project, Scope.RECOMMEND, origins=of_key)
        headers: dict[str, Any] = {"Origin": SHOP} if of_key else {}
        ticket = client_of(wired, key).post("/v1/tickets", json={}, headers=headers).json()["ticket"]
        page = {"origin": origin, "host": "api.example"}
        for handshake in (Handshake({**page, "x-api-key": key}), Handshake(page, ticket)):
            if status == 200:
                assert handshake.principal(wired.services).project == wired.services.settings.project
            else:
                with pytest.raises(Forbidden):
                    handshake.principal(wired.services)
