"""The response of health checks."""

from typing import Annotated

from pydantic import BaseModel, Field


class Health(BaseModel):
    status: Annotated[str, Field(description="Always `ok`; problems have a status of 503.", examples=["ok"])]
