"""Rate limit and daily quota of a key: a token bucket in DynamoDB, from which each instance takes leases.

A lease is a few tokens, taken with one conditional write and spent in memory within `lease_seconds`; its size follows
the demand that the instance sees. Instances spend leased tokens only, and the bucket never gives out more than it has,
so with any number of instances:

- at most burst + rate * W requests pass in the W seconds after the bucket was full;
- at most burst + rate * (W + lease_seconds) requests pass in any W seconds;
- at most the quota passes in a day (a killed instance loses the few tokens of its lease).

The arithmetic is the generic cell rate algorithm (ITU-T I.371): the state of a bucket is the time at which it will be
full.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from threading import Lock

from cachetools import LRUCache

from app.clock import Clock
from app.config import Settings
from app.domain.access import ApiKey, Limits, Principal
from app.errors import Conflict, LimitExceeded, Unavailable
from app.storage.buckets import Bucket, BucketStore

MICROSECONDS = 1_000_000
DAY_SECONDS = 86_400
MAX_LEASES = 20_000
USER_BYTES = 12
ATTEMPTS = 20
RATE, QUOTA = "rate", "day"
"""Names of the policies."""


@dataclass
class _Lease:
    """One key's tokens in this process."""

    tokens: int = 0
    ends_at: float = 0.0
    day: str = ""
    size: int = 1
    """The size of the next lease: doubled if the tokens ran out early, halved if some were left over."""
    refused_until: float = 0.0
    refusal: str = RATE
    holder: str = "key"
    """Whose tokens they are, in words."""
    left_in_bucket: int | None = None
    left_today: int | None = None
    bucket: Bucket | None = None
    """The bucket as it was last read or written."""
    borrowed: bool = False
    """Whether the tokens were not taken from the bucket, because the database is unavailable."""
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits and remaining requests of a key, for the headers of a response."""

    limits: Limits
    rate_left: int | None
    day_left: int | None
    day_seconds: int


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a key's limits is used, with the tokens that instances have leased."""

    requests_today: int
    left_at_once: int | None
    """Tokens in the bucket; None without a rate."""
    most_at_once: int | None
    """Tokens of a full bucket; None without a rate."""


class Limiter:
    def __init__(self, buckets: BucketStore, settings: Settings, clock: Clock) -> None:
        self._buckets, self._clock = buckets, clock
        self._secret = settings.secret.get_secret_value().encode()[: blake2b.MAX_KEY_SIZE]
        self._lease_seconds = settings.lease_seconds
        self._leases: LRUCache[tuple[str, str], _Lease] = LRUCache(MAX_LEASES)
        self._lock = Lock()

    def needs_lease(self, principal: Principal) -> bool:
        """Whether `spend` may need the database."""
        if not _limited(principal.limits):
            return False
        lease = self._lease(principal)
        return lease.lock.locked() or (not self._has_tokens(lease) and self._clock.monotonic() >= lease.refused_until)

    def spend_of_user(self, principal: Principal) -> None:
        """Spends a token of the user whose credentials these are, for a request with events.

        Raises:
            LimitExceeded: no tokens are left.
        """
        user = blake2b(str(principal.user_id).encode(), key=self._secret, digest_size=USER_BYTES).hexdigest()
        credential = f"{principal.credential}/{user}"
        self.spend(replace(principal, credential=credential, limits=principal.user_limits), "user")

    def spend(self, principal: Principal, holder: str = "key") -> Allowance | None:
        """Spends a token for one request. Returns None if the key has no limits.

        Args:
            principal: the credential and its limits.
            holder: who has the limits, for the error.

        Raises:
            LimitExceeded: no tokens are left.
        """
        limits = principal.limits
        if not _limited(limits):
            return None
        lease = self._lease(principal)
        with lease.lock:
            lease.holder = holder
            if not self._has_tokens(lease):
                if self._clock.monotonic() < lease.refused_until:
                    raise self._exceeded(lease)
                self._renew(principal, lease)
            lease.tokens -= 1
            return Allowance(
                limits,
                None if lease.left_in_bucket is None else lease.left_in_bucket + lease.tokens,
                None if lease.left_today is None else lease.left_today + lease.tokens,
                _seconds_of_day_left(self._clock.now()),
            )

    def use(self, key: ApiKey) -> Use | None:
        """Returns how much of a key's limits is used; None if it has none."""
        return self.uses(key.project, {key.key_id: key.limits}).get(key.key_id)

    def uses(self, project: str, limits: Mapping[str, Limits]) -> dict[str, Use]:
        """Returns how much of the limits of a project's keys is used, by key, without keys that have no limits."""
        limited = {credential: each for credential, each in limits.items() if _limited(each)}
        buckets, now = self._buckets.get_many(project, limited), self._clock.now()
        return {credential: _use(buckets.get(credential, Bucket()), each, now) for credential, each in limited.items()}

    def _lease(self, principal: Principal) -> _Lease:
        name = (principal.project, principal.credential)
        with self._lock:
            lease = self._leases.get(name)
            if lease is None:
                lease = self._leases[name] = _Lease()
        return lease

    def _has_tokens(self, lease: _Lease) -> bool:
        return lease.tokens > 0 and self._clock.monotonic() < lease.ends_at and lease.day == _day(self._clock.now())

    def _renew(self, principal: Principal, lease: _Lease) -> None:
        """Takes a new lease, or raises LimitExceeded if no tokens are left."""
        spendable = lease.day == _day(self._clock.now()) and not lease.borrowed
        unspent = lease.tokens if spendable else 0
        if self._clock.monotonic() < lease.ends_at:
            lease.size *= 2
        elif unspent:
            lease.size = max(1, lease.size // 2)
        lease.size = min(lease.size, _most_at_once(principal.limits, self._lease_seconds))
        try:
            taken = self._taken(principal, lease, unspent)
            lease.borrowed = False
        except Unavailable:
            tokens = _without_database(principal.limits, self._lease_seconds)
            taken = _Taken(tokens, Bucket(day=_day(self._clock.now())))
            lease.borrowed = True
        lease.tokens, lease.day = taken.tokens, taken.bucket.day
        lease.left_in_bucket, lease.left_today = taken.left_in_bucket, taken.left_today
        if not taken.tokens:
            lease.refused_until, lease.refusal = self._clock.monotonic() + taken.wait_seconds, taken.policy
            raise self._exceeded(lease)
        lease.ends_at = self._clock.monotonic() + self._lease_seconds

    def _taken(self, principal: Principal, lease: _Lease, unspent: int) -> "_Taken":
        """Takes tokens from the shared bucket; unspent tokens of the previous lease return to the day's quota."""
        project, credential = principal.project, principal.credential
        for _ in range(ATTEMPTS):
            taken = _take(lease.bucket or Bucket(), principal.limits, self._clock.now(), lease.size, unspent)
            if taken.tokens:
                try:
                    self._buckets.put(project, credential, taken.bucket, lease.bucket)
                except Conflict:
                    lease.bucket = self._buckets.get(project, credential)
                    continue
                lease.bucket = taken.bucket
                return taken
            stored = self._buckets.get(project, credential)
            if stored == lease.bucket:
                return taken
            lease.bucket = stored
        raise LimitExceeded("Too many requests with this key at once. Slow down.", RATE, 1)

    def _exceeded(self, lease: _Lease) -> LimitExceeded:
        seconds = max(1, math.ceil(lease.refused_until - self._clock.monotonic()))
        limit = "rate" if lease.refusal == RATE else "daily quota"
        detail = f"The {lease.holder}'s {limit} is used up. Try again in {seconds} s."
        return LimitExceeded(detail, lease.refusal, seconds)


@dataclass(frozen=True, slots=True)
class _Taken:
    tokens: int
    bucket: Bucket
    policy: str = RATE
    wait_seconds: float = 0.0
    left_in_bucket: int | None = None
    left_today: int | None = None


def _take(bucket: Bucket, limits: Limits, now: datetime, wanted: int, unspent: int) -> _Taken:
    """Takes up to `wanted` tokens of a bucket and the day's quota, or returns how long to wait for the next."""
    day, micros = _day(now), round(now.timestamp() * MICROSECONDS)
    used = max(0, _used_today(bucket, now) - unspent)
    left_today = None if limits.requests_per_day is None else limits.requests_per_day - used
    if left_today is not None and left_today <= 0:
        return _Taken(0, bucket, QUOTA, _seconds_of_day_left(now), None, 0)
    left_in_bucket, interval = _left_in_bucket(bucket, limits, micros), 0.0
    full_at = max(bucket.full_at, micros)
    if limits.requests_per_second is not None and left_in_bucket is not None:
        interval = MICROSECONDS / limits.requests_per_second
        if left_in_bucket <= 0:
            wait = (full_at - micros - (limits.bucket_size - 1) * interval) / MICROSECONDS
            return _Taken(0, bucket, RATE, wait, 0, left_today)
    tokens = min(wanted, *(left for left in (left_in_bucket, left_today, wanted) if left is not None))
    return _Taken(
        tokens,
        replace(bucket, full_at=math.ceil(full_at + tokens * interval), day=day, used=used + tokens),
        left_in_bucket=None if left_in_bucket is None else left_in_bucket - tokens,
        left_today=None if left_today is None else left_today - tokens,
    )


def _use(bucket: Bucket, limits: Limits, now: datetime) -> Use:
    left = _left_in_bucket(bucket, limits, round(now.timestamp() * MICROSECONDS))
    if left is None:
        return Use(_used_today(bucket, now), None, None)
    return Use(_used_today(bucket, now), max(0, left), limits.bucket_size)


def _used_today(bucket: Bucket, now: datetime) -> int:
    return bucket.used if bucket.day == _day(now) else 0


def _left_in_bucket(bucket: Bucket, limits: Limits, micros: int) -> int | None:
    """Returns the tokens of the bucket, at a time in microseconds since 1970; None without a rate."""
    if limits.requests_per_second is None:
        return None
    interval = MICROSECONDS / limits.requests_per_second
    return math.floor((micros + limits.bucket_size * interval - max(bucket.full_at, micros)) / interval + 1e-9)


def _without_database(limits: Limits, seconds: float) -> int:
    """Returns the tokens of an instance that cannot reach the shared bucket: it applies the rate to itself alone."""
    if limits.requests_per_second is None:
        return MAX_LEASES
    return max(1, math.floor(limits.requests_per_second * seconds))


def _limited(limits: Limits) -> bool:
    return limits.requests_per_second is not None or limits.requests_per_day is not None


def _most_at_once(limits: Limits, seconds: float) -> int:
    """Returns the most tokens of a lease: a tenth of the burst, or of the tokens that the rate adds in `seconds`."""
    rate = limits.requests_per_second
    if rate is None:
        return max(1, min(100, (limits.requests_per_day or 1) // 100))
    return max(1, math.floor(max(limits.bucket_size / 10, rate * seconds / 10)))


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def _seconds_of_day_left(now: datetime) -> int:
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return min(DAY_SECONDS, math.ceil((midnight - now).total_seconds()))
