"""Every route with every kind of credentials: correct refusals, and no access to another project's rows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from app.api.application import create_application
from app.api.http.routing.lazy_routes import load_all
from app.api.http.security import Requires, RequiresAdministration, RequiresSender
from app.config import Settings
from app.domain.access import ADMINISTRATION, Limits, Scope
from app.entry.local.dynamodb import Emulator
from app.storage.wire import rows
from app.wiring import Wired
from tests.support.builders import SECRET, a_key, a_project, client_of, wired_on
from tests.support.calls import surround
from tests.support.oidc_issuer import OidcIssuer
from tests.support.operations import CALLS, Call, furnish

PUBLIC = {"live", "ready"}
"""Operations that need no credentials."""


def routes(application: FastAPI) -> dict[str, APIRoute]:
    load_all(application)
    every = (context.original_route for context in iter_route_contexts(application.routes))
    return {route.operation_id: route for route in every if isinstance(route, APIRoute) and route.operation_id}


def needed(route: APIRoute) -> Scope | None:
    """The scope that a route's dependencies require; None if the route is public."""
    pending, scope = [route.dependant], None
    while pending:
        dependant = pending.pop()
        if isinstance(dependant.call, Requires | RequiresAdministration | RequiresSender):
            scope = dependant.call.scope
        pending += dependant.dependencies
    return scope


def _takes(route: APIRoute, name: str) -> bool:
    """Whether a route takes a field, in its query or body."""
    models = [field.field_info.annotation for field in (*route.dependant.query_params, *route.dependant.body_params)]
    fields = {field.name for field in route.dependant.query_params}
    return name in fields.union(*(getattr(model, "model_fields", {}) for model in models))


@dataclass
class Stage:
    """Two projects: the target of the attacks, which has data, and the attacker's."""

    wired: Wired
    client: httpx2.Client
    project: str
    other: str
    issuer: OidcIssuer
    victim_key: str
    other_key: str
    names: dict[str, str]
    """The values of the names in CALLS."""
    touched: list[str]
    """The requests to the database."""

    def call(self, call: Call, headers: dict[str, str]) -> httpx2.Response:
        url, text = call.url, orjson.dumps(call.body).decode()
        for name, value in self.names.items():
            url, text = url.replace(name, value), text.replace(name, value)
        body = orjson.loads(text)
        return self.client.request(call.method, url, json=body, headers=headers)

    def bearer(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    def key(self, *scopes: Scope, **more: Any) -> dict[str, str]:
        return {"X-API-Key": a_key(self.wired, self.project, *scopes, **more)}


@contextmanager
def staged(settings: Settings) -> Iterator[Stage]:
    issuer = OidcIssuer()
    settings = settings.model_copy(update={"issuers": (issuer.settings(project=settings.project),)})
    wired = wired_on(settings, issuer.fetch)
    project = settings.project
    victim_key, other_key = a_project(wired, project), a_project(wired, f"other-{project[4:]}")
    names = furnish(wired, project, victim_key)
    other, touched = f"other-{project[4:]}", list[str]()

    def record(_operation: str, request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        touched.append(str(rows.encode(request)))
        return call()

    surround(wired.database, record)
    with client_of(wired) as anyone:
        yield Stage(wired, anyone, project, other, issuer, victim_key, other_key, names, touched)
    wired.close()


@pytest.fixture(scope="module")
def stage(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for all tests that leave the target as it is."""
    files = str(tmp_path_factory.mktemp("files"))
    with staged(
        Settings(
            secret=SECRET, endpoint=emulator.endpoint, files=files, project="testsecurity", read_timeout_seconds=10
        )
    ) as stage:
        yield stage


@pytest.fixture
def own_stage(settings: Settings) -> Iterator[Stage]:
    with staged(settings) as stage:
        yield stage


HOUR = timedelta(hours=1)
FORGED: dict[str, Callable[[Stage], dict[str, str]]] = {
    "no key": lambda _: {},
    "a malformed key": lambda _: {"X-API-Key": "letmein"},
    "an empty key": lambda _: {"X-API-Key": ""},
    "a key with a wrong checksum": lambda s: {
        "X-API-Key": s.victim_key[:-1] + ("a" if s.victim_key[-1] != "a" else "b")
    },
    "a key cut off": lambda s: {"X-API-Key": s.victim_key[:-6]},
    "basic authentication": lambda s: {"Authorization": f"Basic {s.victim_key}"},
    "a key as a bearer": lambda s: s.bearer(s.victim_key),
    "garbage as a bearer": lambda s: s.bearer("a.b.c"),
    "a user token of another deployment": lambda s: s.bearer("ut_eyJwIjoiZGVtbyJ9.AAAA"),
    "JWT, alg none": lambda s: s.bearer(s.issuer.unsigned(scope="admin")),
    "JWT, HS256 with the public key": lambda s: s.bearer(s.issuer.signed_with_public_key(scope="admin")),
    "JWT, wrong issuer": lambda s: s.bearer(s.issuer.token(iss="https://evil.test", scope="admin")),
    "JWT, issuer with a slash": lambda s: s.bearer(s.issuer.token(iss="https://issuer.test/", scope="admin")),
    "JWT, wrong audience": lambda s: s.bearer(s.issuer.token(aud="another", scope="admin")),
    "JWT, no audience": lambda s: s.bearer(s.issuer.token(aud=None, scope="admin")),
    "JWT, expired": lambda s: s.bearer(s.issuer.token(exp=datetime.now(UTC) - HOUR, scope="admin")),
    "JWT, without expiry": lambda s: s.bearer(s.issuer.token(exp=None, scope="admin")),
    "JWT, not valid yet": lambda s: s.bearer(s.issuer.token(nbf=datetime.now(UTC) + HOUR, scope="admin")),
    "JWT, unknown kid": lambda s: s.bearer(s.issuer.token(headers={"kid": "k9"}, scope="admin")),
    "JWT, signed with another issuer's key": lambda s: s.bearer(OidcIssuer().token(scope="admin")),
    "JWT, tampered with": lambda s: s.bearer(s.issuer.token(scope="recommend").replace(".", ".e30", 1)),
}


class TestMatrix:
    def test_every_route_is_in_the_matrix(self, stage: Stage) -> None:
        served = routes(create_application(stage.wired.services))

        assert set(CALLS) | PUBLIC == set(served)
        assert [
            name for name in CALLS if needed(served[name]) is None or not served[name].path.startswith("/v1/")
        ] == []
        assert [name for name in PUBLIC if needed(served[name]) or served[name].path.startswith("/v1")] == []

    @pytest.mark.parametrize("name", FORGED)
    def test_forged_credentials_get_401_and_read_nothing(self, stage: Stage, name: str) -> None:
        headers = FORGED[name](stage)
        stage.touched.clear()

        responses = {operation: stage.call(call, headers) for operation, call in CALLS.items()}

        assert {
            operation: response.status_code for operation, response in responses.items() if response.status_code != 401
        } == {}
        assert all("www-authenticate" in response.headers for response in responses.values())
        assert stage.touched == []

    @pytest.mark.parametrize("name", ["revoked", "expired", "unknown", "token of a revoked key"])
    def test_invalid_keys_get_401_and_only_their_row_is_read(self, stage: Stage, name: str) -> None:
        tokens = stage.wired.services.tokens
        headers = stage.key(Scope.ADMIN)
        key_id = headers["X-API-Key"][3:15]
        if name == "expired":
            headers = stage.key(Scope.ADMIN, expires_at=datetime.now(UTC) - HOUR)
            key_id = headers["X-API-Key"][3:15]
        elif name == "token of a revoked key":
            url = "/v1/users/u1/tokens"
            made = client_of(stage.wired, headers["X-API-Key"]).post(url, json={}).json()["token"]
            assert tokens.user_claim(made, datetime.now(UTC))
            stage.wired.services.keys.revoke(stage.project, key_id)
            headers = stage.bearer(made)
        elif name == "revoked":
            stage.wired.services.keys.revoke(stage.project, key_id)
        else:
            stage.wired.services.keys._store.delete_keys([key_id])  # noqa: SLF001
        stage.touched.clear()

        statuses = {operation: stage.call(call, headers).status_code for operation, call in CALLS.items()}

        assert {operation: status for operation, status in statuses.items() if status != 401} == {}
        assert [body for body in stage.touched if f"key#{key_id}" not in body] == []

    @pytest.mark.parametrize("form", ["key", "JWT", "user token"])
    def test_an_insufficient_scope_gets_403(self, stage: Stage, form: str) -> None:
        served = routes(create_application(stage.wired.services))
        below = {Scope.ADMIN: Scope.WRITE, Scope.WRITE: Scope.RECOMMEND}
        token = client_of(stage.wired, stage.victim_key).post("/v1/users/u1/tokens", json={}).json()["token"]
        forms: dict[str, Callable[[Scope], dict[str, str]]] = {
            "key": stage.key,
            "JWT": lambda scope: stage.bearer(stage.issuer.token(scope=f"openid serendip:{scope}")),
            "user token": lambda _: stage.bearer(token),
        }
        headers = {scope: forms[form](scope) for scope in below.values()}

        for operation, call in CALLS.items():
            scope = needed(served[operation])
            if scope in below:
                assert stage.call(call, headers[below[scope]]).status_code == 403, operation

    @pytest.mark.parametrize("name", ["filter", "boost"])
    def test_rules_need_a_scope_that_user_tokens_do_not_inherit(self, stage: Stage, name: str) -> None:
        served = routes(create_application(stage.wired.services))
        rule = {"filter": "true", "boost": "2.0"}[name]
        calls = {
            operation: replace(call, url=f"{call.url}?{name}={rule}")
            if call.method == "GET"
            else replace(call, body=call.body | {name: rule})
            for operation, call in CALLS.items()
            if _takes(served[operation], name) and needed(served[operation]) is Scope.RECOMMEND
        }
        assert len(calls) == 6
        token = client_of(stage.wired, stage.victim_key).post("/v1/users/u1/tokens", json={}).json()["token"]
        refused = (stage.key(Scope.RECOMMEND), stage.bearer(token), stage.bearer(stage.issuer.token(scope="recommend")))
        allowed = (stage.key(Scope.RECOMMEND, Scope.RULES), stage.key(Scope.WRITE), stage.key(Scope.READ_ALL))

        for operation, call in calls.items():
            assert [stage.call(call, headers).status_code for headers in refused] == [403, 403, 403], operation
            assert [stage.call(call, headers).status_code for headers in allowed] == [200, 200, 200], operation

    def test_a_reader_reads_everything_but_keys_and_changes_nothing(self, stage: Stage) -> None:
        served = routes(create_application(stage.wired.services))
        reader = stage.key(Scope.READ_ALL)
        allowed = {
            name
            for name, call in CALLS.items()
            if needed(served[name]) is Scope.RECOMMEND
            or (call.method == "GET" and not call.url.startswith(("/v1/keys", "/v1/projects")))
        }

        statuses = {name: stage.call(call, reader).status_code for name, call in CALLS.items()}

        assert {name for name, status in statuses.items() if status < 400} == allowed
        assert {statuses[name] for name in CALLS.keys() - allowed} == {403}

    def test_a_reader_gets_no_url_to_write_to(self, stage: Stage) -> None:
        seen = [
            stage.call(CALLS["getJob"], {"X-API-Key": stage.victim_key}),
            stage.call(CALLS["getJob"], stage.key(Scope.READ_ALL)),
        ]

        assert [job.json()["upload_url"] is not None for job in seen] == [True, False]

    def test_a_token_without_scopes_gets_403(self, stage: Stage) -> None:
        headers = stage.bearer(stage.issuer.token())

        statuses = {operation: stage.call(call, headers).status_code for operation, call in CALLS.items()}

        assert set(statuses.values()) == {403}, statuses

    def test_a_projects_admin_cannot_manage_projects(self, stage: Stage) -> None:
        headers = {"X-API-Key": stage.victim_key}
        operations = [name for name, call in CALLS.items() if call.url.startswith("/v1/projects")]

        assert {stage.call(CALLS[name], headers).status_code for name in operations} == {403}

    def test_administration_keys_cannot_access_data(self, stage: Stage) -> None:
        headers = {"X-API-Key": a_key(stage.wired, ADMINISTRATION, Scope.ADMIN)}
        apart = ("/v1/projects", "/v1/keys", "/v1/principal")
        operations = [name for name, call in CALLS.items() if not call.url.startswith(apart)]

        statuses = {name: stage.call(CALLS[name], headers).status_code for name in operations}

        assert set(statuses.values()) == {403}, statuses

    def test_a_key_of_another_project_reads_only_its_own_rows(self, stage: Stage) -> None:
        headers = {"X-API-Key": stage.other_key}
        stage.touched.clear()

        responses = {operation: stage.call(call, headers) for operation, call in CALLS.items()}

        wrong = {
            name: response.status_code
            for name, response in responses.items()
            if response.status_code != CALLS[name].elsewhere
        }
        assert wrong == {}
        assert stage.touched
        secrets = (f'"{stage.project}"', f'"{stage.project}#', stage.victim_key[3:15], f"project#{stage.project}")
        assert [body for body in stage.touched if any(secret in body for secret in secrets)] == []

    def test_another_users_token_gets_403(self, stage: Stage) -> None:
        client = client_of(stage.wired, stage.victim_key)
        own = stage.bearer(client.post("/v1/users/u1/tokens", json={}).json()["token"])
        others = stage.bearer(client.post("/v1/users/u2/tokens", json={}).json()["token"])

        for call in (call for call in CALLS.values() if call.personal):
            assert stage.call(call, own).status_code in {200, 201}, call
            assert stage.call(call, others).status_code == 403, call

    def test_jwts_share_the_limits_of_their_project(self, own_stage: Stage) -> None:
        own_stage.wired.services.projects.change(
            own_stage.project, {"limits": Limits(requests_per_second=0.01, burst=1)}
        )
        headers = own_stage.bearer(own_stage.issuer.token(scope="recommend"))

        statuses = [own_stage.call(CALLS["getList"], headers).status_code for _ in range(2)]

        assert statuses == [200, 429]

    def test_a_sufficient_key_is_accepted_everywhere(self, own_stage: Stage) -> None:
        administrator = {"X-API-Key": a_key(own_stage.wired, ADMINISTRATION, Scope.ADMIN)}
        last = ("revokeKey", "deleteProject")
        statuses = {}
        for operation in sorted(CALLS, key=lambda name: (name in last, name == "deleteProject", name)):
            call = CALLS[operation]
            headers = administrator if call.url.startswith("/v1/projects") else {"X-API-Key": own_stage.victim_key}
            statuses[operation] = own_stage.call(call, headers).status_code

        assert {name: status for name, status in statuses.items() if status >= 400} == {
            "cancelModel": 409,
            "startJob": 409,
        }
