"""The bodies of requests and responses about model versions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.api.schemas.fields import Body, View
from app.domain.models import VersionState


class TrainingIn(Body):
    force: Annotated[bool, Field(description="Activate the version even if it is judged clearly worse.")] = False


class VersionView(View):
    version: str
    state: VersionState
    active: bool
    created_at: datetime
    heartbeat_at: datetime
    phase: str
    progress: float
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    counts: dict[str, int]
    detail: str | None
    seconds: float | None


class ActiveView(View):
    version: str
    previous: str | None
    activated_at: datetime


class VersionPage(BaseModel):
    versions: list[VersionView]
    next_cursor: str | None
