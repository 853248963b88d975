"""The caller of a request, as its credentials describe it."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.api.schemas.access.keys import LimitsView
from app.domain.access import ADMINISTRATION, Principal, Scope


class PrincipalView(BaseModel):
    project: Annotated[str, Field(description="The project of the credentials.", examples=["shop"])]
    scopes: Annotated[list[Scope], Field(description="The scopes, with those they include.", examples=[["recommend"]])]
    administration: Annotated[
        bool, Field(description="Whether the credentials manage projects; they have no data then.", examples=[False])
    ]
    user_id: Annotated[
        str | None, Field(description="The only user whose data can be used; null for all.", examples=["ann"])
    ]
    needs_user_token: Annotated[
        bool, Field(description="Whether recommendations of a user need a token of that user.", examples=[False])
    ]
    limits: Annotated[LimitsView, Field(description="The limits of the credentials.")]
    expires_at: Annotated[datetime | None, Field(description="The time when a token expires; null for a key.")]

    @classmethod
    def of(cls, principal: Principal) -> "PrincipalView":
        return cls(
            project=principal.project,
            scopes=sorted(principal.scopes),
            administration=principal.project == ADMINISTRATION,
            user_id=principal.user_id,
            needs_user_token=principal.needs_user_token,
            limits=LimitsView.model_validate(principal.limits),
            expires_at=principal.ends_at,
        )
