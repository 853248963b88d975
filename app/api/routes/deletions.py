"""DELETE of /v1/events and /v1/imports/{id}"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema

from app.api.http.dependencies import ImportId, ServicesDep
from app.api.http.operations import Operation
from app.api.http.responses import responses
from app.api.http.security import ProjectForAdmin
from app.api.routes.jobs import created
from app.api.schemas.fields import Anytime, Id
from app.api.schemas.jobs import JobView
from app.domain.jobs import DeletionRequest, UndoRequest
from app.services.events import check_deletion
from app.services.jobs import check_undo

router = APIRouter(prefix="/v1", tags=["events"], route_class=Operation)

User = Annotated[Id | None, Query(description="Only events of this user.", examples=["ann"])]
Session = Annotated[Id | None, Query(description="Only events of this session.", examples=["c2Vzc2lvbg"])]
ItemOf = Annotated[Id | None, Query(description="Only events about this item.", examples=["sku-1042"])]
Type = Annotated[Id | None, Query(description="Only events of this type.", examples=["view"])]
Time = Annotated[Anytime, WithJsonSchema({"type": "string", "format": "date-time"})]
From = Annotated[
    Time | None,
    Query(description="Only events at this time or later: ISO 8601 with an offset.", examples=["2026-01-31T12:00:00Z"]),
]
To = Annotated[
    Time | None,
    Query(description="Only events before this time: ISO 8601 with an offset.", examples=["2026-02-28T12:00:00Z"]),
]


@router.delete("/events", status_code=202, responses=responses(501))
def delete_events(
    project: ProjectForAdmin,
    services: ServicesDep,
    request: Request,
    response: Response,
    user_id: User = None,
    session_id: Session = None,
    item_id: ItemOf = None,
    event_type: Type = None,
    from_time: From = None,
    to_time: To = None,
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
