"""Records of the events table's stream, in DynamoDB's form."""

from dataclasses import astuple
from datetime import UTC, datetime
from itertools import count
from typing import Any

from app.domain.events import Event
from app.storage.table import iso, key

_numbers = count(1)


def image(project: str, event: Event) -> dict[str, Any]:
    row = {
        "owner": {"S": key(project, event.user_id)},
        "moment": {"S": key(iso(event.timestamp), event.event_id)},
        "item_id": {"S": event.item_id},
        "event_type": {"S": event.event_type},
        "month": {"S": key(project, iso(event.timestamp)[:7], "00")},
    }
    attribution = {} if event.attribution is None else {"origin": {"S": key(*astuple(event.attribution))}}
    return row | attribution | ({} if event.value is None else {"value": {"N": str(event.value)}})


def a_record(
    project: str,
    new: Event | None,
    old: Event | None = None,
    arrived: datetime | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """One record: an insertion, a modification (both images), or a removal (the old one only)."""
    event, number = new or old, next(_numbers)
    assert event is not None
    row = image(project, event)
    content: dict[str, Any] = {
        "ApproximateCreationDateTime": (arrived or datetime.now(UTC)).timestamp(),
        "Keys": {"owner": row["owner"], "moment": row["moment"]},
        "SequenceNumber": f"{number:021d}",
        "SizeBytes": 100,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if new:
        content["NewImage"] = image(project, new)
    if old:
        content["OldImage"] = image(project, old)
    return {
        "eventID": name or f"record-{number}",
        "eventName": "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": content,
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/events/stream/2026-01-31T00:00:00.000",
    }


class NoSockets:
    """A pusher without connections."""

    def any_of(self, project: str) -> bool:
        return not project

    def push(self, project: str, user_id: str) -> int:
        raise AssertionError(f"{project} has no sockets that watch {user_id}")


def an_expiry(project: str, event: Event, *, of_lambda: bool = True) -> dict[str, Any]:
    """The record of an event whose row DynamoDB has deleted because it expired, as Lambda or GetRecords gives it."""
    record = a_record(project, None, event)
    record["dynamodb"]["OldImage"]["expires_at"] = {"N": str(int(event.timestamp.timestamp()) + 1)}
    names = ("principalId", "type") if of_lambda else ("PrincipalId", "Type")
    return {**record, "userIdentity": dict(zip(names, ("dynamodb.amazonaws.com", "Service"), strict=True))}
