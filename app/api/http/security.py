"""Authorization: the type of the `project` parameter of a route names the scope that the route needs.

FastAPI resolves each dependency of a dependency again for every request, so these read what they need from the request.
"""

from dataclasses import dataclass
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import Depends, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from app.api.http.dependencies import SessionId, UserId, services_of
from app.domain.access import ADMINISTRATION, Principal, Scope
from app.domain.users import of_session
from app.errors import Forbidden
from app.services.bundle import Services

API_KEY = APIKeyHeader(
    name="X-API-Key", scheme_name="ApiKey", auto_error=False, description="A key of the project: `sk_...`."
)
BEARER = HTTPBearer(
    scheme_name="Bearer", auto_error=False, description="A user token (`ut_...`), or a JWT of a configured issuer."
)
Debug = Annotated[
    bool,
    Query(description="Add `Server-Timing` and `Serendip-Cost` to the response; needs an admin key.", examples=[False]),
]


ApiKey = Annotated[object, Security(API_KEY)]
Bearer = Annotated[object, Security(BEARER)]
"""Parameters that document how a route is called; `Admission` has checked the credentials before."""


def principal_of(request: Request) -> Principal:
    """Returns the principal that `Admission` identified."""
    principal: Principal = request.scope["principal"]
    return principal


async def _principal(request: Request) -> Principal:
    return principal_of(request)


PrincipalDep = Annotated[Principal, Depends(_principal)]


@dataclass(frozen=True)
class Requires:
    """Returns the project of a request whose credentials have a scope. To read data, `read:all` is enough.

    Raises:
        Forbidden.
    """

    scope: Scope
    of_data: bool = True
    """Whether the route works on data. The administration project has only keys."""

    async def __call__(self, request: Request, _key: ApiKey, _bearer: Bearer, debug: Debug = False) -> str:
        principal, services = principal_of(request), services_of(request)
        reads = (Scope.READ_ALL,) if self.of_data and request.method == "GET" else ()
        services.access.check_scope(principal, self.scope, *reads)
        if self.of_data:
            services.access.check_has_data(principal)
        _allow_debug(principal, services, request, debug=debug)
        return principal.project


def _allow_debug(principal: Principal, services: Services, request: Request, *, debug: bool) -> None:
    """Raises Forbidden if `debug` is set without an admin key."""
    if debug:
        services.access.check_scope(principal, Scope.ADMIN)
        request.scope["debug"] = True


@dataclass(frozen=True)
class RequiresSender:
    """Returns the principal of a request that may send events: any, or those of its own user.

    Raises:
        Forbidden.
        LimitExceeded: the user has sent too many requests with events.
    """

    scope: Scope = Scope.WRITE
    """Enough for events of all users; with `events:own`, credentials of one user are enough for theirs."""

    async def __call__(self, request: Request, _key: ApiKey, _bearer: Bearer, debug: Debug = False) -> Principal:
        principal, services = principal_of(request), services_of(request)
        services.access.check_sender(principal)
        services.access.check_has_data(principal)
        _allow_debug(principal, services, request, debug=debug)
        if principal.sends_only_own:
            await run_sync(services.limiter.spend_of_user, principal)
        return principal


@dataclass(frozen=True)
class RequiresAdministration:
    """Admits only keys of the administration."""

    scope: Scope = Scope.ADMIN

    async def __call__(self, request: Request, _key: ApiKey, _bearer: Bearer) -> Principal:
        principal = principal_of(request)
        services_of(request).access.check_scope(principal, self.scope)
        if principal.project != ADMINISTRATION:
            raise Forbidden("Only keys of the administration can manage projects.")
        return principal


# The project of the credentials, which need the scope; `project: ProjectForWriting` needs `write`.
ProjectForRecommending = Annotated[str, Depends(Requires(Scope.RECOMMEND))]
ProjectForWriting = Annotated[str, Depends(Requires(Scope.WRITE))]
ProjectForAdmin = Annotated[str, Depends(Requires(Scope.ADMIN))]
ProjectForKeys = Annotated[str, Depends(Requires(Scope.ADMIN, of_data=False))]
Sender = Annotated[Principal, Depends(RequiresSender())]
ProjectOfAny = Annotated[str, Depends(Requires(Scope.RECOMMEND, of_data=False))]
Administrator = Annotated[Principal, Depends(RequiresAdministration())]


async def _own_user_id(user_id: UserId, request: Request) -> str:
    services_of(request).access.check_user(principal_of(request), user_id)
    return user_id


OwnUserId = Annotated[str, Depends(_own_user_id)]
"""The user of the path. Credentials of one user are refused for other users."""


async def _own_session_id(session_id: SessionId, request: Request) -> str:
    services_of(request).access.check_user(principal_of(request), of_session(session_id))
    return session_id


OwnSessionId = Annotated[str, Depends(_own_session_id)]
"""The session of the path. Credentials of one session are refused for other sessions."""
