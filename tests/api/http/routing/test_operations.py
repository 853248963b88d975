"""Operations that are answered directly take and refuse the same requests as FastAPI, in the same words."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response, Security
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from app.api.http.routing.direct import Direct
from app.api.http.routing.operations import Operation
from app.errors import Forbidden

Names = Annotated[list[str], Field(max_length=2)]


class Settings(BaseModel):
    limit: Annotated[int, Field(ge=1, le=9)] = 3
    names: Names | None = None
    other: Annotated[str | None, Field(alias="else")] = None
    always: bool = False


async def _method(
    request: Request, _key: Annotated[object, Security(APIKeyHeader(name="x"))], *, loud: bool = False
) -> str:
    if loud:
        raise Forbidden("No.")
    return request.method


async def _short(name: Annotated[str, Path(max_length=3)]) -> str:
    return name.upper()


async def _refuse(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 403)


def read(
    name: Annotated[str, Depends(_short)],
    method: Annotated[str, Depends(_method)],
    settings: Annotated[Settings, Query()],
    count: Annotated[int, Query(alias="n", ge=0)] = 7,
    tags: Annotated[list[int] | None, Query()] = None,
) -> Response:
    sent: Any = {"settings": settings.model_dump(), "sent": sorted(settings.model_fields_set)}
    return JSONResponse({"name": name, "method": method, "count": count, "tags": tags, **sent})


def require(_method: Annotated[str, Depends(_method)], count: Annotated[int, Query()]) -> Response:
    return JSONResponse({"count": count})


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """Both kinds of operations of the same functions, under /direct and /usual."""
    app = FastAPI()
    app.add_exception_handler(Forbidden, _refuse)
    for prefix, kind in (("/direct", Direct), ("/usual", Operation)):
        router = APIRouter(prefix=prefix, route_class=kind)
        router.get("/require", response_model=None)(require)
        router.get("/{name}", response_model=None)(read)
        app.router.routes.extend(router.routes)
    with TestClient(app, headers={"x": "key"}) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/abc", 200),
        ("/abc?limit=9&names=a&names=b&else=c&always=yes", 200),
        ("/abc?limit=1&limit=2", 200),
        ("/abc?n=0&tags=1&tags=2", 200),
        ("/abc?else=", 200),
        ("/abc?limit=0", 422),
        ("/abc?names=a&names=b&names=c", 422),
        ("/abc?n=-1&limit=10&tags=a", 422),
        ("/abc?unknown=1&loud=true", 422),
        ("/abcd", 422),
        ("/abcd?limit=0", 422),
        ("/abc?loud=true&limit=0", 403),
        ("/abcd?loud=true", 403),
        ("/require?count=1", 200),
        ("/require", 422),
    ],
)
def test_answers_are_those_of_fastapi(client: TestClient, path: str, status: int) -> None:
    direct, usual = client.get("/direct" + path), client.get("/usual" + path)

    assert direct.status_code == status
    assert direct.json() == usual.json()
    assert direct.headers == usual.headers


def test_a_valid_request_does_not_pass_through_fastapi(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("FastAPI solved the dependencies")

    monkeypatch.setattr("fastapi.routing.solve_dependencies", fail)

    assert client.get("/direct/abc?limit=2").status_code == 200
    with pytest.raises(AssertionError):
        client.get("/usual/abc?limit=2")
