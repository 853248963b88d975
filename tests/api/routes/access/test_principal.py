"""A client can ask what its credentials may do, and where live sockets are."""

import httpx2
import pytest
from starlette.datastructures import URL

from app.api.routes.access.tickets import _socket_url
from app.config import Settings
from app.domain.access import ADMINISTRATION, Scope
from app.wiring import Wired
from tests.support.builders import a_key, client_of


class TestPrincipal:
    def test_a_key_has_its_scopes_with_those_they_include(self, wired: Wired, settings: Settings) -> None:
        key = a_key(wired, settings.project, Scope.WRITE)

        principal = client_of(wired, key).get("/v1/principal").json()

        assert principal == {
            "project": settings.project,
            "scopes": ["recommend", "write"],
            "administration": False,
            "user_id": None,
            "needs_user_token": False,
            "limits": {"requests_per_second": None, "burst": None, "requests_per_day": None},
            "expires_at": None,
        }

    def test_a_user_token_names_its_user_and_when_it_expires(self, client: httpx2.Client, wired: Wired) -> None:
        token = client.post("/v1/users/ann/tokens", json={}).json()

        bearer = {"Authorization": f"Bearer {token['token']}"}
        principal = client_of(wired).get("/v1/principal", headers=bearer).json()

        assert (principal["user_id"], principal["scopes"]) == ("ann", ["recommend"])
        assert principal["expires_at"] == token["expires_at"]

    def test_the_administration_is_named(self, wired: Wired) -> None:
        key = a_key(wired, ADMINISTRATION, Scope.ADMIN)

        principal = client_of(wired, key).get("/v1/principal").json()

        assert principal["administration"]


class TestSocketUrl:
    @pytest.mark.parametrize(
        ("endpoint", "base", "url"),
        [
            (None, "http://127.0.0.1:8000/", "ws://127.0.0.1:8000/v1/socket"),
            (None, "https://shop.example/api/", "wss://shop.example/api/v1/socket"),
            (
                "https://a1.execute-api.eu-west-1.amazonaws.com/live",
                "https://shop.example/",
                "wss://a1.execute-api.eu-west-1.amazonaws.com/live",
            ),
        ],
    )
    def test_it_is_the_stages_or_this_servers(self, endpoint: str | None, base: str, url: str) -> None:
        assert _socket_url(endpoint, URL(base)) == url
