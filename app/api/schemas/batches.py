"""The sizes of batches, and the response to one."""

from typing import Annotated

from pydantic import BaseModel, Field

MAX_EVENTS = 500
MAX_RECORDS = 100


class Stored(BaseModel):
    changed: Annotated[int, Field(description="The number of records that were new or different.")]
