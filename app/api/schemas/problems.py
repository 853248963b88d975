"""Problem documents (RFC 9457)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ProblemError(BaseModel):
    pointer: Annotated[str, Field(description="JSON pointer into the body, or a parameter's name.")]
    detail: str


class Problem(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    type: str
    title: str
    status: int
    detail: str
    instance: Annotated[str, Field(description="The request's id.")]
    errors: list[ProblemError] | None = None
