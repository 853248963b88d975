"""Idempotency-Key: a POST that is repeated has one effect and one response."""

import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError

from app.api.http.routing.operations import Operation
from app.domain.access import Principal
from app.errors import Forbidden
from app.services.access.idempotency import RecordedResponse
from app.services.bundle import Services

IDEMPOTENCY_KEY = r'^"?[!#-\[\]-~]{1,255}"?$'


async def _documented(
    _key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern=IDEMPOTENCY_KEY,
            description="A request repeated with its key within a day gets the same response and has no second effect.",
            examples=["order-7-attempt"],
        ),
    ] = None,
) -> None: ...


class RepeatableRoute(Operation):
    """A route whose POST can be repeated with an Idempotency-Key, which is documented and validated as well."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:  # noqa: ANN401 - FastAPI's
        if set(settings["methods"]) == {"POST"}:
            settings["dependencies"] = [Depends(_documented), *settings["dependencies"]]
        super().__init__(path, endpoint, **settings)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.methods != {"POST"}:
            return handle

        async def handle_once(request: Request) -> Response:
            key = request.headers.get("idempotency-key", "")
            if not re.fullmatch(IDEMPOTENCY_KEY, key):
                return await handle(request)  # no key, or an invalid one, which the route itself refuses
            return await _handle_once(request, key.strip('"'), handle)

        return handle_once


async def _handle_once(
    request: Request, key: str, handle: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    services: Services = request.app.state.services
    principal: Principal = request.scope["principal"]
    content = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    begun = await run_sync(services.idempotency.begin, principal, key, content)
    if isinstance(begun, RecordedResponse):
        return Response(begun.body, begun.status, {**begun.headers, "Idempotency-Replayed": "true"})
    try:
        with services.idempotency.effect(begun):
            response = await handle(request)
    except (RequestValidationError, Forbidden):
        await run_sync(services.idempotency.discard, principal, begun)
        raise
    except Exception:
        await run_sync(services.idempotency.release, principal, begun)
        raise
    recorded = RecordedResponse(response.status_code, dict(response.headers), bytes(response.body))
    await run_sync(services.idempotency.finish, principal, begun, recorded)
    return response
