"""/v1/users"""

from fastapi import APIRouter, Response

from app.api.http.dependencies import Cursor, PageLimit, ServicesDep, UserId
from app.api.http.idempotency import RepeatableRoute
from app.api.http.preconditions import TAGGED, UNCHANGED, IfNoneMatch, ToChange, ToPut, tag, unchanged
from app.api.http.responses import accepted, ask_again, responses
from app.api.http.security import ProjectForWriting
from app.api.schemas.events import EventPage, EventView
from app.api.schemas.records import Stored
from app.api.schemas.users import MergeIn, MergeView, UserIn, UserPage, UserPatch, UsersIn, UserView

router = APIRouter(prefix="/v1", tags=["users"], route_class=RepeatableRoute)


@router.put("/users/{user_id}", responses={200: TAGGED})
def put_user(
    user_id: UserId,
    body: UserIn,
    project: ProjectForWriting,
    services: ServicesDep,
    expected: ToPut,
    response: Response,
) -> UserView:
    """Create or replace a user. Users who were never put can have events too."""
    user = services.users.put(project, body.record(user_id), expected)
    tag(response, user)
    return UserView.model_validate(user)


@router.get("/users/{user_id}", response_model=UserView, responses=responses(404) | {200: TAGGED, 304: UNCHANGED})
def get_user(
    user_id: UserId,
    project: ProjectForWriting,
    services: ServicesDep,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> UserView | Response:
    """Get a user."""
    user = services.users.get(project, user_id)
    tag(response, user)
    return unchanged(user, if_none_match) or UserView.model_validate(user)


@router.patch("/users/{user_id}", responses=responses(404) | {200: TAGGED})
def patch_user(
    user_id: UserId,
    body: UserPatch,
    project: ProjectForWriting,
    services: ServicesDep,
    expected: ToChange,
    response: Response,
) -> UserView:
    """Change some properties of a user; they are merged (RFC 7396)."""
    user = services.users.patch(project, user_id, body.changes(), expected)
    tag(response, user)
    return UserView.model_validate(user)


@router.get("/users")
def list_users(
    project: ProjectForWriting, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 50
) -> UserPage:
    """List users, in no particular order."""
    listing = (project, "users")
    page = services.users.list_page(project, services.tokens.start(cursor, *listing), limit)
    users = [UserView.model_validate(user) for user in page.records]
    return UserPage(users=users, next_cursor=services.tokens.cursor(page.next_start, *listing))


@router.post("/users:batch")
def put_users(body: UsersIn, project: ProjectForWriting, services: ServicesDep) -> Stored:
    """Create or replace 1 to 100 users, or none of them if some are invalid."""
    return Stored(changed=services.users.put_many(project, [user.record(user.user_id) for user in body.users]))


@router.post("/users/{user_id}:merge", responses=accepted(MergeView))
def merge_session(
    user_id: UserId, body: MergeIn, project: ProjectForWriting, services: ServicesDep, response: Response
) -> MergeView:
    """Move the events of a session to the user who has logged in. Their timestamps stay the same."""
    moved, complete = services.sessions.merge(project, body.session_id, user_id)
    if not complete:
        ask_again(response)
    return MergeView(moved=moved, complete=complete)


@router.get("/users/{user_id}/events")
def list_user_events(
    user_id: UserId, project: ProjectForWriting, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 50
) -> EventPage:
    """List the events of a user, newest first."""
    listing = (project, "events", user_id)
    page = services.events.list_page(project, user_id, services.tokens.start(cursor, *listing), limit)
    events = [EventView.model_validate(event, from_attributes=True) for event in page.records]
    return EventPage(events=events, next_cursor=services.tokens.cursor(page.next_start, *listing))
