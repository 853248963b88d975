"""The bodies of user tokens."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.api.schemas.fields import WHOLE, Body
from app.domain.access import Scope
from app.services.access.secret_keys import KEY_ID_PATTERN

LONGEST_TOKEN_SECONDS = 86_400


class UserTokenIn(Body):
    expires_in_seconds: Annotated[
        int,
        Field(
            ge=1, le=LONGEST_TOKEN_SECONDS, description="The seconds for which the token is valid.", examples=[3_600]
        ),
        WHOLE,
    ] = 3_600
    key_id: Annotated[
        Annotated[str, StringConstraints(pattern=KEY_ID_PATTERN)] | None,
        Field(
            description="The key that limits the token and ends it; the default is the key of the request.",
            examples=["a1b2c3d4e5f6"],
        ),
    ] = None


class UserTokenView(BaseModel):
    token: Annotated[str, Field(description="Send it as `Authorization: Bearer ...`.")]
    scopes: Annotated[
        list[Scope], Field(description="What the token may do for its user.", examples=[["events:own", "recommend"]])
    ]
    expires_at: Annotated[
        datetime, Field(description="The time when the token expires.", examples=["2026-11-24T10:15:00Z"])
    ]
