"""Receipts of erasures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """The number of records that an erasure removed, by kind."""

    receipt_id: str
    started_at: datetime
    removed: Mapping[str, int] = field(default_factory=dict)
    completed_at: datetime | None = None
    reached: Mapping[str, str] = field(default_factory=dict)
    """The last record counted, by kind. Only kinds with more records left have one."""

    @property
    def complete(self) -> bool:
        return self.completed_at is not None
