"""Routes whose module is imported with the first request for one of them: a cold start pays for what it serves."""

from importlib import import_module

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Scope


class LazyRoutes(BaseRoute):
    """Matches nothing itself; asked about one of its paths, it puts the module's routes behind itself."""

    def __init__(self, app: FastAPI, module: str, prefixes: tuple[str, ...]) -> None:
        self._app, self._module, self._prefixes = app, module, prefixes
        self._is_loaded = False

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["path"].startswith(self._prefixes):
            self.load()
        return Match.NONE, {}

    def load(self) -> None:
        if not self._is_loaded:
            add_routes(self._app, import_module(self._module).router)
            self._is_loaded = True


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """As `include_router`, which builds each route twice, for routers that inherit nothing from the application."""
    app.router.routes.extend(router.routes)


def load_all(app: FastAPI) -> None:
    """For what asks of all routes at once, as the OpenAPI document does."""
    for route in tuple(app.routes):
        if isinstance(route, LazyRoutes):
            route.load()
