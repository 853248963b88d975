"""Facts of items and users, collected from the rows of a slice."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.entry.files.layouts.layout import ITEMS, USERS
from app.entry.files.records import Record
from app.services.merging import Facts

IDS = {ITEMS: "item_id", USERS: "user_id"}


@dataclass
class SliceFacts:
    """The facts of items or users in a slice."""

    by_record: dict[str, Facts] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    """The number of rows by item or user."""
    equal: Counter[str] = field(default_factory=Counter)
    """The number of them that add nothing to the rows before, 0 included."""

    def add(self, record: Record) -> None:
        name = getattr(record.body, IDS[record.kind])
        self.rows[name] += 1
        before = self.by_record.get(name)
        if record.is_anonymous and before is not None:
            return
        values = record.body.record(name)
        changes = {field_: getattr(values, field_) for field_ in record.body.model_fields_set - {IDS[record.kind]}}
        if before is not None and not before.only_if_new:
            changes = _joined(before.changes, changes)
        self.equal[name] += before is not None and changes == before.changes
        self.by_record[name] = Facts(name, changes, record.is_anonymous)


def facts_of(records: Iterable[Record]) -> SliceFacts:
    """Returns the facts of each item or user: in each column, the last one that is there.

    In a file of events, facts from rows without an owner count only if there are no others, because such rows are
    corrections in sales exports.
    """
    facts = SliceFacts()
    for record in records:
        facts.add(record)
    return facts


def _joined(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    properties = {**before.get("properties", {}), **after.get("properties", {})}
    return {**before, **after, **({"properties": properties} if properties else {})}
