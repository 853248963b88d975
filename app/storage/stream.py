"""Parse records of the events table's stream: rows that were written or deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.events import Change, Event
from app.storage.events import MONTHS, VERDICTS, event_of
from app.storage.table import SEPARATOR


def change(record: Mapping[str, Any]) -> Change | None:
    """Parses a record of the stream; None if it is not about an event.

    Args:
        record: one of the `Records` in Lambda's event or in the response of GetRecords.

    Raises:
        KeyError, ValueError, TypeError, AttributeError: the record is malformed.
    """
    content = record["dynamodb"]
    project, _, user_id = content["Keys"]["owner"]["S"].partition(SEPARATOR)
    if user_id == SEPARATOR + MONTHS or content["Keys"]["moment"]["S"] == VERDICTS:
        return None
    created = content["ApproximateCreationDateTime"]
    old, new = (_image(content.get(name), user_id) for name in ("OldImage", "NewImage"))
    if old is None and new is None:
        raise ValueError("a record without images")
    return Change(
        record_id=record["eventID"],
        sequence=content["SequenceNumber"],
        project=project,
        user_id=user_id,
        arrived=int(created.timestamp() if isinstance(created, datetime) else created),
        old=old,
        new=new,
    )


def _image(row: Mapping[str, Any] | None, user_id: str) -> Event | None:
    return None if row is None else event_of(row, user_id)
