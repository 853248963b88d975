"""The sizes of batches, and the response to one."""

from typing import Annotated

from pydantic import BaseModel, Field

MAX_EVENTS = 500
MAX_RECORDS = 100


class Stored(BaseModel):
    changed: Annotated[int, Field(description="How many records were new or different.")]
