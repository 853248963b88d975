"""Turns rows into records that the API would accept, or into the reason why not. The rules are the API's own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from app.api.schemas.events import EventIn
from app.api.schemas.items import BatchItem
from app.api.schemas.users import BatchUser
from app.entry.files import reasons
from app.entry.files.cells.formats import Formats
from app.entry.files.cells.values import BadCell, as_property, converted, is_missing
from app.entry.files.columns import Plan
from app.entry.files.kinds import FACTS, FIELDS, LIKED, QUANTITY
from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, USERS
from app.entry.files.reasons import Reason
from app.entry.files.rows import FileRow
from app.recommender.events.kinds import CART, DISLIKE, LIKE, PURCHASE, is_known, kind_of, normalized

BODIES: Mapping[str, TypeAdapter[Any]] = {
    EVENTS: TypeAdapter(EventIn),
    ITEMS: TypeAdapter(BatchItem),
    USERS: TypeAdapter(BatchUser),
}
DEFAULT_TYPE = "view"
OPPOSITES = {PURCHASE: "return", CART: "remove_from_cart"}
"""The type of an event whose value is negative, by its kind."""
UNTIMED, UNTYPED = "untimed", "untyped"
"""Marks of events without a time or a type. An opposite type is a mark too."""
HEADER, WITHOUT_ITEM, WITHOUT_CONTENT = "header", "without item", "without content"
"""Marks of rows that are skipped: they repeat the header, name no item, or have neither a user nor facts."""
TOO_OLD, ONLY_FACTS = "too old", "only facts"
"""Marks of rows whose event is older than events are kept: they are skipped, or give facts of their item only."""
PAGE_VIEWS = frozenset({"pageview", "pageviews", "pageviewed", "screenview", "visit", "visits", "pv"})
"""Spellings of a view that may be of a page without an item."""
UNTIMED_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Events without a time are dated from here on, a second a row, so that importing a file again dates them the same."""
UNTIMED_SECONDS = 31_536_000


class Record(NamedTuple):
    kind: str
    """events, items or users."""
    body: Any
    is_anonymous: bool = False
    """Whether an item's facts come from a row without an owner."""
    marks: tuple[str, ...] = ()
    """What the summary counts."""


class CheckedRow(NamedTuple):
    """A row with its records, or with the reason why it is rejected, or with the mark of those that are skipped."""

    row: FileRow
    records: tuple[Record, ...]
    reason: Reason | None = None
    skipped: str | None = None


@dataclass(frozen=True)
class Checker:
    """Checks the rows of a file."""

    plan: Plan
    is_json: bool
    types: Mapping[str, str]
    """Of the columns of a text."""
    formats: Formats
    first_row: bytes
    """Distinguishes files with equal rows that have no times."""
    event_type: str | None = None
    """The type of events that have none."""

    def checked(self, rows: Iterable[FileRow]) -> Iterator[CheckedRow]:
        """Yields each row with its records, or with the reason why it is rejected."""
        start = UNTIMED_SINCE + timedelta(
            seconds=int.from_bytes(blake2b(self.first_row, digest_size=6).digest()) % UNTIMED_SECONDS
        )
        for row in rows:
            if row.error is not None:
                yield CheckedRow(row, (), reasons.of_row(row.error))
                continue
            if row.is_header:
                yield CheckedRow(row, (), skipped=HEADER)
                continue
            try:
                records = tuple(
                    record
                    for fields in self._exploded(row.fields)
                    for record in self._records(fields, start, row.number)
                )
            except BadCell as error:
                yield CheckedRow(row, (), reasons.of_cell(error))
            except ValidationError as error:
                yield CheckedRow(row, (), reasons.of_validation(error))
            except _Missing as error:
                yield CheckedRow(row, (), reasons.missing(str(error)))
            else:
                yield CheckedRow(row, records, skipped=None if records else self._why_skipped(row))

    def _why_skipped(self, row: FileRow) -> str:
        has_item = any("item_id" in self._fields(fields) for fields in self._exploded(row.fields))
        return WITHOUT_CONTENT if has_item else WITHOUT_ITEM

    def _exploded(self, fields: dict[str, Any]) -> Iterable[dict[str, Any]]:
        """Returns the row, or one row for each of its items. Raises BadCell."""
        column, missing = self.plan.layout.explode, self.plan.layout.missing
        rows = [fields]
        if column is not None:
            entries = fields.get(column) or ()
            if not isinstance(entries, list | tuple):
                raise BadCell(column, entries, "is not a list of items")
            rows = [{**fields, **entry} for entry in entries if isinstance(entry, dict)]
        if missing:
            rows = [{name: None if value in missing else value for name, value in row.items()} for row in rows]
        return rows

    def _records(self, cells: dict[str, Any], start: datetime, number: int) -> Iterator[Record]:
        """Raises BadCell, ValidationError or _Missing."""
        kind, fields = self.plan.kind, self._fields(cells)
        if "item_id" not in fields and kind != USERS:
            if kind in {EVENTS, BOTH} and self._may_lack_item(fields):
                return
            raise _Missing("item_id")
        if kind in {EVENTS, BOTH}:
            has_owner = "user_id" in fields or "session_id" in fields
            if has_owner:
                yield self._event(fields, start, number)
            elif kind == EVENTS and self.plan.layout.kind != BOTH:  # otherwise it has facts of its item only
                raise _Missing("user_id" if "session_id" not in self.plan.fields else "user_id and session_id")
            if kind == BOTH:
                facts = {name: value for name, value in fields.items() if name in FACTS}
                facts |= self._properties(cells, fields)
                if facts:
                    body = BODIES[ITEMS].validate_python({"item_id": fields["item_id"], **facts})
                    yield Record(ITEMS, body, not has_owner)
            return
        if kind == USERS and "user_id" not in fields:
            raise _Missing("user_id")
        yield Record(kind, BODIES[kind].validate_python({**fields, **self._properties(cells, fields)}))

    def _may_lack_item(self, fields: Mapping[str, Any]) -> bool:
        """Whether an event is one of those that concern no item, such as session_start, login and page_view."""
        type_ = fields.get("event_type")
        is_other = type_ is not None and (not is_known(type_) or normalized(type_) in PAGE_VIEWS)
        return is_other or self.plan.layout.names_all_events

    def _fields(self, cells: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for ours, columns in self.plan.fields.items():
            for column in columns:
                value = cells.get(column)
                if is_missing(value, is_json=self.is_json):
                    continue
                plain = converted(ours, column, value, self.types.get(column), self.formats)
                if ours == "categories":
                    fields[ours] = fields.get(ours, []) + plain
                    continue
                fields[ours] = plain
                break
        flags = self.plan.layout.flags
        if flags and (flagged := [category for column, category in flags.items() if cells.get(column) == "1"]):
            fields["categories"] = fields.get("categories", []) + flagged
        return fields

    def _event(self, fields: dict[str, Any], start: datetime, number: int) -> Record:
        """Raises ValidationError."""
        event, marks = fields, list[str]()
        if self.plan.kind == BOTH:
            event = {
                name: value for name, value in fields.items() if name in FIELDS[EVENTS] or name in {LIKED, QUANTITY}
            }
        if "user_id" in event:
            event.pop("session_id", None)
        liked, quantity = event.pop(LIKED, None), event.pop(QUANTITY, "")
        type_ = event.get("event_type") or self.plan.constants.get("event_type")
        if type_ is None and liked is not None:
            type_ = LIKE if liked else DISLIKE
        if type_ is None:
            type_ = self.event_type or DEFAULT_TYPE
            marks.append(UNTYPED)
        value: Any = event.get("value")
        opposite = OPPOSITES.get(kind_of(type_))
        is_negative = isinstance(value, int | float) and value < 0
        if opposite is not None and (is_negative or quantity.startswith("-")):
            type_ = opposite
            marks.append(opposite)
            if is_negative:
                event["value"] = -value
        event["event_type"] = self.plan.layout.event_types.get(type_, type_)
        if "timestamp" not in event:
            event["timestamp"] = (start + timedelta(seconds=number)).isoformat()
            marks.append(UNTIMED)
        return Record(EVENTS, BODIES[EVENTS].validate_python(event), marks=tuple(marks))

    def _properties(self, cells: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
        """The field `properties` of a record, unless it has none."""
        more = self.plan.more_properties(cells)
        properties = {
            name: as_property(
                column, cells[column], self.types.get(column), self.formats.notation, is_json=self.is_json
            )
            for name, column in (*self.plan.properties.items(), *((name, name) for name in more))
            if not is_missing(cells.get(column), is_json=self.is_json)
        }
        own = fields.get("properties", {})
        if not isinstance(own, dict):
            return {"properties": own}
        for name in properties.keys() & own.keys():
            if properties[name] != own[name]:
                raise BadCell(name, properties[name], f"differs from the {name} in properties, {own[name]!r:.60}")
        return {"properties": {**properties, **own}} if properties or own else {}


class _Missing(Exception):
    """A record lacks a field; the message is its name."""
