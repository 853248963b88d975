"""A client can ask what its credentials may do, and where live sockets are."""

import httpx2

from app.config import Settings
from app.domain.access import ADMINISTRATION, Scope
from app.wiring import Wired
from tests.support.builders import a_key, client_of, idle_on


class TestPrincipal:
    def test_a_key_has_its_scopes_with_those_they_include(self, wired: Wired, settings: Settings) -> None:
        key = a_key(wired, settings.project, Scope.WRITE)

        principal = client_of(wired, key).get("/v1/principal").json()

        assert principal == {
            "project": settings.project,
            "scopes": ["recommend", "rules", "write"],
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
    def test_it_is_the_stages_address(self, settings: Settings, wired: Wired) -> None:
        key = a_key(wired, settings.project, Scope.RECOMMEND)
        gateway = {"socket_endpoint": "https://a1.execute-api.example/live"}
        stages = [idle_on(settings.model_copy(update=gateway | own)) for own in ({}, {"socket_domain": "live.example"})]

        tickets = [client_of(each, key).post("/v1/tickets", json={}).json() for each in (wired, *stages)]
        for stage in stages:
            stage.close()

        addresses = [ticket["socket_url"] for ticket in tickets]
        assert addresses == [None, "wss://a1.execute-api.example/live", "wss://live.example"]
