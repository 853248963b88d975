"""ETags, and what a write expects of the stored record."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b


def etag_of(created_at: datetime, updated_at: datetime) -> str:
    """The validator of a record as it is: every change has a time of its own."""
    return blake2b(f"{created_at.isoformat()}{updated_at.isoformat()}".encode(), digest_size=9).hexdigest()


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a write expects of the present state: one of some ETags, anything at all, or nothing."""

    etags: frozenset[str] | None = None
    exists: bool | None = None
