"""Errors of the client."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from serendip_client.models import ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2

    from serendip_client.models import EventIn


class SerendipError(Exception):
    """A refused request, with the fields of its problem document (RFC 9457).

    Attributes:
        status: the HTTP status.
        type: the URI of the problem type, such as `urn:serendip:problem:not-found`; `about:blank` without a document.
        title: the title of the problem type.
        detail: what happened, and what to do.
        instance: the id of the request in the server's log.
        errors: the bad fields of the input.
        retry_after_seconds: how long the server asks to wait before the next try.
    """

    def __init__(self, response: httpx2.Response) -> None:
        problem = _problem(response)
        self.status = response.status_code
        self.type = str(problem.get("type", "about:blank"))
        self.title = str(problem.get("title", response.reason_phrase))
        self.detail = str(problem.get("detail", response.text[:500]))
        self.instance = str(problem.get("instance", response.headers.get("X-Request-Id", "")))
        self.errors = [ProblemError.model_validate(error) for error in problem.get("errors") or ()]
        self.retry_after_seconds = retry_after_seconds(response)
        fields = "".join(f"\n  {error.pointer}: {error.detail}" for error in self.errors)
        super().__init__(f"{self.status} {self.title}: {self.detail}{fields}")


class UnsentEvents(Exception):
    """Events that the server has neither accepted nor refused when their sender was closed; `__cause__` says why."""

    def __init__(self, events: Sequence[EventIn]) -> None:
        self.events = events
        super().__init__(f"{len(events)} events were not sent.")


def retry_after_seconds(response: httpx2.Response) -> float | None:
    """Returns the seconds of `Retry-After`, which is a number of seconds or a date; None if there is none."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _problem(response: httpx2.Response) -> Mapping[str, Any]:
    try:
        content = response.json()
    except ValueError:  # a gateway's page
        return {}
    return content if isinstance(content, dict) and "title" in content else {}
