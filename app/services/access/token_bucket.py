"""The shared state of a key's rate limit and daily quota, and what may be taken from it.

The arithmetic is the generic cell rate algorithm (ITU-T I.371): the state of a bucket is the time at which it will be
full.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.domain.access import Limits
from app.storage.buckets import Bucket

MICROSECONDS = 1_000_000
DAY_SECONDS = 86_400
SKEW_SECONDS = 60
"""By how much the clocks of instances may differ."""
ROUNDING = 1e-9
RATE, QUOTA = "rate", "day"
"""Names of the policies."""


@dataclass(frozen=True, slots=True)
class Taken:
    tokens: int
    bucket: Bucket
    policy: str = RATE
    wait_seconds: float = 0.0
    left_in_bucket: int | None = None
    left_today: int | None = None


def take(
    bucket: Bucket, limits: Limits, now: datetime, wanted: int, unspent: int, reserved: tuple[int, int] = (0, 0)
) -> Taken:
    """Takes up to `wanted` tokens of a bucket and the day's quota, or returns how long to wait for the next.

    `reserved` is how many tokens of the bucket and of the quota are not taken.
    """
    kept, kept_today = reserved
    day, micros = day_of(now), round(now.timestamp() * MICROSECONDS)
    used = max(0, used_today(bucket, now) - unspent)
    left_today = None if limits.requests_per_day is None else limits.requests_per_day - used
    if left_today is not None and left_today <= kept_today:
        return Taken(0, bucket, QUOTA, seconds_of_day_left(now), None, 0)
    left_in_bucket, interval = tokens_left(bucket, limits, micros), 0.0
    full_at = _full_at(bucket, limits, micros)
    if limits.requests_per_second is not None and left_in_bucket is not None:
        interval = MICROSECONDS / limits.requests_per_second
        if left_in_bucket <= kept:
            wait = (full_at - micros - (limits.bucket_size - 1 - kept) * interval) / MICROSECONDS
            return Taken(0, bucket, RATE, wait, 0, left_today)
    available = (
        None if left_in_bucket is None else left_in_bucket - kept,
        None if left_today is None else left_today - kept_today,
    )
    tokens = min(wanted, *(left for left in (*available, wanted) if left is not None))
    return Taken(
        tokens,
        replace(bucket, full_at=math.ceil(full_at + tokens * interval), day=day, used=used + tokens),
        left_in_bucket=None if left_in_bucket is None else left_in_bucket - tokens,
        left_today=None if left_today is None else left_today - tokens,
    )


def used_today(bucket: Bucket, now: datetime) -> int:
    return bucket.used if bucket.day == day_of(now) else 0


def tokens_left(bucket: Bucket, limits: Limits, micros: int) -> int | None:
    """Returns the tokens of the bucket, at a time in microseconds since 1970; None without a rate."""
    if limits.requests_per_second is None:
        return None
    interval = MICROSECONDS / limits.requests_per_second
    return math.floor((micros + limits.bucket_size * interval - _full_at(bucket, limits, micros)) / interval + 1e-9)


def _full_at(bucket: Bucket, limits: Limits, micros: int) -> float:
    """Returns when the bucket will be full: now, if a clock that was far ahead has written a time that cannot be."""
    full_at = max(bucket.full_at, micros)
    if limits.requests_per_second is None:
        return full_at
    latest = micros + (limits.bucket_size / limits.requests_per_second + SKEW_SECONDS) * MICROSECONDS
    return full_at if full_at <= latest else micros


def spent(full_at: float, now: float, interval: float, size: float) -> tuple[float, float]:
    """Spends one token of a bucket in memory (GCRA), all in seconds of one clock.

    Returns when the bucket will be full again, and how much too early it is for the token: there was one unless that is
    more than ROUNDING.
    """
    full_again_at = max(full_at, now) + interval
    return full_again_at, full_again_at - now - size * interval


def day_of(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def seconds_of_day_left(now: datetime) -> int:
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return min(DAY_SECONDS, math.ceil((midnight - now).total_seconds()))
