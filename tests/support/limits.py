"""Requests against rate limits and quotas."""

from contextlib import suppress

from app.domain.access import Principal
from app.errors import LimitExceeded
from app.services.access.rate_limits import Limiter


def spent(limiter: Limiter, principal: Principal, tries: int) -> int:
    """The number of requests that pass."""
    passed = 0
    for _ in range(tries):
        with suppress(LimitExceeded):
            limiter.spend(principal)
            passed += 1
    return passed
