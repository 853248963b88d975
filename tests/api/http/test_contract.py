"""Security headers, deprecation and cursors: the contract of every response."""

import gzip
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.api.application import create_application
from app.api.http.deprecation import Deprecated
from app.config import Settings
from app.wiring import Wired
from tests.support.builders import a_project, client_of

SHOP, EVIL = "https://shop.example", "https://evil.example"
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
ENDING = {"listItems": Deprecated(SINCE, SINCE + timedelta(days=365), "/v2/items")}


class TestSecurityHeaders:
    @pytest.mark.parametrize(
        "url", ["/v1/items", "/v1/items/unknown", "/health/live", "/docs", "/nowhere", "/openapi.json"]
    )
    def test_every_response_has_security_headers(self, client: httpx2.Client, url: str) -> None:
        headers = client.get(url).headers

        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers or headers["server"] == "uvicorn"

    def test_responses_with_data_are_not_cached(self, client: httpx2.Client) -> None:
        client.put("/v1/items/tea", json={})

        for url in ("/v1/items", "/v1/users/ann/recommendations", "/v1/lists/popular?fields=item_id"):
            headers = client.get(url).headers
            assert headers["cache-control"] == "no-store"
            assert "etag" not in headers, "see decision 47"
        assert client.get("/v1/items/tea").headers["cache-control"] == "private, no-cache"

    def test_responses_over_tls_require_browsers_to_keep_using_it(self, wired: Wired, settings: Settings) -> None:
        application = create_application(wired.services)
        assert settings.project

        secure = TestClient(application, base_url="https://api.example").get("/health/live")
        plain = TestClient(application).get("/health/live")

        assert "max-age" in secure.headers["strict-transport-security"]
        assert "strict-transport-security" not in plain.headers


class TestDeprecation:
    @pytest.fixture
    def ending(self, wired: Wired, key: str) -> httpx2.Client:
        application = create_application(wired.services, deprecated=ENDING)
        return TestClient(application, headers={"X-API-Key": key})

    def test_headers_name_the_start_and_the_end_of_a_deprecation(self, ending: httpx2.Client) -> None:
        headers = ending.get("/v1/items").headers

        assert headers["deprecation"] == f"@{SINCE.timestamp():.0f}"
        assert parsedate_to_datetime(headers["sunset"]) == SINCE + timedelta(days=365)
        assert headers["link"] == '</v2/items>; rel="successor-version"'
        assert not {"deprecation", "sunset"} & set(ending.get("/v1/users").headers)

    def test_openapi_marks_deprecated_operations(self, ending: httpx2.Client) -> None:
        document = ending.get("/openapi.json").json()

        marked = {
            operation["operationId"]
            for path in document["paths"].values()
            for operation in path.values()
            if operation.get("deprecated")
        }
        assert marked == set(ENDING)

    def test_an_unknown_operation_cannot_be_deprecated(self, wired: Wired) -> None:
        application = create_application(wired.services, deprecated={"typo": ENDING["listItems"]})

        with pytest.raises(ValueError, match="typo"):
            application.openapi()

    def test_a_notice_of_less_than_a_year_is_refused(self) -> None:
        with pytest.raises(ValueError, match="a year"):
            Deprecated(SINCE, SINCE + timedelta(days=364), "/v2/items")


class TestHealth:
    def test_the_service_is_ready_when_all_tables_exist(self, client: httpx2.Client) -> None:
        assert client.get("/health/ready").json() == {"status": "ok"}


class TestCursor:
    def test_cursors_are_bound_to_their_project(self, client: httpx2.Client, wired: Wired, settings: Settings) -> None:
        client.post("/v1/items:batch", json={"items": [{"item_id": f"i{n}"} for n in range(5)]})
        cursor = client.get("/v1/items?limit=2").json()["next_cursor"]
        other = client_of(wired, a_project(wired, settings.project + "-other"))

        assert client.get("/v1/items", params={"cursor": cursor}).status_code == 200
        assert other.get("/v1/items", params={"cursor": cursor}).json()["title"] == "Invalid token"


class TestMethods:
    @pytest.mark.parametrize("url", ["/v1/items", "/health/live", "/console", "/guide", "/openapi.json"])
    def test_head_is_get_without_the_body(self, client: httpx2.Client, url: str) -> None:
        whole, head = client.get(url), client.head(url)

        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == whole.headers["content-length"]
        assert head.headers["content-type"] == whole.headers["content-type"]

    @pytest.mark.parametrize(
        ("method", "url", "allowed"),
        [
            ("PUT", "/v1/events", "DELETE, GET, HEAD, POST"),
            ("POST", "/v1/items/i1", "DELETE, GET, HEAD, PATCH, PUT"),
            ("GET", "/v1/items:batch", "POST"),
        ],
    )
    def test_another_method_gets_all_that_the_path_takes(
        self, client: httpx2.Client, method: str, url: str, allowed: str
    ) -> None:
        response = client.request(method, url)

        assert (response.status_code, response.headers["allow"]) == (405, allowed)


class TestCompressedBodies:
    def test_a_body_may_be_compressed(self, client: httpx2.Client) -> None:
        body = gzip.compress(b'{"events": [{"user_id": "ann", "item_id": "mug"}]}' + b" " * 100_000)
        headers = {"content-type": "application/json", "content-encoding": "gzip"}

        response = client.post("/v1/events", content=(body[n : n + 7] for n in range(0, len(body), 7)), headers=headers)

        assert (response.status_code, response.json()["accepted"]) == (202, 1)


class TestSizes:
    def test_a_response_beyond_5_mb_is_a_problem_that_says_what_to_do(self, client: httpx2.Client) -> None:
        for start in range(0, 20, 10):
            items = [{"item_id": f"i{n}", "properties": {"text": "x" * 350_000}} for n in range(start, start + 10)]
            assert client.post("/v1/items:batch", json={"items": items}).status_code == 200

        problem = client.get("/v1/lists/latest?properties=true&limit=100").json()
        assert (problem["status"], problem["title"]) == (422, "Response too large")
        assert "with `limit`" in problem["detail"]
        assert len(client.get("/v1/lists/latest?properties=true&limit=5").json()["items"]) == 5
        page = client.get("/v1/items?limit=100")  # shorter than asked for
        assert len(page.content) < 5_000_000
        assert page.json()["next_cursor"]
