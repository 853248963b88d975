"""The part of a path that belongs to the gateway: a stage's name, or what a custom domain maps to the API."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

DEFAULT = "$default"


class BasePath:
    """Hands requests on without it: the application's paths are the same wherever it is mounted."""

    def __init__(self, app: ASGIApp, base: str | None) -> None:
        self._app, self._base = app, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = scope["aws.event"]
        base, is_in_path = base_path(event, self._base)
        if base:
            base = unquote(base)
            path = (scope["path"].removeprefix(base) if is_in_path else scope["path"]) or "/"
            # Starlette would cut a root path that the path begins with; then links lack it.
            scope = {**scope, "path": path, "root_path": "" if _begins_with(path, base) else base}
        await self._app(scope, receive, send)


def base_path(event: Mapping[str, Any], setting: str | None = None) -> tuple[str, bool]:
    """Returns what clients send in front of the application's paths, and whether the event's path includes it.

    REST APIs leave the stage out of `path` on their own address, but leave the base path of a custom domain in it. HTTP
    APIs leave both in. What is left is what matched the route, unless that is $default.
    """
    context = event["requestContext"]
    path = context["http"]["path"] if "http" in context else event["path"]
    if setting is not None:
        base = setting.rstrip("/")
        return (base, True) if _begins_with(path, base) else ("", False)
    full = context.get("path") or path
    if full != path and full.endswith(path):
        return full.removesuffix(path), False
    route = event.get("resource") or event.get("routeKey", DEFAULT).partition(" ")[2]
    if route and DEFAULT not in route:
        return _before(path, route, event.get("pathParameters") or {}), True
    stage = f"/{context.get('stage', DEFAULT)}"
    return (stage, True) if _begins_with(path, stage) else ("", False)


def _before(path: str, route: str, parameters: Mapping[str, str]) -> str:
    """Returns the segments of the path in front of those that matched the route."""
    matched = [
        part
        for segment in route.split("/")
        for part in (parameters.get(segment[1:-2], "").split("/") if segment.endswith("+}") else [segment])
        if part
    ]
    segments = [segment for segment in path.split("/") if segment]
    base = "".join(f"/{segment}" for segment in segments[: max(0, len(segments) - len(matched))])
    return base if _begins_with(path, base) else ""


def _begins_with(path: str, base: str) -> bool:
    return path == base or path.startswith(f"{base}/")
