"""Rows of events in DynamoDB's JSON."""

import json
from dataclasses import astuple

from app.domain.events import Attribution, Event
from app.storage.attributes import number
from app.storage.database import Raw
from app.storage.table import SEPARATOR, iso, key, moment, month_partition

VERDICTS = "~verdicts"
"""The sort key of a user's verdicts: it comes after all times, so that the newest events are read together with it."""


def row_of(project: str, event: Event, import_id: str | None = None) -> Raw:
    """Returns the row of an event, as its model would serialize it, in a fifth of the time."""
    time = iso(event.timestamp)
    row = {
        "owner": {"S": key(project, event.user_id)},
        "moment": {"S": key(time, event.event_id)},
        "item_id": {"S": event.item_id},
        "event_type": {"S": event.event_type},
        "month": {"S": month_partition(project, time[:7], event.user_id)},
    }
    if event.value is not None:
        row["value"] = {"N": json.dumps(event.value)}
    if event.attribution is not None:
        row["origin"] = {"S": key(*astuple(event.attribution))}
    if import_id is not None:
        row["import_id"] = {"S": import_id}
    return row


def user_id_of(row: Raw) -> str:
    return str(row["owner"]["S"]).split("#", 1)[1]


def event_of(row: Raw, user_id: str) -> Event:
    """Reads an event. Its fields are passed in order: by name takes half as long again, and histories have hundreds."""
    time, _, event_id = row["moment"]["S"].partition(SEPARATOR)
    return Event(
        user_id,
        row["item_id"]["S"],
        row["event_type"]["S"],
        moment(time),
        event_id,
        number(row, "value"),
        Attribution(*row["origin"]["S"].split(SEPARATOR)) if "origin" in row else None,
    )
