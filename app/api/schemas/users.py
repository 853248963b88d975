"""The bodies of requests and responses about users and sessions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.api.schemas.batches import MAX_RECORDS
from app.api.schemas.fields import Body, Id, Patch, Properties, View
from app.domain.users import User


class UserIn(Body):
    properties: Properties = Field(default_factory=dict)

    def record(self, user_id: str) -> User:
        return User(user_id, self.properties)


class UserPatch(Patch):
    properties: Properties = Field(default_factory=dict)


class BatchUser(UserIn):
    user_id: Id


class UsersIn(Body):
    users: Annotated[list[BatchUser], Field(min_length=1, max_length=MAX_RECORDS)]


class UserView(View):
    user_id: str
    properties: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class UserPage(BaseModel):
    users: list[UserView]
    next_cursor: str | None


class MergeIn(Body):
    session_id: Id


class MergeView(BaseModel):
    moved: Annotated[int, Field(description="Events of the session that are the user's now.")]
    complete: Annotated[bool, Field(description="False: some are left; send the request again.")]
