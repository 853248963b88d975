"""The response of health checks."""

from pydantic import BaseModel


class Health(BaseModel):
    status: str
