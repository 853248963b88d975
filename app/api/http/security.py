"""Authorization: the type of the `project` parameter of a route names the scope that the route needs."""

from dataclasses import dataclass
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import Depends, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from app.api.http.dependencies import ServicesDep, SessionId, UserId
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


async def _principal(
    request: Request, _key: Annotated[object, Security(API_KEY)], _bearer: Annotated[object, Security(BEARER)]
) -> Principal:
    """Returns the principal found by `Admission`; the parameters document the schemes."""
    principal: Principal = request.scope["principal"]
    return principal


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

    async def __call__(
        self, principal: PrincipalDep, services: ServicesDep, request: Request, debug: Debug = False
    ) -> str:
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

    async def __call__(
        self, principal: PrincipalDep, services: ServicesDep, request: Request, debug: Debug = False
    ) -> Principal:
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

    async def __call__(self, principal: PrincipalDep, services: ServicesDep) -> Principal:
        services.access.check_scope(principal, self.scope)
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


async def _own_user_id(user_id: UserId, principal: PrincipalDep, services: ServicesDep) -> str:
    services.access.check_user(principal, user_id)
    return user_id


OwnUserId = Annotated[str, Depends(_own_user_id)]
"""The user of the path. Credentials of one user are refused for other users."""


async def _own_session_id(session_id: SessionId, principal: PrincipalDep, services: ServicesDep) -> str:
    services.access.check_user(principal, of_session(session_id))
    return session_id


OwnSessionId = Annotated[str, Depends(_own_session_id)]
"""The session of the path. Credentials of one session are refused for other sessions."""
