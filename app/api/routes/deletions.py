"""DELETE of /v1/events and /v1/imports/{id}"""

from fastapi import APIRouter, Request, Response

from app.api.http.dependencies import (
    EventTypeOf,
    FromTime,
    ImportId,
    ItemOf,
    ServicesDep,
    SessionOf,
    ToTime,
    UserOf,
)
from app.api.http.responses import responses
from app.api.http.routing.operations import Operation
from app.api.http.security import ProjectForAdmin
from app.api.routes.jobs import created
from app.api.schemas.jobs import JobView
from app.domain.jobs import DeletionRequest, UndoRequest
from app.services.events import check_deletion
from app.services.jobs import check_undo

router = APIRouter(prefix="/v1", tags=["events"], route_class=Operation)


@router.delete("/events", status_code=202, responses=responses(501))
def delete_events(
    project: ProjectForAdmin,
    services: ServicesDep,
    request: Request,
    response: Response,
    user_id: UserOf = None,
    session_id: SessionOf = None,
    item_id: ItemOf = None,
    event_type: EventTypeOf = None,
    from_time: FromTime = None,
    to_time: ToTime = None,
) -> JobView:
    """Delete the events that meet all conditions; there must be at least one. Returns a job.

    Lists, histories and exclusions follow within seconds of each deletion, models with the next training. Events that
    arrive during the job may stay. The user is not refused afterwards; to erase them, delete the user.
    """
    times = (time.isoformat() if time else None for time in (from_time, to_time))
    deletion = DeletionRequest(user_id, session_id, item_id, event_type, *times)
    check_deletion(deletion)
    return created(services.jobs.create(project, deletion), project, services, request, response)


@router.delete("/imports/{import_id}", status_code=202, responses=responses(409, 501))
def undo_import(
    import_id: ImportId, project: ProjectForAdmin, services: ServicesDep, request: Request, response: Response
) -> JobView:
    """Take back what an import added. Returns a job, which counts what it deleted and what stays.

    Deletes the events that this import wrote last, and the items and users that did not exist before it. Those that
    were changed since stay and count as `changed`. The job fails if nothing in the project carries the id.
    `GET /v1/jobs?kind=import` lists imports with their ids.
    """
    check_undo(services.jobs, project, import_id)
    return created(services.jobs.create(project, UndoRequest(import_id)), project, services, request, response)
