"""Problem documents (RFC 9457)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.domain.fields import ID_RULE


class ProblemError(BaseModel):
    pointer: Annotated[str, Field(description="A JSON pointer into the body, or the name of a parameter.")]
    detail: Annotated[
        str,
        Field(description="What is wrong with it.", examples=[f"must be {ID_RULE}"]),
    ]


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    type: Annotated[str, Field(description="The URI of the problem type.", examples=["urn:serendip:problem:not-found"])]
    title: Annotated[str, Field(description="The title of the problem type.", examples=["Not found"])]
    status: Annotated[int, Field(description="The HTTP status.", examples=[404])]
    detail: Annotated[str, Field(description="What happened, and what to do.", examples=["There is no such item."])]
    instance: Annotated[str, Field(description="The id of the request.")]
    errors: Annotated[list[ProblemError] | None, Field(description="The bad fields of the input.")] = None
