"""JWTs: project, scopes and user of their claims, and outages of their issuer."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from app.clock import SYSTEM_CLOCK
from app.config import Issuer, Settings
from app.domain.access import Principal, Scope
from app.entry import oidc_client
from app.errors import IssuerUnavailable, Unauthenticated, Unavailable
from app.services.access.issuer_keys import IssuerKeys
from app.services.access.oidc import JwtVerifier
from tests.support.builders import SECRET
from tests.support.oidc_issuer import URL, OidcIssuer
from tests.support.programs import last_line, python


class Deployment:
    """A deployment that accepts the tokens of one issuer."""

    def __init__(self, issuer: OidcIssuer, *, ttl: float = 600.0, pause: float = 0.0, **settings: object) -> None:
        configured = (issuer.settings(**settings),)
        self._verifier = JwtVerifier(
            Settings(secret=SECRET, issuers=configured, issuer_ttl_seconds=ttl, issuer_pause_seconds=pause),
            issuer.fetch,
            SYSTEM_CLOCK,
        )

    def principal(self, token: str) -> Principal:
        return self._verifier.principal(token, datetime.now(UTC))


@pytest.fixture
def issuer() -> OidcIssuer:
    return OidcIssuer()


class TestClaims:
    @pytest.mark.parametrize(
        ("scope", "scopes"),
        [
            ("openid recommend", {Scope.RECOMMEND}),
            ("serendip:write email", {Scope.RECOMMEND, Scope.RULES, Scope.WRITE}),
            (["serendip:admin"], set(Scope) - {Scope.OWN_EVENTS}),
            ("administrator", set()),
            (7, set()),
        ],
    )
    def test_a_principal_has_the_scopes_of_the_claim(
        self, issuer: OidcIssuer, scope: object, scopes: set[Scope]
    ) -> None:
        assert Deployment(issuer, project="shop").principal(issuer.token(scope=scope)).scopes == scopes

    def test_the_project_is_configured_or_read_from_a_claim(self, issuer: OidcIssuer) -> None:
        token = issuer.token(project="theirs", tenant="tenant-7")

        assert Deployment(issuer, project="shop").principal(token).project == "shop"
        assert Deployment(issuer).principal(token).project == "theirs"
        assert Deployment(issuer, project_claim="tenant").principal(token).project == "tenant-7"

    @pytest.mark.parametrize("project", [None, "", "a#b", ["a"], "x" * 129])
    def test_a_token_without_a_valid_project_is_refused(self, issuer: OidcIssuer, project: object) -> None:
        with pytest.raises(Unauthenticated, match="project"):
            Deployment(issuer).principal(issuer.token(project=project))

    def test_a_token_with_a_user_claim_may_only_recommend_for_that_user(self, issuer: OidcIssuer) -> None:
        principal = Deployment(issuer, project="shop", user_claim="sub").principal(
            issuer.token(sub="ann", scope="admin")
        )

        assert (principal.user_id, principal.scopes) == ("ann", frozenset({Scope.RECOMMEND}))

    def test_the_credential_does_not_contain_the_subject(self, issuer: OidcIssuer) -> None:
        principal = Deployment(issuer, project="shop").principal(issuer.token(sub="ann@example.com"))

        assert "ann" not in principal.credential


class TestKeys:
    def test_signing_keys_are_fetched_once(self, issuer: OidcIssuer) -> None:
        deployment = Deployment(issuer, project="shop")
        for _ in range(5):
            deployment.principal(issuer.token())

        assert issuer.fetched == [f"{URL}/.well-known/openid-configuration", f"{URL}/keys"]

    def test_an_unknown_key_id_fetches_the_keys_again(self, issuer: OidcIssuer) -> None:
        deployment = Deployment(issuer, project="shop", jwks_uri=f"{URL}/keys")
        deployment.principal(issuer.token())
        issuer.rotate()

        assert deployment.principal(issuer.token("k2")).project == "shop"
        assert len(issuer.fetched) == 2

    def test_unknown_key_ids_fetch_nothing_until_the_pause_is_over(self, issuer: OidcIssuer) -> None:
        deployment = Deployment(issuer, project="shop", pause=60.0, jwks_uri=f"{URL}/keys")
        deployment.principal(issuer.token())
        for number in range(20):
            with pytest.raises(Unauthenticated):
                deployment.principal(issuer.token(headers={"kid": f"made-up-{number}"}))

        assert len(issuer.fetched) == 1

    def test_cached_keys_are_used_during_an_outage(self, issuer: OidcIssuer) -> None:
        deployment = Deployment(issuer, project="shop", ttl=0.0)
        deployment.principal(issuer.token())
        issuer.down = True

        assert deployment.principal(issuer.token()).project == "shop"

    def test_an_outage_before_the_first_fetch_is_unavailable(self, issuer: OidcIssuer) -> None:
        issuer.down = True
        with pytest.raises(Unavailable):
            Deployment(issuer, project="shop").principal(issuer.token())

    def test_an_outage_before_the_first_fetch_is_tried_once_a_pause(self, issuer: OidcIssuer) -> None:
        issuer.down = True
        deployment = Deployment(issuer, project="shop", pause=60.0, jwks_uri=f"{URL}/keys")
        for _ in range(20):
            with pytest.raises(IssuerUnavailable):
                deployment.principal(issuer.token())

        assert issuer.fetched == [f"{URL}/keys"]

    @pytest.mark.parametrize("kid", [7, ["k1"], "k" * 257])
    def test_an_impossible_key_id_is_refused_without_a_fetch(self, issuer: OidcIssuer, kid: Any) -> None:
        keys = IssuerKeys(issuer.settings(), Settings(secret=SECRET), issuer.fetch, SYSTEM_CLOCK)

        with pytest.raises(Unauthenticated):
            keys.get(kid)
        assert issuer.fetched == []

    def test_an_issuer_that_hangs_delays_only_tokens_with_other_keys(
        self, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.services.access.issuer_keys.WAIT_SECONDS", 0.05)
        deployment = Deployment(issuer, project="shop", ttl=0.0, jwks_uri=f"{URL}/keys")
        deployment.principal(issuer.token())
        issuer.hangs.clear()

        assert deployment.principal(issuer.token()).project == "shop"
        for _ in range(20):
            with pytest.raises(IssuerUnavailable):
                deployment.principal(issuer.token(headers={"kid": "new"}))
        assert len(issuer.fetched) == 2
        issuer.hangs.set()

    def test_few_wait_for_an_issuer_that_hangs(self, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.services.access.issuer_keys.WAIT_SECONDS", 60.0)
        monkeypatch.setattr("app.services.access.issuer_keys.MAX_WAITING", 2)
        deployment = Deployment(issuer, project="shop", jwks_uri=f"{URL}/keys")
        issuer.hangs.clear()
        with ThreadPoolExecutor(10) as threads:
            requests = [threads.submit(deployment.principal, issuer.token()) for _ in range(10)]
            refused = list(islice(as_completed(requests), 8))
            assert {type(each.exception()) for each in refused} == {IssuerUnavailable}
            issuer.hangs.set()
            served = [each for each in requests if each not in refused]

        assert [each.result().project for each in served] == ["shop", "shop"]


class TestPreparation:
    @pytest.mark.parametrize(("has_issuer", "is_loaded"), [(True, "True"), (False, "False")])
    def test_only_deployments_with_issuers_load_what_tokens_need(self, has_issuer: bool, is_loaded: str) -> None:  # noqa: FBT001
        program = """
import json, os, sys
from app.clock import SYSTEM_CLOCK
from app.config import Settings
from app.services.access.oidc import JwtVerifier
JwtVerifier(Settings.from_environment(os.environ), None, SYSTEM_CLOCK).prepare()
print("jwt" in sys.modules)
"""
        issuers = f'[{{"issuer": "{URL}", "audience": "serendip", "project": "shop"}}]' if has_issuer else "[]"
        values = {"SERENDIP_SECRET": SECRET.get_secret_value(), "SERENDIP_ISSUERS": issuers}

        assert last_line(python(program, values)) == is_loaded


class TestSettings:
    def test_an_issuer_without_https_is_refused(self) -> None:
        with pytest.raises(ValueError, match="https"):
            Issuer(issuer="http://issuer.test", audience="serendip")

    def test_symmetric_algorithms_are_refused(self) -> None:
        with pytest.raises(ValueError, match="algorithms"):
            Issuer.model_validate({"issuer": URL, "audience": "serendip", "algorithms": ["HS256"]})

    def test_issuers_are_read_as_json_from_the_environment(self) -> None:
        values = {
            "SERENDIP_SECRET": SECRET.get_secret_value(),
            "SERENDIP_ISSUERS": f'[{{"issuer": "{URL}", "audience": "serendip", "project": "shop"}}]',
        }

        assert Settings.from_environment(values).issuers[0].project == "shop"


class TestClient:
    def test_an_unreachable_address_is_unavailable(self) -> None:
        with pytest.raises(Unavailable):
            oidc_client.fetch("http://127.0.0.1:9/keys")
