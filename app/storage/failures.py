"""Store stream records that could not be applied, and refused requests, with the reasons, for two weeks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.attributes import JSONAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.events import Failure, Refusal, RefusedPlace
from app.domain.paging import Page, every
from app.storage.attributes import decoded, text
from app.storage.database import Database, Raw
from app.storage.table import SEPARATOR, Table, is_expired, iso, key, moment

KEPT = timedelta(days=14)
LISTED = 100
UNKNOWN = "#unknown"
"""Project of records that do not name one."""


class RecordAttribute(JSONAttribute):
    """A record of the stream as JSON: times are numbers, as in the events of Lambda, and other objects their repr."""

    def serialize(self, value: object) -> str:
        return json.dumps(value, default=_plain)


class FailureRow(Model):
    class Meta:
        table_name = "failures"

    project = UnicodeAttribute(hash_key=True)
    """project, or project#refusals."""
    record_id = UnicodeAttribute(range_key=True)
    """Of a refusal, its time."""
    user = UnicodeAttribute(null=True)
    reason = UnicodeAttribute()
    record = RecordAttribute()
    expires_at = TTLAttribute()


class FailureStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, FailureRow)

    def put(self, record: Mapping[str, Any], reason: str) -> None:
        """Stores a record; storing it again writes the same row."""
        project, user_id = owner(record)
        row = FailureRow(
            project=project,
            record_id=str(record.get("eventID") or "unknown"),
            user=user_id,
            reason=reason,
            record=record,
            expires_at=KEPT,
        )
        self._table.put(row)

    def list_page(self, project: str, start: str | None, limit: int) -> Page[Failure]:
        rows, more = self._table.query(
            project, limit=limit, consistent=True, start=self._table.key(project, start) if start else None
        )
        return Page(tuple(map(_failure, rows)), rows[-1]["record_id"]["S"] if more and rows else None)

    def erase(self, project: str, user_id: str, report: Callable[[int], None]) -> None:
        """Deletes the records of a user; calls `report` with their number before deleting."""
        listed = every(lambda start: self.list_page(project, start, LISTED))
        failures = [failure for failure in listed if failure.user_id == user_id]
        report(len(failures))
        self._table.write_many([], [self._table.key(failure.project, failure.record_id) for failure in failures])

    def put_refusal(self, project: str, refusal: Refusal) -> None:
        facts = {
            "status": refusal.status,
            "errors": [asdict(error) for error in refusal.errors],
            "others": refusal.others,
        }
        row = FailureRow(
            project=refusals_of(project),
            record_id=iso(refusal.refused_at),
            reason=refusal.detail,
            record=facts,
            expires_at=KEPT,
        )
        self._table.put(row)

    def newest_refusals(self, project: str, limit: int) -> list[Refusal]:
        """Returns the newest refusals, newest first."""
        rows, _ = self._table.query(refusals_of(project), limit=limit, newest_first=True)
        return [_refusal(row) for row in rows if not is_expired(row)]

    def delete(self, failure: Failure) -> None:
        self._table.write_many([], [self._table.key(failure.project, failure.record_id)])


def refusals_of(project: str) -> str:
    """Returns the partition of a project's refusals."""
    return key(project, "refusals")


def owner(record: Mapping[str, Any]) -> tuple[str, str | None]:
    """Returns project and user of a record; UNKNOWN and None if it does not name them."""
    try:
        project, separator, user_id = record["dynamodb"]["Keys"]["owner"]["S"].partition(SEPARATOR)
    except (KeyError, TypeError, AttributeError):
        return UNKNOWN, None
    return (project, user_id) if project and separator else (UNKNOWN, None)


def _plain(value: object) -> object:
    return value.astimezone(UTC).timestamp() if isinstance(value, datetime) else repr(value)


def _failure(row: Raw) -> Failure:
    return Failure(
        project=row["project"]["S"],
        record_id=row["record_id"]["S"],
        user_id=text(row, "user"),
        reason=row["reason"]["S"],
        record=decoded(row, "record"),
    )


def _refusal(row: Raw) -> Refusal:
    facts = decoded(row, "record")
    errors = tuple(RefusedPlace(**error) for error in facts["errors"])
    return Refusal(moment(row["record_id"]["S"]), facts["status"], row["reason"]["S"], errors, facts["others"])
