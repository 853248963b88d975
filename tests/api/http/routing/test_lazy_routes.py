from importlib import import_module
from threading import get_ident
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api.http.routing.lazy_routes import LazyRoutes

MODULE = "app.api.routes.guide"


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.router.routes.append(LazyRoutes(app, MODULE, ("/guide", "/llms.txt")))
    return app


@pytest.fixture
def imported_by(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads that imported a module of routes."""
    threads: list[int] = []

    def note_thread(name: str) -> Any:
        threads.append(get_ident())
        return import_module(name)

    monkeypatch.setattr("app.api.http.routing.lazy_routes.import_module", note_thread)
    return threads


class TestLoad:
    def test_it_happens_once_and_beside_the_event_loop(self, app: FastAPI, imported_by: list[int]) -> None:
        loops: list[int] = []

        async def run(scope: Any, receive: Any, send: Any) -> None:
            loops.append(get_ident())
            await app(scope, receive, send)

        with TestClient(run) as client:  # one event loop for all requests
            assert [client.get("/llms.txt").status_code for _ in range(2)] == [200, 200]

        assert len(imported_by) == 1
        assert not set(imported_by) & set(loops)
