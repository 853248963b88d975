"""When a request is sent again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serendip_client.errors import retry_after_seconds

if TYPE_CHECKING:
    import httpx2

IDEMPOTENCY_KEY = "Idempotency-Key"
TRANSIENT = {429, 502, 503, 504}
IN_FLIGHT = 409
FIRST_WAIT_SECONDS = 0.25
MOST_DOUBLINGS = 1_000
"""2.0 to the power of 1,024 is an OverflowError."""


@dataclass(frozen=True)
class Retries:
    """Repeats requests after network errors and transient responses.

    Waits grow exponentially with full jitter, or are what `Retry-After` asks for. Every POST has an `Idempotency-Key`,
    so that it has one effect; other methods can be repeated anyway.

    Attributes:
        times: how often a request is sent again; 0 turns retries off.
        max_wait_seconds: the longest wait. A response that asks for a longer one counts as final.
    """

    times: int = 3
    max_wait_seconds: float = 20

    def wait_seconds(self, sent: int, response: httpx2.Response | None) -> float | None:
        """Returns the wait before a request that was sent so often is sent again; None if it is not.

        Args:
            sent: how often the request was sent.
            response: the last response; None after a network error.
        """
        if sent > self.times:
            return None
        longest = doubled(FIRST_WAIT_SECONDS, sent - 1, self.max_wait_seconds)
        backoff = random.uniform(0, longest)  # noqa: S311 - jitter is no secret
        if response is None:
            return backoff
        asked = retry_after_seconds(response)
        # A 409 with Retry-After means that an earlier try with the same Idempotency-Key is still running.
        if response.status_code not in TRANSIENT and (response.status_code != IN_FLIGHT or asked is None):
            return None
        if asked is None:
            return backoff
        return asked + backoff if asked <= self.max_wait_seconds else None


def doubled(seconds: float, times: int, longest: float) -> float:
    """Returns a wait after doubling it so many times, at most the longest."""
    return min(longest, seconds * 2.0 ** min(times, MOST_DOUBLINGS))
