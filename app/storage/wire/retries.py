"""Decide about retries as botocore's standard mode does, with its own conditions, backoff and quota.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from types import SimpleNamespace
from typing import Any

from botocore.retries.quota import RetryQuota
from botocore.retries.standard import (
    ExponentialBackoff,
    RetryContext,
    RetryEventAdapter,
    RetryQuotaChecker,
    StandardRetryConditions,
    ThrottlingErrorDetector,
)

from app.deadline import remaining_seconds
from app.storage.timeouts import LEAST_SECONDS
from app.storage.wire.http import Response

SERVICE = "dynamodb"
MODEL = SimpleNamespace(
    service_model=SimpleNamespace(service_name=SERVICE),
    error_shapes=(SimpleNamespace(name="ReplicatedWriteConflictException", metadata={"retryable": {}}),),
)
"""What botocore's conditions read of the model of an operation: the errors that DynamoDB alone calls retryable."""


class Retries:
    def __init__(self, attempts: int) -> None:
        """`attempts` includes the first."""
        throttling = ThrottlingErrorDetector(RetryEventAdapter())
        self._conditions = StandardRetryConditions(attempts)
        self._backoff = ExponentialBackoff(service_name=SERVICE, throttling_detector=throttling)
        self._longest = ExponentialBackoff(random=lambda: 1.0, service_name=SERVICE, throttling_detector=throttling)
        self._quota = RetryQuotaChecker(RetryQuota(), throttling)

    def pause_seconds(self, failure: RetryContext) -> float | None:
        """Returns the pause before the next attempt.

        None for no other attempt: the failure is final, attempts or quota are used up, or the pause could outlast
        the deadline.
        """
        if not self._conditions.is_retryable(failure):
            return None
        if remaining_seconds() < self._longest.delay_amount(failure) + LEAST_SECONDS:
            return None
        if not self._quota.acquire_retry_quota(failure):
            return None
        return float(self._backoff.delay_amount(failure))

    def succeeded(self, call: dict[str, Any], response: Response) -> None:
        """Returns the quota that a call took for its retries."""
        self._quota.release_retry_quota(call, response)


def failure(
    attempt: int, call: dict[str, Any], response: Response | None, parsed: object, error: Exception | None
) -> RetryContext:
    """Describes a failed attempt: its response and how botocore parses it, or the error instead of one."""
    return RetryContext(attempt, MODEL, parsed, response, error, call)
