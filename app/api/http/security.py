"""What credentials may do: each route names the scope that it needs by the type of its `project`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from app.api.http.dependencies import ServicesDep, SessionId, UserId
from app.domain.access import ADMINISTRATION, Principal, Scope
from app.domain.users import of_session
from app.errors import Forbidden

API_KEY = APIKeyHeader(
    name="X-API-Key", scheme_name="ApiKey", auto_error=False, description="A key of the project: `sk_...`."
)
BEARER = HTTPBearer(
    scheme_name="Bearer", auto_error=False, description="A user token (`ut_...`), or a JWT of a configured issuer."
)
Debug = Annotated[
    bool, Query(description="Adds `Server-Timing` and `Serendip-Cost` to the answer; needs an admin key.")
]


async def _principal(
    request: Request, _key: Annotated[object, Security(API_KEY)], _bearer: Annotated[object, Security(BEARER)]
) -> Principal:
    """Whom the front door let in (see `front_door`); the schemes are here for the OpenAPI document."""
    principal: Principal = request.scope["principal"]
    return principal


Asking = Annotated[Principal, Depends(_principal)]


@dataclass(frozen=True)
class Allowed:
    """Gives a route its project, provided that the credentials have a scope in it.

    Raises:
        Forbidden.
    """

    scope: Scope
    of_data: bool = True
    """The administration project has no data, only keys."""

    async def __call__(self, principal: Asking, services: ServicesDep, request: Request, debug: Debug = False) -> str:
        services.access.check_scope(principal, self.scope)
        if self.of_data:
            services.access.check_has_data(principal)
        if debug:
            services.access.check_scope(principal, Scope.ADMIN)
            request.scope["debug"] = True
        return principal.project


@dataclass(frozen=True)
class Administering:
    """Lets only keys of the administration pass."""

    scope: Scope = Scope.ADMIN

    async def __call__(self, principal: Asking, services: ServicesDep) -> Principal:
        services.access.check_scope(principal, self.scope)
        if principal.project != ADMINISTRATION:
            raise Forbidden("Projects are managed with a key of the administration.")
        return principal


CanRecommend = Annotated[str, Depends(Allowed(Scope.RECOMMEND))]
CanWrite = Annotated[str, Depends(Allowed(Scope.WRITE))]
CanAdminister = Annotated[str, Depends(Allowed(Scope.ADMIN))]
CanManageKeys = Annotated[str, Depends(Allowed(Scope.ADMIN, of_data=False))]
Administrator = Annotated[Principal, Depends(Administering())]


async def _own_user_id(user_id: UserId, principal: Asking, services: ServicesDep) -> str:
    services.access.check_user(principal, user_id)
    return user_id


OwnUserId = Annotated[str, Depends(_own_user_id)]
"""The user of the path; credentials of one user are refused for other users."""


async def _own_session_id(session_id: SessionId, principal: Asking, services: ServicesDep) -> str:
    services.access.check_user(principal, of_session(session_id))
    return session_id


OwnSessionId = Annotated[str, Depends(_own_session_id)]
"""The session of the path, likewise."""
