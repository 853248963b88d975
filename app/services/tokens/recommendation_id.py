"""What a recommendation id says of its answer: it describes itself, so that serving writes nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.domain.recommendations import (
    CATALOG,
    DIGEST_BYTES,
    EXPLORATION,
    GIVEN,
    LATEST,
    NEIGHBORS,
    POPULAR,
    SIMILAR,
    TRENDING,
    item_digest,
)

SOURCES = (NEIGHBORS, SIMILAR, TRENDING, POPULAR, LATEST, CATALOG, EXPLORATION, GIVEN)
"""Their places are written in tokens: append only."""
OF_OTHER = 0x80
"""Marks an item that the other of two interleaved versions chose."""
ENTRY = DIGEST_BYTES + 1


@dataclass(frozen=True, slots=True)
class RecommendationId:
    """An answer that was given: which version and scenario, when, and which items from which recommender."""

    version: str | None
    served_at: datetime
    scenario: str | None = None
    entries: bytes = b""
    """Of each item its digest and one byte for its source."""
    earlier: bytes = b""
    """Digests of the items on the pages before."""
    owner: str | None = None
    decision: str | None = None
    """Whom it was for, and under which id it was kept, if it was."""
    other: str | None = None
    """The version that it was interleaved with."""

    @property
    def shown(self) -> frozenset[bytes]:
        """Digests of all items on this page and those before."""
        return frozenset(_cut(self.earlier, DIGEST_BYTES)) | {one[:DIGEST_BYTES] for one in _cut(self.entries, ENTRY)}

    def origin(self, item_id: str) -> tuple[str | None, str] | None:
        """The version and the source that put an item on this page; None where it was not there."""
        digest = item_digest(item_id)
        for one in _cut(self.entries, ENTRY):
            if one.startswith(digest):
                version = self.other if one[-1] & OF_OTHER else self.version
                return version, SOURCES[one[-1] & ~OF_OTHER]
        return None

    def facts(self) -> dict[str, Any]:
        """As short JSON; what is empty is left out."""
        facts = {
            "v": self.version,
            "t": int(self.served_at.timestamp()),
            "s": self.scenario,
            "i": _text(self.entries),
            "e": _text(self.earlier),
            "o": self.owner,
            "d": self.decision,
            "w": self.other,
        }
        return {name: value for name, value in facts.items() if value or name == "v"}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "RecommendationId":
        return cls(
            version=facts["v"],
            served_at=datetime.fromtimestamp(facts["t"], UTC),
            scenario=facts.get("s"),
            entries=urlsafe_b64decode(facts.get("i", "")),
            earlier=urlsafe_b64decode(facts.get("e", "")),
            owner=facts.get("o"),
            decision=facts.get("d"),
            other=facts.get("w"),
        )


def entry(item_id: str, source: str, *, of_other: bool) -> bytes:
    return item_digest(item_id) + bytes([SOURCES.index(source) | (OF_OTHER if of_other else 0)])


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode()


def _cut(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]
