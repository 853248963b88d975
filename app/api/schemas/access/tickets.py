"""The bodies of tickets for sockets."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api.schemas.fields import Body, Id
from app.domain.users import of_session


class TicketIn(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "required": ["user_id", "session_id"],
                "properties": {"user_id": {"type": "string"}, "session_id": {"type": "string"}},
            }
        }
    )

    user_id: Annotated[Id | None, Field(description="The only user whose list the socket gets.", examples=["ann"])] = (
        None
    )
    session_id: Annotated[
        Id | None, Field(description="The only session whose list it gets.", examples=["c2Vzc2lvbg"])
    ] = None

    @model_validator(mode="after")
    def check_one(self) -> Self:
        if self.user_id is not None and self.session_id is not None:
            raise ValueError("takes a user_id or a session_id, not both")
        return self

    @property
    def owner(self) -> str | None:
        return self.user_id if self.session_id is None else of_session(self.session_id)


class TicketView(BaseModel):
    ticket: Annotated[str, Field(description="The value of `?ticket=` in the URL of the socket.")]
    expires_at: Annotated[
        datetime, Field(description="The time when the ticket expires.", examples=["2026-11-24T10:15:00Z"])
    ]
    socket_url: Annotated[
        str | None,
        Field(
            description="The address of live sockets; null if it is `/v1/socket` of this server.",
            examples=["wss://a1b2.execute-api.eu-west-1.amazonaws.com/live"],
        ),
    ]
