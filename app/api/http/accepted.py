"""Work that takes several requests: its answers are 202 until it is complete."""

from typing import Any

from fastapi import Response
from pydantic import BaseModel

ACCEPTED = 202


def documented(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {ACCEPTED: {"model": model, "description": "Not complete: send it again"}}


def ask_again(response: Response, seconds: int = 1) -> None:
    """Answer 202, and say when to send the request again."""
    response.status_code = ACCEPTED
    response.headers["Retry-After"] = str(seconds)
