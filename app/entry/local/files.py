"""Uploads and downloads of job files on a laptop, in place of a bucket's signed URLs; files may have any size."""

from functools import partial
from pathlib import Path
from secrets import token_hex

from anyio import open_file
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.http import request_context
from app.errors import InvalidToken
from app.storage.objects import GET, LOCAL_PATH, PUT, FolderFileStore

HEADERS = {
    **request_context.HEADERS,
    "Cache-Control": "private, no-store",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""Of all responses: an uploaded file is never shown as a page of this origin."""
KEPT_DAYS = 7
"""How long files are kept, as in the bucket's template."""


class LocalFiles:
    """Middleware around the application, so that the limit on request bodies does not apply."""

    def __init__(self, app: ASGIApp, objects: FolderFileStore) -> None:
        self._app, self._objects = app, objects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(LOCAL_PATH):
            await self._app(scope, receive, send)
            return
        response = await self._respond(Request(scope, receive))
        response.headers.update(HEADERS)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            name = self._objects.named(request.url.path.removeprefix(LOCAL_PATH), request.method)
        except InvalidToken as error:
            return PlainTextResponse(error.detail, 403)
        path = self._objects.path(name)
        if request.method == PUT:
            return await _store(request, path)
        if request.method == GET and path.is_file():
            return FileResponse(path, media_type="application/x-ndjson")
        return PlainTextResponse("There is no such file, or it has expired.", 404)


async def _store(request: Request, path: Path) -> Response:
    """Stores a request body, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{token_hex(4)}")
    try:
        async with await open_file(unfinished, "wb") as file:
            async for chunk in request.stream():
                await file.write(chunk)
        await run_sync(unfinished.replace, path)
    except ClientDisconnect:
        return PlainTextResponse("The request body is incomplete.", 400)
    finally:
        await run_sync(partial(unfinished.unlink, missing_ok=True))
    return Response(status_code=200)
