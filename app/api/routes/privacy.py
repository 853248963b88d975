"""/v1/users/{id}, /v1/sessions/{id}: tokens for browsers, export, erasure; /v1/export"""

from datetime import timedelta

from fastapi import APIRouter, Response

from app.api.http import accepted
from app.api.http.conditions import Repeatable, RepeatableRoute
from app.api.http.dependencies import Cursor, PageLimit, ServicesDep, SessionId, UserId
from app.api.http.problems import WITH_BODY, responses
from app.api.http.security import Asking, CanAdminister, CanWrite
from app.api.schemas.access import ProjectExport, ReceiptView, UserExport, UserTokenIn, UserTokenView
from app.api.schemas.records import EventView, UserView
from app.domain.access import Principal
from app.domain.users import of_session
from app.services.access.authentication import UserClaim
from app.services.bundle import Services

router = APIRouter(prefix="/v1", tags=["users"], route_class=RepeatableRoute)


@router.post(
    "/users/{user_id}/tokens",
    operation_id="createUserToken",
    summary="Create user token",
    status_code=201,
    responses=responses(404, 409, *WITH_BODY),
    dependencies=[Repeatable],
)
def create_token(
    user_id: UserId, body: UserTokenIn, project: CanWrite, principal: Asking, services: ServicesDep
) -> UserTokenView:
    """Make a token with which a browser reads this user's recommendations, and nobody else's."""
    return _token(services, project, principal, user_id, body)


@router.post(
    "/sessions/{session_id}/tokens",
    operation_id="createSessionToken",
    summary="Create session token",
    status_code=201,
    responses=responses(404, 409, *WITH_BODY),
    dependencies=[Repeatable],
)
def create_session_token(
    session_id: SessionId, body: UserTokenIn, project: CanWrite, principal: Asking, services: ServicesDep
) -> UserTokenView:
    """The same for a session of somebody unknown."""
    return _token(services, project, principal, of_session(session_id), body)


def _token(services: Services, project: str, principal: Principal, owner: str, body: UserTokenIn) -> UserTokenView:
    key_id = body.key_id or principal.credential
    services.keys.get(project, key_id)
    expires_at = services.clock.now() + timedelta(seconds=body.expires_in_seconds)
    token = services.tokens.user(UserClaim(project, owner, key_id, expires_at))
    return UserTokenView(token=token, expires_at=expires_at)


@router.get("/users/{user_id}/export", operation_id="exportUser", summary="Export user", responses=responses(400))
def export(
    user_id: UserId, project: CanAdminister, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 100
) -> UserExport:
    """Everything that erasing the user would remove: his profile, and his events page by page, newest first."""
    listing = (project, "export", user_id)
    start = services.tokens.start(cursor, *listing)
    user, page = services.erasure.export_user(project, user_id, start, limit)
    return UserExport(
        profile=UserView.model_validate(user) if user else None,
        events=[EventView.model_validate(event) for event in page.records],
        next_cursor=services.tokens.cursor(page.next_start, *listing),
    )


@router.get("/export", operation_id="exportProject", summary="Export project", responses=responses(400))
def export_project(
    project: CanAdminister, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 100
) -> ProjectExport:
    """All data of the project: items, then users, then events. A page can be empty and have a next one."""
    listing = (project, "export")
    kind, page = services.erasure.export_project(project, services.tokens.start(cursor, *listing), limit)
    return ProjectExport.model_validate(
        {kind: page.records, "next_cursor": services.tokens.cursor(page.next_start, *listing)}, from_attributes=True
    )


@router.delete(
    "/users/{user_id}",
    operation_id="eraseUser",
    summary="Erase user",
    responses=responses() | accepted.documented(ReceiptView),
)
def erase(user_id: UserId, project: CanAdminister, services: ServicesDep, response: Response) -> ReceiptView:
    """Remove profile, events and all else that names the user, and refuse what comes late. Answers with a receipt.

    Very many events take several requests: the answer is 202 until the receipt is complete.
    """
    return _erase(services, project, user_id, response)


@router.delete(
    "/sessions/{session_id}",
    operation_id="eraseSession",
    summary="Erase session",
    responses=responses() | accepted.documented(ReceiptView),
)
def erase_session(
    session_id: SessionId, project: CanAdminister, services: ServicesDep, response: Response
) -> ReceiptView:
    """Remove the events of a session that was not merged into a user, and refuse what comes late."""
    return _erase(services, project, of_session(session_id), response)


def _erase(services: Services, project: str, owner: str, response: Response) -> ReceiptView:
    receipt = services.erasure.erase_user(project, owner)
    if not receipt.complete:
        accepted.ask_again(response)
    return ReceiptView.model_validate(receipt)


@router.get("/users/{user_id}/erasure", operation_id="getErasure", summary="Get erasure", responses=responses(404))
def get_erasure(user_id: UserId, project: CanAdminister, services: ServicesDep) -> ReceiptView:
    """The receipt of an erased user."""
    return ReceiptView.model_validate(services.erasure.receipt(project, user_id))


@router.post(
    "/users/{user_id}:readmit",
    operation_id="readmitUser",
    summary="Readmit user",
    status_code=204,
    responses=responses(404),
)
def readmit(user_id: UserId, project: CanAdminister, services: ServicesDep) -> None:
    """Accept data of an erased user again. Their receipt is deleted."""
    services.erasure.readmit(project, user_id)
