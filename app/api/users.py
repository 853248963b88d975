"""/v1/users"""

from fastapi import APIRouter

from app.api.deps import Cursor, Given, PageLimit, Project, UserId
from app.api.problems import responses
from app.api.schemas import EventPage, EventView, Stored, UserIn, UserPage, UserPatch, UsersIn, UserView

router = APIRouter(prefix="/v1", tags=["users"])


@router.put("/users/{user_id}", operation_id="putUser", summary="Put user", responses=responses(409, 413, 415))
def put(user_id: UserId, body: UserIn, project: Project, services: Given) -> UserView:
    """Create or replace a user. Events may be sent for users that were never put."""
    return UserView.model_validate(services.catalog.put_user(project, body.record(user_id)))


@router.get("/users/{user_id}", operation_id="getUser", summary="Get user", responses=responses(404))
def get(user_id: UserId, project: Project, services: Given) -> UserView:
    """One user."""
    return UserView.model_validate(services.catalog.get_user(project, user_id))


@router.patch(
    "/users/{user_id}", operation_id="patchUser", summary="Patch user", responses=responses(404, 409, 413, 415)
)
def patch(user_id: UserId, body: UserPatch, project: Project, services: Given) -> UserView:
    """Merge properties (RFC 7396)."""
    return UserView.model_validate(services.catalog.patch_user(project, user_id, body.changes()))


@router.delete(
    "/users/{user_id}", operation_id="deleteUser", summary="Delete user", status_code=204, responses=responses(404)
)
def delete(user_id: UserId, project: Project, services: Given) -> None:
    """Delete the user's record; his events stay."""
    services.catalog.delete_user(project, user_id)


@router.get("/users", operation_id="listUsers", summary="List users", responses=responses())
def list_(project: Project, services: Given, cursor: Cursor = None, limit: PageLimit = 50) -> UserPage:
    """All users, in no particular order."""
    listing = (project, "users")
    page = services.catalog.list_users(project, services.tokens.start(cursor, *listing), limit)
    users = [UserView.model_validate(user) for user in page.records]
    return UserPage(users=users, next_cursor=services.tokens.cursor(page.next_start, *listing))


@router.post("/users:batch", operation_id="putUsers", summary="Put users", responses=responses(413, 415))
def put_many(body: UsersIn, project: Project, services: Given) -> Stored:
    """Create or replace up to 100 users: all are accepted, or all refused."""
    return Stored(changed=services.catalog.put_users(project, [user.record(user.user_id) for user in body.users]))


@router.get("/users/{user_id}/events", operation_id="listUserEvents", summary="List user events", responses=responses())
def events(
    user_id: UserId, project: Project, services: Given, cursor: Cursor = None, limit: PageLimit = 50
) -> EventPage:
    """A user's events, newest first."""
    listing = (project, "events", user_id)
    page = services.events.list_page(project, user_id, services.tokens.start(cursor, *listing), limit)
    found = [EventView.model_validate(event, from_attributes=True) for event in page.records]
    return EventPage(events=found, next_cursor=services.tokens.cursor(page.next_start, *listing))
