"""/v1/tickets: tickets with which browsers open live sockets"""

from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter

from app.api.http.dependencies import ServicesDep
from app.api.http.responses import responses
from app.api.http.routing.operations import Operation
from app.api.http.security import PrincipalDep, ProjectForRecommending
from app.api.schemas.access.tickets import TicketIn, TicketView
from app.domain.access import OF_USERS, Scope

router = APIRouter(prefix="/v1", tags=["sockets"], route_class=Operation)


@router.post("/tickets", status_code=201, responses=responses(409))
def create_ticket(
    body: TicketIn, project: ProjectForRecommending, principal: PrincipalDep, services: ServicesDep
) -> TicketView:
    """Create a ticket that opens one live socket within a minute, as `?ticket=` in its URL.

    Tickets are for browsers, which cannot set headers and should not put longer-lived credentials in URLs. The socket
    has the scopes of the request's credentials; with a `user_id` or `session_id` it only gets their list,
    and the filters of stored scenarios. There are none for users who were erased.
    """
    if body.owner is not None:
        services.access.check_user(principal, body.owner)
        own = OF_USERS if principal.user_id is not None else OF_USERS - {Scope.RULES}
        principal = replace(principal, user_id=body.owner, scopes=principal.scopes & own)
    assert principal.project == project  # noqa: S101 - both follow from the credentials
    services.sockets.check_owner(principal)  # a browser cannot see why a socket is refused
    expires_at = services.clock.now() + timedelta(seconds=services.settings.ticket_seconds)
    return TicketView(
        ticket=services.tokens.ticket(principal, expires_at),
        expires_at=expires_at,
        socket_url=services.settings.socket_url,
    )
