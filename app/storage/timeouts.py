"""Attempts of botocore's clients that end with the deadline of the current request.

They replace a private method of botocore; `tests/storage/test_timeouts.py` fails if it changes.
"""

from typing import Any

from botocore.httpsession import URLLib3Session
from urllib3 import Timeout

from app.deadline import is_bounded, remaining_seconds

LEAST_SECONDS = 0.05
"""What an attempt gets that starts at the very end."""


class DeadlineSession(URLLib3Session):  # type: ignore[misc]
    """Sends requests of a client; connecting and waiting for a response end with the deadline."""

    def _get_request_timeout(self, request: Any) -> Timeout | None:  # noqa: ANN401 - botocore's signature
        if not is_bounded():
            timeout: Timeout | None = super()._get_request_timeout(request)
            return timeout
        left = max(remaining_seconds(), LEAST_SECONDS)
        return Timeout(left, connect=self._timeout.connect_timeout, read=self._timeout.read_timeout)


def end_with_deadline(client: Any) -> None:  # noqa: ANN401 - botocore creates its classes at run time
    """Makes all calls of a client end with the deadline of the request that they belong to, retries included."""
    client._endpoint.http_session.__class__ = DeadlineSession  # noqa: SLF001
    client.meta.events.register_first("needs-retry.*.*", _refuse_late_retry)


def _refuse_late_retry(attempts: int, response: object, **_: object) -> bool | None:
    """Returns False, which ends the retries, if the pause before the next attempt could outlast the deadline.

    botocore's standard mode pauses up to 2^(attempts - 1) seconds after an error response, at most 20 s:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    longest_pause_seconds = 0.0 if response is None else 2.0 ** (attempts - 1)
    return False if remaining_seconds() < longest_pause_seconds + LEAST_SECONDS else None
