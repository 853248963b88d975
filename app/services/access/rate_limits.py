"""Rate limit and daily quota of a key: a token bucket in DynamoDB, from which each instance takes leases.

A lease is a few tokens, taken with one conditional write and spent in memory within `lease_seconds`; its size follows
the demand that the instance sees. Instances spend leased tokens only, and the bucket never gives out more than it has,
so with any number of instances:

- at most burst + rate * W requests pass in the W seconds after the bucket was full;
- at most burst + rate * (W + lease_seconds) requests pass in any W seconds;
- at most the quota passes in a day (a killed instance loses the few tokens of its lease).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from threading import Lock

from cachetools import LRUCache

from app.clock import Clock
from app.config import Settings
from app.domain.access import ApiKey, Limits, Principal
from app.errors import Conflict, LimitExceeded, Unavailable
from app.services.access.token_bucket import (
    MICROSECONDS,
    QUOTA,
    RATE,
    Taken,
    day_of,
    seconds_of_day_left,
    take,
    tokens_left,
    used_today,
)
from app.services.access.user_shares import UserShares, share_of_key, share_of_user
from app.storage.buckets import Bucket, BucketStore

MAX_LEASES = 20_000
USER_BYTES = 12
ATTEMPTS = 20


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
    users_refused_until: float = 0.0
    """As `refused_until`, for the key's users, who leave a part to the key itself."""
    holder: str = "key"
    """Whose tokens they are, in words."""
    left_in_bucket: int | None = None
    left_today: int | None = None
    bucket: Bucket | None = None
    """The bucket as it was last read or written."""
    borrowed: bool = False
    """Whether the tokens were not taken from the bucket, because the database is unavailable."""
    lock: Lock = field(default_factory=Lock)

    def end_of_refusal(self, principal: Principal) -> float:
        """Returns the monotonic time until which the bucket is known to have no tokens for this caller."""
        return max(self.refused_until, self.users_refused_until) if principal.shares_limits else self.refused_until


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
        self._shares = UserShares(clock)

    def needs_lease(self, principal: Principal) -> bool:
        """Whether `spend` may need the database."""
        if not _limited(principal.limits):
            return False
        lease = self._lease(principal)
        return lease.lock.locked() or (not self._has_tokens(lease) and not self._is_refused(principal, lease))

    def spend_of_user(self, principal: Principal) -> None:
        """Spends a token of the user whose credentials these are, for a request with events.

        Raises:
            LimitExceeded: no tokens are left.
        """
        user = blake2b(str(principal.user_id).encode(), key=self._secret, digest_size=USER_BYTES).hexdigest()
        credential = f"{principal.credential}/{user}"
        limited = replace(principal, credential=credential, limits=principal.user_limits, shares_limits=False)
        self.spend(limited, "user")

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
        share = self._shares.spend(principal) if principal.shares_limits else None
        lease = self._lease(principal)
        with lease.lock:
            lease.holder = holder
            if not self._has_tokens(lease):
                if self._is_refused(principal, lease):
                    raise self._exceeded(principal, lease)
                self._renew(principal, lease)
            elif principal.shares_limits and (policy := _low(lease, limits)) is not None:
                raise self._refusal(principal, lease, policy, 1 if policy == RATE else self._seconds_of_day_left())
            lease.tokens -= 1
            if share is not None:
                return Allowance(share_of_user(limits), *share, self._seconds_of_day_left())
            return Allowance(
                limits,
                None if lease.left_in_bucket is None else lease.left_in_bucket + lease.tokens,
                None if lease.left_today is None else lease.left_today + lease.tokens,
                self._seconds_of_day_left(),
            )

    def limits(self, principal: Principal) -> Limits:
        """Returns the limits of the caller: a share, if others have the same."""
        return share_of_user(principal.limits) if principal.shares_limits else principal.limits

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
        return lease.tokens > 0 and self._clock.monotonic() < lease.ends_at and lease.day == day_of(self._clock.now())

    def _is_refused(self, principal: Principal, lease: _Lease) -> bool:
        """Whether the bucket is known to have no tokens."""
        return self._clock.monotonic() < lease.end_of_refusal(principal)

    def _renew(self, principal: Principal, lease: _Lease) -> None:
        """Takes a new lease, or raises LimitExceeded if no tokens are left."""
        spendable = lease.day == day_of(self._clock.now()) and not lease.borrowed
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
            taken = Taken(tokens, Bucket(day=day_of(self._clock.now())))
            lease.borrowed = True
        if not taken.tokens and principal.shares_limits:
            lease.users_refused_until, lease.refusal = self._clock.monotonic() + taken.wait_seconds, taken.policy
            raise self._exceeded(principal, lease)
        lease.tokens, lease.day = taken.tokens, taken.bucket.day
        lease.left_in_bucket, lease.left_today = taken.left_in_bucket, taken.left_today
        if not taken.tokens:
            lease.refused_until, lease.refusal = self._clock.monotonic() + taken.wait_seconds, taken.policy
            raise self._exceeded(principal, lease)
        lease.ends_at = self._clock.monotonic() + self._lease_seconds

    def _taken(self, principal: Principal, lease: _Lease, unspent: int) -> Taken:
        """Takes tokens from the shared bucket; unspent tokens of the previous lease return to the day's quota."""
        project, credential = principal.project, principal.credential
        reserved = share_of_key(principal.limits) if principal.shares_limits else (0, 0)
        for _ in range(ATTEMPTS):
            taken = take(lease.bucket or Bucket(), principal.limits, self._clock.now(), lease.size, unspent, reserved)
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

    def _exceeded(self, principal: Principal, lease: _Lease) -> LimitExceeded:
        seconds = max(1, math.ceil(lease.end_of_refusal(principal) - self._clock.monotonic()))
        return self._refusal(principal, lease, lease.refusal, seconds)

    def _refusal(self, principal: Principal, lease: _Lease, policy: str, seconds: int) -> LimitExceeded:
        limit = "rate" if policy == RATE else "daily quota"
        part = "users' part of the key's" if principal.shares_limits else f"{lease.holder}'s"
        detail = f"The {part} {limit} is used up. Try again in {seconds} s."
        return LimitExceeded(detail, policy, seconds)

    def _seconds_of_day_left(self) -> int:
        return seconds_of_day_left(self._clock.now())


def _low(lease: _Lease, limits: Limits) -> str | None:
    """Returns the policy with no more left than the part for the key itself, by the lease; None if both have more."""
    kept, kept_today = share_of_key(limits)
    of_policies = ((QUOTA, lease.left_today, kept_today), (RATE, lease.left_in_bucket, kept))
    return next((name for name, left, most in of_policies if left is not None and left + lease.tokens <= most), None)


def _use(bucket: Bucket, limits: Limits, now: datetime) -> Use:
    left = tokens_left(bucket, limits, round(now.timestamp() * MICROSECONDS))
    if left is None:
        return Use(used_today(bucket, now), None, None)
    return Use(used_today(bucket, now), max(0, left), limits.bucket_size)


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
