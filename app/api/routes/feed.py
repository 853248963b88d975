"""GET of /v1/events, /v1/event-failures and /v1/event-refusals"""

from fastapi import APIRouter

from app.api.http.dependencies import (
    Cursor,
    EventTypeOf,
    FromTime,
    ItemOf,
    PageLimit,
    ServicesDep,
    SessionOf,
    ToTime,
    UserOf,
)
from app.api.http.routing.operations import Operation
from app.api.http.security import ProjectForAdmin, ProjectForWriting
from app.api.schemas.events import FailurePage, FailureView, FeedEventView, FeedPage, RefusalList, RefusalView
from app.domain.events import EventSelection
from app.domain.users import of_session
from app.services.events import check_conditions

router = APIRouter(prefix="/v1", tags=["events"], route_class=Operation)


@router.get("/events")
def list_events(
    project: ProjectForWriting,
    services: ServicesDep,
    user_id: UserOf = None,
    session_id: SessionOf = None,
    item_id: ItemOf = None,
    event_type: EventTypeOf = None,
    from_time: FromTime = None,
    to_time: ToTime = None,
    cursor: Cursor = None,
    limit: PageLimit = 50,
) -> FeedPage:
    """List the newest events of all users that meet all conditions, by their own time, newest first.

    A page examines at most 1,000 events, of two months: a short or empty page can have a next page. Events of the last
    second may be missing; those of one user never are.
    """
    owner = user_id if session_id is None else of_session(session_id)
    selection = EventSelection(owner, item_id, event_type, from_time, to_time)
    check_conditions(user_id, session_id, selection)
    listing = (project, "feed", *map(str, (user_id, session_id, item_id, event_type, from_time, to_time)))
    page = services.feed.page(project, selection, services.tokens.start(cursor, *listing), limit)
    events = [FeedEventView.of(event) for event in page.records]
    next_cursor = services.tokens.cursor(page.next_start, *listing)
    return FeedPage(events=events, next_cursor=next_cursor, searched_to=services.feed.reached(page))


@router.get("/event-failures")
def list_event_failures(
    project: ProjectForAdmin, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 50
) -> FailurePage:
    """List the events that are stored, but could not be counted, with the reasons. Kept for two weeks."""
    listing = (project, "event-failures")
    page = services.failures.list_page(project, services.tokens.start(cursor, *listing), limit)
    failures = [FailureView.model_validate(failure) for failure in page.records]
    return FailurePage(failures=failures, next_cursor=services.tokens.cursor(page.next_start, *listing))


@router.get("/event-refusals")
def list_event_refusals(project: ProjectForAdmin, services: ServicesDep, limit: PageLimit = 50) -> RefusalList:
    """List the newest requests with events that were refused, with the faults, so that a broken sender is noticed.

    A sample: each instance keeps one refusal in ten seconds, for two weeks. The response to a refused request has all.
    """
    refusals = services.refusals.newest(project, limit)
    return RefusalList(refusals=[RefusalView.model_validate(refusal) for refusal in refusals])
