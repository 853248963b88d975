"""DELETE of /v1/users/{id} and /v1/sessions/{id}, its receipts, and :readmit"""

from fastapi import APIRouter, Response

from app.api.http.dependencies import ServicesDep, SessionId, UserId
from app.api.http.idempotency import RepeatableRoute
from app.api.http.responses import accepted, ask_again, responses
from app.api.http.security import ProjectForAdmin
from app.api.schemas.privacy import ReceiptView
from app.domain.users import of_session
from app.services.bundle import Services

router = APIRouter(prefix="/v1", tags=["users"], route_class=RepeatableRoute)


@router.delete("/users/{user_id}", responses=accepted(ReceiptView))
def erase_user(user_id: UserId, project: ProjectForAdmin, services: ServicesDep, response: Response) -> ReceiptView:
    """Remove the profile, events and all other data of a user, and refuse late events. Returns a receipt.

    Many events take several requests: the status is 202 until the receipt is complete.
    """
    return _erase(services, project, user_id, response)


@router.delete("/sessions/{session_id}", responses=accepted(ReceiptView))
def erase_session(
    session_id: SessionId, project: ProjectForAdmin, services: ServicesDep, response: Response
) -> ReceiptView:
    """Remove the events of a session that was not merged into a user, and refuse late events."""
    return _erase(services, project, of_session(session_id), response)


def _erase(services: Services, project: str, owner: str, response: Response) -> ReceiptView:
    receipt = services.erasure.erase_user(project, owner)
    if not receipt.complete:
        ask_again(response)
    return ReceiptView.model_validate(receipt)


@router.get("/users/{user_id}/erasure", responses=responses(404))
def get_erasure(user_id: UserId, project: ProjectForAdmin, services: ServicesDep) -> ReceiptView:
    """Get the receipt of an erased user."""
    return ReceiptView.model_validate(services.erasure.receipt(project, user_id))


@router.post("/users/{user_id}:readmit", status_code=204, responses=responses(404))
def readmit_user(user_id: UserId, project: ProjectForAdmin, services: ServicesDep) -> None:
    """Accept data of an erased user again. Their receipt is deleted."""
    services.erasure.readmit(project, user_id)
