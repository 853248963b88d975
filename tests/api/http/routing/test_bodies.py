from collections.abc import Iterator
from threading import get_ident
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import Field, field_validator

from app.api.http.routing.alone import alone
from app.api.http.routing.bodies import LARGE_BYTES
from app.api.http.routing.operations import Operation
from app.api.schemas.fields import Body

SMALL, LARGE = "x", "x" * LARGE_BYTES


class _Note(Body):
    text: str
    number: Annotated[int, Field(ge=0)] = 0

    @field_validator("text")
    @classmethod
    def note_thread(cls, text: str) -> str:
        if "break" in text:
            raise RuntimeError("a mistake of ours")
        _validated_by.append(get_ident())
        return text


_validated_by: list[int] = []
_loops: list[int] = []


async def _guard(door: str = "") -> None:
    _loops.append(get_ident())
    if door != "open":
        raise HTTPException(403)


router = APIRouter(route_class=Operation)


@router.post("/notes", dependencies=[Depends(_guard)])
async def put_note(body: _Note) -> int:
    return len(body.text)


@pytest.fixture
def client() -> Iterator[TestClient]:
    _validated_by.clear()
    _loops.clear()
    app = FastAPI()
    app.router.routes.extend(router.routes)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def _posted(client: TestClient, door: str = "open", **body: Any) -> tuple[int, Any]:
    response = client.post("/notes", params={"door": door}, json=body)
    return response.status_code, response.json() if response.is_client_error else response.text


class TestLargeBodies:
    def test_they_are_validated_beside_the_event_loop_and_once(self, client: TestClient) -> None:
        small, large = _posted(client, text=SMALL), _posted(client, text=LARGE)

        assert (small, large) == ((200, "1"), (200, str(LARGE_BYTES)))
        by_loop, by_thread = _validated_by
        assert by_loop in _loops
        assert by_thread not in _loops

    def test_a_process_that_works_on_nothing_else_needs_no_thread(self, client: TestClient) -> None:
        async def run(scope: Any, receive: Any, send: Any) -> None:
            with alone():
                await client.app(scope, receive, send)

        _posted(TestClient(run), text=LARGE)

        assert set(_validated_by) <= set(_loops)

    @pytest.mark.parametrize("body", [{"number": -1}, {"text": 1, "number": 0.5}, {"number": "1", "unknown": 2}])
    def test_they_get_the_errors_of_small_ones(self, client: TestClient, body: dict[str, Any]) -> None:
        status, problem = _posted(client, **{"text": SMALL, **body})
        large_status, large_problem = _posted(client, **{"text": LARGE, **body})

        places = [[{**error, "input": None} for error in each["detail"]] for each in (problem, large_problem)]
        assert (status, large_status) == (422, 422)
        assert places[0] == places[1]

    def test_who_may_not_send_them_learns_only_that(self, client: TestClient) -> None:
        assert _posted(client, "wrong", text=LARGE, number=-1) == (403, {"detail": "Forbidden"})

    @pytest.mark.parametrize(
        "content", [f'{{"text": "{LARGE}", "text": ""}}'.encode(), b"[" + LARGE.encode(), b"\xff" * LARGE_BYTES]
    )
    def test_what_is_not_json_is_named(self, client: TestClient, content: bytes) -> None:
        response = client.post(
            "/notes", params={"door": "open"}, content=content, headers={"Content-Type": "application/json"}
        )

        assert response.status_code == 422
        assert response.json()["detail"][0]["type"] == "json_invalid"

    def test_a_mistake_of_ours_is_not_blamed_on_the_client(self, client: TestClient) -> None:
        assert _posted(client, text="break" + LARGE)[0] == 500
