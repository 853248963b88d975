"""/v1/users/{id}/export and /v1/export"""

from fastapi import APIRouter

from app.api.http.dependencies import Cursor, PageLimit, ServicesDep, UserId
from app.api.http.routing.operations import Operation
from app.api.http.security import ProjectForAdmin
from app.api.schemas.events import EventView
from app.api.schemas.privacy import ProjectExport, UserExport
from app.api.schemas.users import UserView

router = APIRouter(prefix="/v1", tags=["users"], route_class=Operation)


@router.get("/users/{user_id}/export")
def export_user(
    user_id: UserId, project: ProjectForAdmin, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 100
) -> UserExport:
    """Export everything that an erasure removes: the profile, and pages of events, newest first."""
    listing = (project, "export", user_id)
    start = services.tokens.start(cursor, *listing)
    user, page = services.erasure.export_user(project, user_id, start, limit)
    return UserExport(
        profile=UserView.model_validate(user) if user else None,
        events=[EventView.model_validate(event) for event in page.records],
        next_cursor=services.tokens.cursor(page.next_start, *listing),
    )


@router.get("/export")
def export_project(
    project: ProjectForAdmin, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 100
) -> ProjectExport:
    """Export all items, then all users, then all events. An empty page can have a next page."""
    listing = (project, "export")
    kind, page = services.erasure.export_project(project, services.tokens.start(cursor, *listing), limit)
    return ProjectExport.model_validate(
        {kind: page.records, "next_cursor": services.tokens.cursor(page.next_start, *listing)}, from_attributes=True
    )
