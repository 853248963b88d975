"""If-Match and If-None-Match, for everything that can be changed under a condition."""

from app.domain.preconditions import Precondition
from app.errors import PreconditionFailed


def check(expected: Precondition, etag: str | None) -> None:
    """Compare what is expected with the present validator, None where there is nothing.

    Raises:
        PreconditionFailed.
    """
    if expected.exists is False and etag is not None:
        raise PreconditionFailed("It exists already (If-None-Match: *).")
    if expected.exists and etag is None:
        raise PreconditionFailed("It does not exist (If-Match: *).")
    if expected.etags is not None and etag not in expected.etags:
        raise PreconditionFailed("It was changed since its ETag was given (If-Match). Read it again and repeat.")
