"""Work that takes several requests: the status is 202 until it is complete."""

from typing import Any

from fastapi import Response
from pydantic import BaseModel

ACCEPTED = 202


def documented(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {ACCEPTED: {"model": model, "description": "The work is not complete; send the request again."}}


def ask_again(response: Response, seconds: int = 1) -> None:
    """Sets the status 202, and says when to send the request again."""
    response.status_code = ACCEPTED
    response.headers["Retry-After"] = str(seconds)
