"""Conditional writes: If-Match, If-None-Match, and the retries of writes that met another one."""

from collections.abc import Callable
from typing import Final, TypeVar

from app.domain.preconditions import Precondition
from app.errors import Conflict, PreconditionFailed

ATTEMPTS = 5
ANY: Final = Precondition()
"""A write that expects nothing of the stored record."""

Record = TypeVar("Record")


def check(expected: Precondition, etag: str | None) -> None:
    """Compares a precondition with the ETag of the stored record, None if there is no record.

    Raises:
        PreconditionFailed: the record is not in the expected state.
    """
    if expected.exists is False and etag is not None:
        raise PreconditionFailed("The resource already exists (If-None-Match: *).")
    if expected.exists and etag is None:
        raise PreconditionFailed("The resource does not exist (If-Match: *).")
    if expected.etags is not None and etag not in expected.etags:
        raise PreconditionFailed("The resource has changed since you read it (If-Match). Read it again and retry.")


def retried(write: Callable[[], Record]) -> Record:
    """Calls `write`, up to five times, until no other write changes the record between its read and its write.

    Raises:
        Conflict: the record changed each time.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return write()
        except Conflict:
            continue
    return write()
