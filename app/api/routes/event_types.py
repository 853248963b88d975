"""/v1/event-types and /v1/settings"""

from typing import Annotated

from fastapi import APIRouter, Path

from app.api.http.dependencies import ServicesDep
from app.api.http.responses import responses
from app.api.http.routing.operations import Operation
from app.api.http.security import ProjectForAdmin
from app.api.schemas.event_types import EventTypeIn, EventTypeList, EventTypeView, SettingsIn, SettingsView
from app.api.schemas.fields import Id

router = APIRouter(prefix="/v1", tags=["event types"], route_class=Operation)
EventTypeName = Annotated[
    Id, Path(description="An event type; letter case, `_` and `-` do not matter.", examples=["add_to_cart"])
]


@router.get("/event-types")
def list_event_types(project: ProjectForAdmin, services: ServicesDep) -> EventTypeList:
    """List the event types that came lately or have weights of the project's own, with weights and counts."""
    return EventTypeList(event_types=[EventTypeView.of(each) for each in services.event_types.all(project)])


@router.get("/event-types/{event_type}")
def get_event_type(event_type: EventTypeName, project: ProjectForAdmin, services: ServicesDep) -> EventTypeView:
    """Get the weights of an event type, and how often it came lately in any spelling."""
    return EventTypeView.of(services.event_types.get(project, event_type))


@router.put("/event-types/{event_type}")
def put_event_type(
    event_type: EventTypeName, body: EventTypeIn, project: ProjectForAdmin, services: ServicesDep
) -> EventTypeView:
    """Set the weights and meaning of an event type. Lists use them for later events, models from the next training."""
    return EventTypeView.of(services.event_types.put(project, event_type, body.changes(), body.means))


@router.delete("/event-types/{event_type}", status_code=204, responses=responses(404))
def delete_event_type(event_type: EventTypeName, project: ProjectForAdmin, services: ServicesDep) -> None:
    """Give an event type its default weights again."""
    services.event_types.delete(project, event_type)


@router.get("/settings")
def get_settings(project: ProjectForAdmin, services: ServicesDep) -> SettingsView:
    """Get what the project decides."""
    return SettingsView.of(services.tuning.stored(project))


@router.put("/settings")
def put_settings(body: SettingsIn, project: ProjectForAdmin, services: ServicesDep) -> SettingsView:
    """Replace what the project decides. Other instances follow within the time that keys are cached."""
    stored = services.tuning.put(project, unknown_items=body.recommend_unknown_items, origins=body.origins)
    return SettingsView.of(stored)
