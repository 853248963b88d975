"""ETags and preconditions of writes."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b


def etag_of(created_at: datetime, updated_at: datetime) -> str:
    """Returns the ETag of a record. It changes with every write, because no two writes share `updated_at`."""
    return blake2b(f"{created_at.isoformat()}{updated_at.isoformat()}".encode(), digest_size=9).hexdigest()


@dataclass(frozen=True, slots=True)
class Precondition:
    """The state that a write requires of the stored record: one of the ETags, or existence. None requires nothing."""

    etags: frozenset[str] | None = None
    exists: bool | None = None
