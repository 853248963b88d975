"""/v1/users/{id}/tokens and /v1/sessions/{id}/tokens: tokens for browsers"""

from datetime import timedelta

from fastapi import APIRouter

from app.api.http.dependencies import ServicesDep, SessionId, UserId
from app.api.http.idempotency import RepeatableRoute
from app.api.http.responses import responses
from app.api.http.security import PrincipalDep, ProjectForWriting
from app.api.schemas.access.user_tokens import UserTokenIn, UserTokenView
from app.domain.access import Principal, Scope, of_user
from app.domain.users import of_session
from app.services.access.authentication import UserClaim
from app.services.bundle import Services

router = APIRouter(prefix="/v1", tags=["users"], route_class=RepeatableRoute)


@router.post("/users/{user_id}/tokens", status_code=201, responses=responses(404))
def create_user_token(
    user_id: UserId, body: UserTokenIn, project: ProjectForWriting, principal: PrincipalDep, services: ServicesDep
) -> UserTokenView:
    """Create a token that lets a browser read the recommendations of this user only.

    If the key has the scope `events:own`, the browser can also send events of this user.
    """
    return _token(services, project, principal, user_id, body)


@router.post("/sessions/{session_id}/tokens", status_code=201, responses=responses(404))
def create_session_token(
    session_id: SessionId, body: UserTokenIn, project: ProjectForWriting, principal: PrincipalDep, services: ServicesDep
) -> UserTokenView:
    """Create a token that lets a browser read the recommendations of this session only.

    If the key has the scope `events:own`, the browser can also send events of this session.
    """
    return _token(services, project, principal, of_session(session_id), body)


def _token(services: Services, project: str, principal: Principal, owner: str, body: UserTokenIn) -> UserTokenView:
    key_id = body.key_id or principal.credential
    scopes = of_user(services.keys.get(project, key_id).scopes | {Scope.RECOMMEND})
    expires_at = services.clock.now() + timedelta(seconds=body.expires_in_seconds)
    token = services.tokens.user(UserClaim(project, owner, key_id, expires_at))
    return UserTokenView(token=token, scopes=sorted(scopes), expires_at=expires_at)
