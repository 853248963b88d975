"""Parse records of the events table's stream: rows that were written or deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.events import Change, Event
from app.storage.event_rows import VERDICTS, event_of
from app.storage.events import MONTHS
from app.storage.table import SEPARATOR

REMOVED = "REMOVE"
EXPIRY = "dynamodb.amazonaws.com"
"""The identity that deletes rows which have expired; other deletions name none."""


def change(record: Mapping[str, Any]) -> Change | None:
    """Parses a record of the stream; None if nothing has happened to an event.

    An event that expires is not taken back: it still happened, and what was counted stays.

    Args:
        record: one of the `Records` in Lambda's event or in the response of GetRecords.

    Raises:
        KeyError, ValueError, TypeError, AttributeError: the record is malformed.
    """
    if _is_expiry(record):
        return None
    content = record["dynamodb"]
    project, _, user_id = content["Keys"]["owner"]["S"].partition(SEPARATOR)
    if user_id == SEPARATOR + MONTHS or content["Keys"]["moment"]["S"] == VERDICTS:
        return None
    created = content["ApproximateCreationDateTime"]
    old, new = (_image(content.get(name), user_id) for name in ("OldImage", "NewImage"))
    if old is None and new is None:
        raise ValueError("a record without images")
    if old == new:  # what changed is when the row expires, or the import that wrote it
        return None
    return Change(
        record_id=record["eventID"],
        sequence=content["SequenceNumber"],
        project=project,
        user_id=user_id,
        arrived=int(created.timestamp() if isinstance(created, datetime) else created),
        old=old,
        new=new,
    )


def _is_expiry(record: Mapping[str, Any]) -> bool:
    """Whether the database deleted a row that has expired. Lambda and GetRecords spell the name differently."""
    identity = record.get("userIdentity") or {}
    return record.get("eventName") == REMOVED and EXPIRY in {
        identity.get("principalId"),
        identity.get("PrincipalId"),
    }


def _image(row: Mapping[str, Any] | None, user_id: str) -> Event | None:
    return None if row is None else event_of(row, user_id)
