"""Routes whose module is imported by the first request for one of them, which shortens cold starts."""

from importlib import import_module
from threading import Lock

from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from app.api.http.routing.alone import is_alone

HOME = "/"


class LazyRoutes(BaseRoute):
    """Takes a request with one of its prefixes, appends the routes of the module, and passes the request on to them.

    Every path starts with `/`, so that this prefix stands for the path `/` alone.
    """

    def __init__(self, app: FastAPI, module: str, prefixes: tuple[str, ...]) -> None:
        self._app, self._module = app, module
        self._is_home = HOME in prefixes
        self._prefixes = tuple(prefix for prefix in prefixes if prefix != HOME)
        self._is_loaded, self._lock = False, Lock()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        is_wanted = path.startswith(self._prefixes) or (self._is_home and path == HOME)
        return (Match.FULL if is_wanted and not self._is_loaded else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Imports in a thread, because it takes up to 100 ms, for which the event loop would stop."""
        if is_alone():
            self.load()
        else:
            await run_sync(self.load)
        await self._app.router(scope, receive, send)

    def load(self) -> None:
        with self._lock:
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
