"""Operations named after their functions."""

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute


class Operation(APIRoute):
    """A route whose function gives it its names: `put_item` has the operation id putItem and the summary Put item."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:  # noqa: ANN401 - FastAPI's
        words = endpoint.__name__.split("_")
        settings["operation_id"] = words[0] + "".join(map(str.capitalize, words[1:]))
        settings["summary"] = " ".join(words).capitalize()
        super().__init__(path, endpoint, **settings)
