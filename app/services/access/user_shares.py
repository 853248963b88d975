"""What one user may take of the limits of the key that made their token, and all users together.

The requests of one user are counted in this process alone: counting them in the database would cost a call for nearly
every request, because few users send two within the time of a lease. All users together leave a tenth of the key's
shared bucket and quota to the key itself, with any number of processes.
"""

import math
from dataclasses import dataclass
from threading import Lock

from cachetools import LRUCache

from app.clock import Clock
from app.domain.access import Limits, Principal
from app.errors import LimitExceeded
from app.services.access.token_bucket import QUOTA, RATE, ROUNDING, day_of, seconds_of_day_left, spent

USER_PART = 4
"""A user may take a quarter of their key's rate, burst and quota."""
KEY_PART = 10
"""A tenth of a key's bucket and quota is only for the key itself."""
MAX_USERS = 20_000


@dataclass(slots=True)
class _Share:
    full_at: float = 0.0
    """When the user's bucket is full again (GCRA), in seconds of the monotonic clock."""
    day: str = ""
    used: int = 0


def share_of_user(limits: Limits) -> Limits:
    """Returns the limits of one user's share."""
    rate, quota = limits.requests_per_second, limits.requests_per_day
    return Limits(
        requests_per_second=None if rate is None else rate / USER_PART,
        burst=None if rate is None else max(1, limits.bucket_size // USER_PART),
        requests_per_day=None if quota is None else max(1, quota // USER_PART),
    )


def share_of_key(limits: Limits) -> tuple[int, int]:
    """Returns how many requests at once and a day are only for the key itself."""
    return limits.bucket_size // KEY_PART, (limits.requests_per_day or 0) // KEY_PART


class UserShares:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shares: LRUCache[tuple[str, str, str], _Share] = LRUCache(MAX_USERS)
        self._lock = Lock()

    def spend(self, principal: Principal) -> tuple[int | None, int | None]:
        """Spends one request of a user's share; returns how many are left at once and today.

        Raises:
            LimitExceeded: none is left.
        """
        limits, now, today = share_of_user(principal.limits), self._clock.monotonic(), self._clock.now()
        day = day_of(today)
        left_at_once = left_today = None
        with self._lock:
            name = (principal.project, principal.credential, principal.owner)
            share = self._shares.setdefault(name, _Share())
            if limits.requests_per_day is not None:
                left_today = limits.requests_per_day - 1 - (share.used if share.day == day else 0)
                if left_today < 0:
                    raise _exceeded("daily quota", QUOTA, seconds_of_day_left(today))
            if limits.requests_per_second is not None:
                interval = 1 / limits.requests_per_second
                full_at, early = spent(share.full_at, now, interval, limits.bucket_size)
                if early > ROUNDING:
                    raise _exceeded("rate", RATE, max(1, math.ceil(early)))
                share.full_at, left_at_once = full_at, math.floor(-early / interval + ROUNDING)
            share.used, share.day = (share.used if share.day == day else 0) + 1, day
        return left_at_once, left_today


def _exceeded(limit: str, policy: str, seconds: int) -> LimitExceeded:
    detail = f"The user's share of the key's {limit} is used up. Try again in {seconds} s."
    return LimitExceeded(detail, policy, seconds)
