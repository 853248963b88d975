"""The bodies of requests and responses about users and sessions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.api.schemas.fields import Body, Patch, Properties, SessionField, UserField, View
from app.api.schemas.records import MAX_RECORDS
from app.domain.users import User


class UserIn(Body):
    properties: Properties = Field(
        default_factory=dict, description="Any JSON facts, up to 390 KB.", examples=[{"country": "NL"}]
    )

    def record(self, user_id: str) -> User:
        return User(user_id, self.properties)


class UserPatch(Patch):
    properties: Properties = Field(
        default_factory=dict,
        description="Merged by RFC 7396: null removes a property.",
        examples=[{"country": "NL", "newsletter": None}],
    )


class BatchUser(UserIn):
    user_id: UserField


class UsersIn(Body):
    users: Annotated[list[BatchUser], Field(min_length=1, max_length=MAX_RECORDS, description="The users to store.")]


class UserView(View):
    user_id: Annotated[str, Field(description="The id of the user.", examples=["ann"])]
    properties: Annotated[dict[str, Any], Field(description="The properties.", examples=[{"country": "NL"}])]
    created_at: Annotated[datetime, Field(description="The time of the first PUT.", examples=["2026-11-24T10:15:00Z"])]
    updated_at: Annotated[
        datetime, Field(description="The time of the last change.", examples=["2026-11-24T10:15:00Z"])
    ]


class UserPage(BaseModel):
    users: Annotated[list[UserView], Field(description="The users.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class MergeIn(Body):
    session_id: SessionField


class MergeView(BaseModel):
    moved: Annotated[int, Field(description="The number of events that were moved.")]
    complete: Annotated[bool, Field(description="If false, some events are left; send the request again.")]
