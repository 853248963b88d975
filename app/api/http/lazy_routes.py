"""Routes whose module is imported by the first request for one of them, which shortens cold starts."""

from importlib import import_module

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

HOME = "/"


class LazyRoutes(BaseRoute):
    """Matches no request; a request with one of its prefixes makes it append the routes of the module.

    Every path starts with `/`, so that this prefix stands for the path `/` alone.
    """

    def __init__(self, app: FastAPI, module: str, prefixes: tuple[str, ...]) -> None:
        self._app, self._module = app, module
        self._is_home = HOME in prefixes
        self._prefixes = tuple(prefix for prefix in prefixes if prefix != HOME)
        self._is_loaded = False

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        if path.startswith(self._prefixes) or (self._is_home and path == HOME):
            self.load()
        return Match.NONE, {}

    def load(self) -> None:
        if not self._is_loaded:
            add_routes(self._app, import_module(self._module).router)
            self._is_loaded = True


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Adds routes as they are. `include_router` builds each of them twice, which only inherited settings need."""
    app.router.routes.extend(router.routes)


def load_all(app: FastAPI) -> None:
    """Loads all routes, for the OpenAPI document."""
    for route in tuple(app.routes):
        if isinstance(route, LazyRoutes):
            route.load()
