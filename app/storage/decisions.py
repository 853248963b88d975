"""Store the responses in the decision log."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from zlib import compress, decompress

from pynamodb.attributes import BinaryAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.fields import Selection
from app.domain.recommendations import Reason, RecommendationResponse, RecommendedItem
from app.storage.database import Database
from app.storage.table import Table, is_expired, key

ERASED_AT_ONCE = 100


class DecisionRow(Model):
    class Meta:
        table_name = "decisions"

    owner = UnicodeAttribute(hash_key=True)
    """project#digest of the user."""
    decision_id = UnicodeAttribute(range_key=True)
    response = BinaryAttribute(legacy_encoding=False)
    """Compressed JSON."""
    expires_at = TTLAttribute()


class DecisionStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, DecisionRow)

    def put(
        self, project: str, owner: str, decision_id: str, response: RecommendationResponse, expires_at: datetime
    ) -> None:
        row = DecisionRow(
            owner=key(project, owner), decision_id=decision_id, response=_encode(response), expires_at=expires_at
        )
        self._table.put(row)

    def get(self, project: str, owner: str, decision_id: str) -> RecommendationResponse | None:
        row = self._table.get(key(project, owner), decision_id, consistent=True)
        return None if row is None or is_expired(row) else _decode(bytes(row["response"]["B"]))

    def erase_some(self, project: str, owner: str, report: Callable[[Sequence[str]], object] = lambda _: None) -> int:
        """Deletes up to a page of a user's responses; returns their number, 0 if none are left.

        Calls `report` with their ids before deleting.
        """
        rows, _ = self._table.query(
            key(project, owner), limit=ERASED_AT_ONCE, consistent=True, attributes=("owner", "decision_id")
        )
        report([row["decision_id"]["S"] for row in rows])
        self._table.write_many([], rows)
        return len(rows)


def _encode(response: RecommendationResponse) -> bytes:
    items = [item._asdict() | {"reasons": [reason._asdict() for reason in item.reasons]} for item in response.items]
    content = asdict(replace(response, items=())) | {"items": items}
    return compress(json.dumps(content, default=datetime.isoformat).encode())


def _decode(content: bytes) -> RecommendationResponse:
    response = json.loads(decompress(content))
    items, warnings = tuple(map(_item, response["items"])), tuple(response.get("warnings", ()))
    selection = response.get("selection")
    if selection is not None:
        selection = Selection(tuple(selection["names"]))
    return RecommendationResponse(**{**response, "items": items, "warnings": warnings, "selection": selection})


def _item(item: dict[str, Any]) -> RecommendedItem:
    reasons, categories = tuple(map(_reason, item["reasons"])), item["categories"]
    return RecommendedItem(
        **{**item, "reasons": reasons, "categories": None if categories is None else tuple(categories)}
    )


def _reason(reason: dict[str, Any]) -> Reason:
    timestamp = reason["timestamp"]
    return Reason(**{**reason, "timestamp": datetime.fromisoformat(timestamp) if timestamp else None})
