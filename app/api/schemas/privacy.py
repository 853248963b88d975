"""The receipts of erasures, and exports."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.api.schemas.events import EventView
from app.api.schemas.fields import View
from app.api.schemas.items import ItemView
from app.api.schemas.users import UserView


class ReceiptView(View):
    receipt_id: Annotated[str, Field(description="The id of the receipt.")]
    started_at: Annotated[
        datetime, Field(description="The time of the first request.", examples=["2026-11-24T10:15:00Z"])
    ]
    removed: Annotated[dict[str, int], Field(description="The number of removed records by kind.")]
    complete: Annotated[bool, Field(description="Whether everything is removed.", examples=[True])]
    completed_at: Annotated[
        datetime | None, Field(description="The time when everything was removed.", examples=["2026-11-24T10:15:00Z"])
    ]


class UserExport(BaseModel):
    profile: Annotated[UserView | None, Field(description="The user; null if they were never put.")]
    events: Annotated[list[EventView], Field(description="The events, newest first.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class ProjectExport(BaseModel):
    """A page of items, users or events."""

    items: list[ItemView] = Field(default_factory=list)
    users: list[UserView] = Field(default_factory=list)
    events: list[EventView] = Field(default_factory=list)
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]
